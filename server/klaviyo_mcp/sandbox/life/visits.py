"""Visits to the shop: looking, filling a cart, paying, and what was bought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.plan import PlannedEvent
from klaviyo_mcp.sandbox.life.products import CATEGORIES, PRODUCTS, Product
from klaviyo_mcp.sandbox.life.shop import page
from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Record

CURRENCY = "USD"

_DISCOUNTS = (None, None, None, None, None, None, "WELCOME10", "TRAIL15", "WINBACK20")


def make(world: World) -> None:
    """The visits that nobody's message led to; most people come rarely, a few all the time."""
    shop = Shop(world)
    for profile in world.lively:
        since = world.since(profile)
        for _ in range(min(12, int(world.random.expovariate(1 / 3.4)))):
            shop.visit(profile, since + (world.now - since) * world.random.random())


@dataclass
class Shop:
    """Where visits happen."""

    world: World

    def visit(self, profile: Record, at: datetime, credit: PlannedEvent | None = None, *, eager: float = 0.0) -> None:
        """Look at something; perhaps go on to the cart, the checkout and the payment (`eager` makes it likelier)."""
        world, random = self.world, self.world.random
        seen = random.sample(PRODUCTS, random.choices((1, 2, 3), (60, 28, 12))[0])
        for number, product in enumerate(seen):
            world.happen("Viewed Product", profile, at + timedelta(minutes=2 * number), viewed(product))
        at += timedelta(minutes=7)
        if random.random() > 0.5 + eager:
            return
        items = [self._item(product) for product in seen]
        worth = _total(items)
        cart = {"$value": items[0]["ItemPrice"], "$value_currency": CURRENCY, "AddedItemProductName": seen[0].title}
        cart |= {"AddedItemProductID": seen[0].number, "AddedItemSKU": items[0]["SKU"], "AddedItemQuantity": 1}
        world.happen("Added to Cart", profile, at, cart | {"ItemNames": [item["ProductName"] for item in items]})
        if random.random() > 0.72 + eager:
            return
        number_text = f"SO-{random.randrange(100_000, 999_999)}"
        basket = {"$value": worth, "$value_currency": CURRENCY, "ItemNames": [item["ProductName"] for item in items]}
        checkout = basket | {"CheckoutURL": f"https://shop.example.com/checkout/{number_text}", "Items": items}
        world.happen("Checkout Started", profile, at + timedelta(minutes=3), checkout)
        if random.random() < 0.7 + eager:
            self._order(profile, at + timedelta(minutes=9), number_text, items, credit)

    def _item(self, product: Product) -> dict[str, Any]:
        place = self.world.random.randrange(len(product.variants.split(",")))
        quantity = self.world.random.choices((1, 2, 3), (82, 14, 4))[0]
        return {
            "ProductID": product.number,
            "SKU": f"{product.number}-{place + 1}",
            "ProductName": product.title,
            "Quantity": quantity,
            "ItemPrice": product.price,
            "RowTotal": round(product.price * quantity, 2),
            "ProductURL": page(product),
            "Categories": _categories(product),
        }

    def _order(
        self, profile: Record, at: datetime, number: str, items: list[dict[str, Any]], credit: PlannedEvent | None
    ) -> None:
        """An order names the message it is credited to; each of its items is an event of its own."""
        code = self.world.random.choice(_DISCOUNTS)
        total = _total(items)
        off = round(total * int(code[-2:]) / 100, 2) if code else 0.0
        order = {
            "$event_id": number,
            "$value": round(total - off, 2),
            "$value_currency": CURRENCY,
            "OrderId": number,
            "DiscountCode": code,
            "DiscountValue": off,
            "ItemNames": [item["ProductName"] for item in items],
            "Categories": sorted({category for item in items for category in item["Categories"]}),
            "Items": items,
        }
        self.world.happen("Placed Order", profile, at, order, credit)
        for place, item in enumerate(items, 1):
            one = {"$event_id": f"{number}-{place}", "$value": item["RowTotal"], "$value_currency": CURRENCY}
            self.world.happen("Ordered Product", profile, at, one | {"OrderId": number} | item, credit)
        sent = at + timedelta(hours=self.world.random.uniform(9, 70))
        parcel = {"$event_id": f"{number}-F", "$value": order["$value"], "$value_currency": CURRENCY, "OrderId": number}
        self.world.happen("Fulfilled Order", profile, sent, parcel | {"ItemNames": order["ItemNames"]})


def viewed(product: Product) -> dict[str, Any]:
    """What a Viewed Product event tells."""
    return {
        "ProductName": product.title,
        "ProductID": product.number,
        "Price": product.price,
        "URL": page(product),
        "Categories": _categories(product),
    }


def _categories(product: Product) -> list[str]:
    return [CATEGORIES[key] for key in product.categories.split(",")]


def _total(items: list[dict[str, Any]]) -> float:
    return round(sum(float(item["RowTotal"]) for item in items), 2)
