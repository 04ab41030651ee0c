"""Metrics: the kinds of events, and where each comes from."""

from __future__ import annotations

from .world import World

_KLAVIYO = {
    "object": "integration",
    "id": "0rG4eQ",
    "key": "klaviyo",
    "name": "Klaviyo",
    "category": "Internal",
    "image_url": "https://images.example.com/integrations/klaviyo.png",
}
_SHOP = {
    "object": "integration",
    "id": "6ShopK",
    "key": "api",
    "name": "API",
    "category": "eCommerce",
    "image_url": "https://images.example.com/integrations/api.png",
}

SHOP = ("Placed Order", "Ordered Product", "Viewed Product", "Added to Cart", "Checkout Started", "Fulfilled Order")
KLAVIYO = (
    "Received Email", "Opened Email", "Clicked Email", "Unsubscribed from Email", "Bounced Email",
    "Marked Email as Spam", "Received SMS", "Clicked SMS", "Unsubscribed from SMS", "Failed to Deliver SMS",
    "Received Push", "Opened Push", "Subscribed to List", "Viewed Form", "Viewed Form Step", "Qualified Form",
    "Closed Form", "Submitted Form Step", "Submitted Form",
)  # fmt: skip


def make(world: World) -> None:
    for number, name in enumerate((*SHOP, *KLAVIYO)):
        integration = dict(_SHOP if name in SHOP else _KLAVIYO)
        times = world.times(735 - number * 0.01, 40 - number)
        world.metrics[name] = world.add("metric", {"name": name, **times, "integration": integration}).id
