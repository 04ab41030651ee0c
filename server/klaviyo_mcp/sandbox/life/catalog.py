"""The catalog: categories, items, and the variants of each item."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder
from klaviyo_mcp.sandbox.life.product_table import CATEGORIES, PRODUCTS, Product

_ID_PREFIX = "$custom:::$default:::"
_UNPUBLISHED = "TRL-205"
_SOLD_OUT_SHARE = 0.1


def catalog_id(external_id: str) -> str:
    """The id of a record in the shop's only catalog."""
    return _ID_PREFIX + external_id


def product_url(product: Product) -> str:
    return f"https://shop.example.com/products/{product.number.lower()}"


def add_catalog(builder: AccountBuilder) -> None:
    """Add the products of the table. One is not published, and a few variants are sold out."""
    items_by_category: dict[str, list[str]] = {key: [] for key in CATEGORIES}
    for number, product in enumerate(PRODUCTS):
        id_ = catalog_id(product.number)
        keys = product.categories.split(",")
        for key in keys:
            items_by_category[key].append(id_)
        attributes = _item_attributes(builder, product, product.title, number)
        variants = _add_variants(builder, product, number)
        builder.add(
            "catalog-item", attributes, {"variants": variants, "categories": [catalog_id(key) for key in keys]}, id_
        )
    for key, name in CATEGORIES.items():
        updated = builder.timestamp(14 + len(items_by_category[key]))
        attributes = {"external_id": key, "name": name, "updated": updated}
        builder.add("catalog-category", attributes, None, catalog_id(key))


def _item_attributes(builder: AccountBuilder, product: Product, title: str, number: int) -> dict[str, Any]:
    images = f"https://images.example.com/products/{product.number.lower()}"
    metadata = {"made_in": ("Portugal", "Sweden", "Japan")[number % 3], "repairable": number % 4 != 0}
    return {
        "external_id": product.number,
        "title": title,
        "description": product.description,
        "price": product.price,
        "url": product_url(product),
        "image_full_url": f"{images}.jpg",
        "image_thumbnail_url": f"{images}-thumb.jpg",
        "images": [f"{images}-{view}.jpg" for view in ("front", "detail")],
        "custom_metadata": metadata,
        "published": product.number != _UNPUBLISHED,
        **builder.created_and_updated(700 - 11 * number, 5 + 3 * number),
    }


def _add_variants(builder: AccountBuilder, product: Product, number: int) -> list[str]:
    ids = []
    for place, name in enumerate(product.variants.split(","), 1):
        sku = f"{product.number}-{place}"
        stock = 0 if builder.random.random() < _SOLD_OUT_SHARE else builder.random.randrange(3, 180)
        attributes = _item_attributes(builder, product, f"{product.title} / {name}", number)
        attributes |= {"external_id": sku, "sku": sku, "inventory_quantity": stock, "inventory_policy": 1}
        links = {"item": catalog_id(product.number)}
        ids.append(builder.add("catalog-variant", attributes, links, catalog_id(sku)).id)
    return ids
