"""The catalog: categories, items, and the variants of each item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.life.products import CATEGORIES, PRODUCTS, Product
from klaviyo_mcp.sandbox.life.world import World

_PREFIX = "$custom:::$default:::"


def catalog_id(external_id: str) -> str:
    """The id of a catalog record in the shop's one catalog."""
    return _PREFIX + external_id


def page(product: Product) -> str:
    """The address of a product's page."""
    return f"https://shop.example.com/products/{product.number.lower()}"


def make(world: World) -> None:
    """A record for each row of the table; one item is not published, and a few variants are sold out."""
    items: dict[str, list[str]] = {key: [] for key in CATEGORIES}
    for number, product in enumerate(PRODUCTS):
        id_ = catalog_id(product.number)
        keys = product.categories.split(",")
        for key in keys:
            items[key].append(id_)
        attributes = _shown(world, product, product.title, number)
        links = {"variants": _variants(world, product, number), "categories": [catalog_id(key) for key in keys]}
        world.add("catalog-item", attributes, {**links}, id_)
    for key, name in CATEGORIES.items():
        updated = world.text(14 + len(items[key]))
        world.add("catalog-category", {"external_id": key, "name": name, "updated": updated}, None, catalog_id(key))


def _shown(world: World, product: Product, title: str, number: int) -> dict[str, Any]:
    images = f"https://images.example.com/products/{product.number.lower()}"
    metadata: Mapping[str, Any] = {
        "made_in": ("Portugal", "Sweden", "Japan")[number % 3],
        "repairable": number % 4 != 0,
    }
    return {
        "external_id": product.number,
        "title": title,
        "description": product.words,
        "price": product.price,
        "url": page(product),
        "image_full_url": f"{images}.jpg",
        "image_thumbnail_url": f"{images}-thumb.jpg",
        "images": [f"{images}-{view}.jpg" for view in ("front", "detail")],
        "custom_metadata": dict(metadata),
        "published": product.number != "TRL-205",
        **world.times(700 - 11 * number, 5 + 3 * number),
    }


def _variants(world: World, product: Product, number: int) -> list[str]:
    ids = []
    for place, word in enumerate(product.variants.split(",")):
        sku = f"{product.number}-{place + 1}"
        stock = 0 if world.random.random() < 0.1 else world.random.randrange(3, 180)
        attributes = _shown(world, product, f"{product.title} / {word}", number)
        attributes |= {"external_id": sku, "sku": sku, "inventory_quantity": stock, "inventory_policy": 1}
        links = {"item": catalog_id(product.number)}
        ids.append(world.add("catalog-variant", attributes, {**links}, catalog_id(sku)).id)
    return ids
