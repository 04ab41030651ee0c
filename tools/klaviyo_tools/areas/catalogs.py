"""Catalogs: the products (items) of a shop. Variants, categories and jobs have modules of their own."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from klaviyo_tools.arguments.marks import Brief
from klaviyo_tools.arguments.places import Relationship
from klaviyo_tools.arguments.types import Arguments, CatalogId, OpenObject, Text
from klaviyo_tools.operation.area import XL, Area, L
from klaviyo_tools.operation.facts import RecordAddress
from klaviyo_tools.operation.preview import Preview

area = Area(
    "catalogs",
    id_type=CatalogId,
)

MAX_METADATA_BYTES = 100_000
"""Bytes of `custom_metadata`."""
ITEM_FILTER = {"title": "contains", "category.id": "equals", "published": "equals", "ids": "any"}
VARIANT_FILTER = {
    "title": "contains",
    "sku": "equals",
    "item.id": "equals",
    "published": "equals",
    "ids": "any",
}
CATEGORY_FILTER = {"name": "contains", "item.id": "equals", "ids": "any"}
SORT = ("created",)


def _check_metadata_size(metadata: OpenObject) -> OpenObject:
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    if size > MAX_METADATA_BYTES:
        raise ValueError(f"{size:,} bytes of JSON: at most {MAX_METADATA_BYTES:,}")
    return metadata


Price = Annotated[float, Field(ge=0)]
Metadata = Annotated[OpenObject, AfterValidator(_check_metadata_size)]
IntegrationType = Literal["$custom"]


class ItemChanges(Arguments):
    """The attributes of an item that can change."""

    title: Text | None = None
    price: Price | None = None
    description: str | None = None
    url: Text | None = None
    image_full_url: str | None = None
    image_thumbnail_url: str | None = None
    images: list[Text] | None = None
    custom_metadata: Metadata | None = None
    published: bool | None = None
    category_ids: Annotated[list[CatalogId] | None, Relationship("catalog-category", "categories")] = None


class NewItem(ItemChanges):
    external_id: Text = Field(description="your id")
    title: Text
    description: str
    url: Text
    integration_type: Annotated[IntegrationType | None, Brief()] = None
    catalog_type: Text | None = None


area.resource_type(
    "catalog-item",
    "title price external_id published url created updated",
    """created custom_metadata description external_id image_full_url image_thumbnail_url images price published
    title updated url""",
    label="title external_id",
    facet="published",
    date="updated",
    relationships="variants:catalog-variant",
)
area.collection(
    "get_catalog_items",
    "/api/catalog-items",
    "catalog-item",
    "Products created by API; not those a shop syncs.",
    rate=XL,
    filter=ITEM_FILTER,
    sort=SORT,
    include=("variants",),
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.create(
    "create_catalog_item",
    "/api/catalog-items",
    "catalog-item",
    NewItem,
    "Add a product; its id becomes $custom:::$default:::external_id.",
    rate=L,
)
area.delete(
    "delete_catalog_item",
    "/api/catalog-items/{catalog_item_id}",
    "catalog-item",
    "Delete a product.",
    rate=L,
    preview=Preview(facts=("external_id",), joined={"variants": "has"}),
)
area.record(
    "get_catalog_item",
    "/api/catalog-items/{catalog_item_id}",
    "catalog-item",
    "One product, by id: $custom:::$default:::SKU-1.",
    rate=XL,
    address=RecordAddress("A product."),
    include=("variants",),
)
area.update(
    "update_catalog_item",
    "/api/catalog-items/{catalog_item_id}",
    "catalog-item",
    ItemChanges,
    "Change a product; category_ids replaces its categories.",
    rate=L,
)
area.collection(
    "get_categories_for_catalog_item",
    "/api/catalog-items/{catalog_item_id}/categories",
    "catalog-category",
    "Categories that a product is in.",
    rate=XL,
    filter=CATEGORY_FILTER,
    sort=SORT,
    aliases="get_catalog_item_categories",
    ids_operation="get_category_ids_for_catalog_item",
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.collection(
    "get_variants_for_catalog_item",
    "/api/catalog-items/{catalog_item_id}/variants",
    "catalog-variant",
    "Variants of a product.",
    rate=XL,
    filter=VARIANT_FILTER,
    sort=SORT,
    aliases="get_catalog_item_variants",
    ids_operation="get_variant_ids_for_catalog_item",
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.relate(
    "add_categories_to_catalog_item",
    "/api/catalog-items/{catalog_item_id}/relationships/categories",
    "catalog-category",
    "Add a product to more categories.",
    rate=L,
    aliases="""add_category_to_catalog_item create_catalog_item_relationships_category
        create_catalog_item_relationships_categories""",
    verify_with="get_categories_for_catalog_item",
)
area.relate(
    "remove_categories_from_catalog_item",
    "/api/catalog-items/{catalog_item_id}/relationships/categories",
    "catalog-category",
    "Remove a product from categories.",
    rate=L,
    method="DELETE",
    aliases="delete_catalog_item_relationships_categories",
    verify_with="get_categories_for_catalog_item",
)
area.relate(
    "update_categories_for_catalog_item",
    "/api/catalog-items/{catalog_item_id}/relationships/categories",
    "catalog-category",
    "Replace a product's categories; an empty list removes it from all.",
    rate=L,
    method="PATCH",
    aliases="update_catalog_item_relationships_categories",
    verify_with="get_categories_for_catalog_item",
)
