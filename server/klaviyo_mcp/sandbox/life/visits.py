"""Visits to the shop: products viewed, carts filled, and orders placed and fulfilled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder
from klaviyo_mcp.sandbox.life.catalog import product_url
from klaviyo_mcp.sandbox.life.plan import PlannedEvent
from klaviyo_mcp.sandbox.life.product_table import CATEGORIES, PRODUCTS, Product
from klaviyo_mcp.sandbox.state.store import Record

CURRENCY = "USD"
MAX_VISITS = 12
_DISCOUNT_CODES = (None, None, None, None, None, None, "WELCOME10", "TRAIL15", "WINBACK20")


def plan_visits(builder: AccountBuilder) -> None:
    """Plan the visits that no message led to: most profiles come rarely, a few often."""
    for profile in builder.active_profiles:
        first = builder.first_activity(profile)
        for _ in range(min(MAX_VISITS, int(builder.random.expovariate(1 / 3.4)))):
            visit_shop(builder, profile, first + (builder.now - first) * builder.random.random())


def visit_shop(
    builder: AccountBuilder,
    profile: Record,
    at: datetime,
    credit: PlannedEvent | None = None,
    *,
    eagerness: float = 0.0,
) -> None:
    """Plan the events of a visit: views, and perhaps cart, checkout and order.

    `credit` is the message event that an order is attributed to. `eagerness` is added to the chance of each step.
    """
    random = builder.random
    products = random.sample(PRODUCTS, random.choices((1, 2, 3), (60, 28, 12))[0])
    for number, product in enumerate(products):
        builder.plan_event("Viewed Product", profile, at + timedelta(minutes=2 * number), _view_properties(product))
    at += timedelta(minutes=7)
    if random.random() > 0.5 + eagerness:
        return
    items = [_order_item(builder, product) for product in products]
    builder.plan_event("Added to Cart", profile, at, _cart_properties(items))
    if random.random() > 0.72 + eagerness:
        return
    number_text = f"SO-{random.randrange(100_000, 999_999)}"
    checkout = {
        "$value": _total(items),
        "$value_currency": CURRENCY,
        "ItemNames": [item["ProductName"] for item in items],
        "CheckoutURL": f"https://shop.example.com/checkout/{number_text}",
        "Items": items,
    }
    builder.plan_event("Checkout Started", profile, at + timedelta(minutes=3), checkout)
    if random.random() < 0.7 + eagerness:
        _plan_order(builder, profile, at + timedelta(minutes=9), number_text, items, credit)


def _view_properties(product: Product) -> dict[str, Any]:
    return {
        "ProductName": product.title,
        "ProductID": product.number,
        "Price": product.price,
        "URL": product_url(product),
        "Categories": _category_names(product),
    }


def _cart_properties(items: list[dict[str, Any]]) -> dict[str, Any]:
    first = items[0]
    return {
        "$value": first["ItemPrice"],
        "$value_currency": CURRENCY,
        "AddedItemProductName": first["ProductName"],
        "AddedItemProductID": first["ProductID"],
        "AddedItemSKU": first["SKU"],
        "AddedItemQuantity": 1,
        "ItemNames": [item["ProductName"] for item in items],
    }


def _order_item(builder: AccountBuilder, product: Product) -> dict[str, Any]:
    place = builder.random.randrange(len(product.variants.split(",")))
    quantity = builder.random.choices((1, 2, 3), (82, 14, 4))[0]
    return {
        "ProductID": product.number,
        "SKU": f"{product.number}-{place + 1}",
        "ProductName": product.title,
        "Quantity": quantity,
        "ItemPrice": product.price,
        "RowTotal": round(product.price * quantity, 2),
        "ProductURL": product_url(product),
        "Categories": _category_names(product),
    }


def _plan_order(
    builder: AccountBuilder,
    profile: Record,
    at: datetime,
    number: str,
    items: list[dict[str, Any]],
    credit: PlannedEvent | None,
) -> None:
    """Plan an order, an event for each of its items, and its fulfilment."""
    code = builder.random.choice(_DISCOUNT_CODES)
    total = _total(items)
    discount = round(total * int(code[-2:]) / 100, 2) if code else 0.0
    names = [item["ProductName"] for item in items]
    order = {
        "$event_id": number,
        "$value": round(total - discount, 2),
        "$value_currency": CURRENCY,
        "OrderId": number,
        "DiscountCode": code,
        "DiscountValue": discount,
        "ItemNames": names,
        "Categories": sorted({category for item in items for category in item["Categories"]}),
        "Items": items,
    }
    builder.plan_event("Placed Order", profile, at, order, credit)
    for place, item in enumerate(items, 1):
        ordered = {"$event_id": f"{number}-{place}", "$value": item["RowTotal"], "$value_currency": CURRENCY}
        builder.plan_event("Ordered Product", profile, at, ordered | {"OrderId": number} | item, credit)
    fulfilled_at = at + timedelta(hours=builder.random.uniform(9, 70))
    fulfilled = {
        "$event_id": f"{number}-F",
        "$value": order["$value"],
        "$value_currency": CURRENCY,
        "OrderId": number,
        "ItemNames": names,
    }
    builder.plan_event("Fulfilled Order", profile, fulfilled_at, fulfilled)


def _category_names(product: Product) -> list[str]:
    return [CATEGORIES[key] for key in product.categories.split(",")]


def _total(items: list[dict[str, Any]]) -> float:
    return round(sum(float(item["RowTotal"]) for item in items), 2)
