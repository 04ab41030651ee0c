"""Metrics: the kinds of events, and where each comes from."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.sandbox.life.world import World

_SAMPLES = 10
_INFERRED = {int: "integer", float: "number", bool: "boolean"}

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


def describe(world: World) -> None:
    """The properties that the events of each metric carry, with a few of their values."""
    samples: dict[tuple[str, str], list[Any]] = {}
    for event in world.store.all("event"):
        for name, value in event.attributes["event_properties"].items():
            held = samples.setdefault((str(event.links["metric"]), name), [])
            if isinstance(value, str | int | float) and len(held) < _SAMPLES and value not in held:
                held.append(value)
    for (metric, name), values in samples.items():
        kind = _INFERRED.get(type(values[0]), "string") if values else "list"
        attributes = {"label": name.removeprefix("$"), "property": name, "inferred_type": kind, "sample_values": values}
        id_ = f"{world.random.getrandbits(120):030x}"
        world.add("metric-property", attributes, {"metric": metric}, id_)
