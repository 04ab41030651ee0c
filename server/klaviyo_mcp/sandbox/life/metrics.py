"""Metrics with the integrations that they come from, and the properties of their events."""

from __future__ import annotations

import json
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder

_MAX_SAMPLE_VALUES = 10
_INFERRED_TYPES = {int: "integer", float: "number", bool: "boolean"}

_KLAVIYO_INTEGRATION = {
    "object": "integration",
    "id": "0rG4eQ",
    "key": "klaviyo",
    "name": "Klaviyo",
    "category": "Internal",
    "image_url": "https://images.example.com/integrations/klaviyo.png",
}
_SHOP_INTEGRATION = {
    "object": "integration",
    "id": "6ShopK",
    "key": "api",
    "name": "API",
    "category": "eCommerce",
    "image_url": "https://images.example.com/integrations/api.png",
}

_SHOP_METRICS = (
    "Placed Order", "Ordered Product", "Viewed Product", "Added to Cart", "Checkout Started", "Fulfilled Order",
)  # fmt: skip
_KLAVIYO_METRICS = (
    "Received Email", "Opened Email", "Clicked Email", "Unsubscribed from Email", "Bounced Email",
    "Marked Email as Spam", "Received SMS", "Clicked SMS", "Unsubscribed from SMS", "Failed to Deliver SMS",
    "Received Push", "Opened Push", "Subscribed to List", "Viewed Form", "Viewed Form Step", "Qualified Form",
    "Closed Form", "Submitted Form Step", "Submitted Form",
)  # fmt: skip


def add_metrics(builder: AccountBuilder) -> None:
    for number, name in enumerate((*_SHOP_METRICS, *_KLAVIYO_METRICS)):
        integration = dict(_SHOP_INTEGRATION if name in _SHOP_METRICS else _KLAVIYO_INTEGRATION)
        times = builder.created_and_updated(735 - number * 0.01, 40 - number)
        builder.metrics[name] = builder.add("metric", {"name": name, **times, "integration": integration}).id


def add_metric_properties(builder: AccountBuilder) -> None:
    """Add the properties that each metric's events have, with samples of their values."""
    samples: dict[tuple[str, str], list[Any]] = {}
    for event in builder.store.all("event"):
        for name, value in event.attributes["event_properties"].items():
            values = samples.setdefault((str(event.links["metric"]), name), [])
            if isinstance(value, str | int | float) and len(values) < _MAX_SAMPLE_VALUES and value not in values:
                values.append(value)
    for (metric, name), values in samples.items():
        kind = _INFERRED_TYPES.get(type(values[0]), "string") if values else "list"
        attributes = {
            "label": name.removeprefix("$"),
            "property": name,
            "inferred_type": kind,
            "sample_values": [value if isinstance(value, str) else json.dumps(value) for value in values],
        }
        id_ = f"{builder.random.getrandbits(120):030x}"
        builder.add("metric-property", attributes, {"metric": metric}, id_)
