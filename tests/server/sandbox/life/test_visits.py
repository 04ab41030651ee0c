"""The orders of the seeded account."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.server.sandbox.life.seeded import events_of, linked, properties_of

from klaviyo_mcp.sandbox.state.store import Store


def test_orders_consist_of_catalog_items_and_add_up(account: Store) -> None:
    spent: Counter[str] = Counter()
    for event in events_of(account, "Placed Order"):
        order = properties_of(event)
        for item in order["Items"]:
            variant = linked(account, "catalog-variant", f"$custom:::$default:::{item['SKU']}")
            assert variant.attributes["price"] == item["ItemPrice"]
            assert item["RowTotal"] == round(item["ItemPrice"] * item["Quantity"], 2)
        total = sum(item["RowTotal"] for item in order["Items"])
        assert order["$value"] == pytest.approx(total - order["DiscountValue"])
        spent[str(event.links["profile"])] += order["$value"]
    assert len(spent) > 50
    for id_, total in spent.items():
        profile = linked(account, "profile", id_)
        assert profile.attributes["predictive_analytics"]["historic_clv"] == pytest.approx(total)
