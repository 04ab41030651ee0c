"""Catalog variants: the sizes and colours of a product, with their stock and price."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from klaviyo_tools.areas.catalogs import SORT, VARIANT_FILTER, IntegrationType, Metadata, Price, area
from klaviyo_tools.arguments.marks import UNLISTED
from klaviyo_tools.arguments.places import Relationship
from klaviyo_tools.arguments.types import Arguments, CatalogId, Text
from klaviyo_tools.operation.area import XL, L
from klaviyo_tools.operation.preview import Preview


def _number(value: object) -> object:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


Policy = Annotated[Literal[0, 1, 2], BeforeValidator(_number), WithJsonSchema({"type": "integer"})]


class VariantChanges(Arguments):
    """The attributes of a variant that can change."""

    title: Text | None = None
    sku: Text | None = None
    price: Price | None = None
    inventory_quantity: float | None = None
    inventory_policy: Policy | None = Field(None, description="1: not recommended when out of stock; 0, 2: recommended")
    description: str | None = None
    url: Text | None = None
    image_full_url: str | None = None
    image_thumbnail_url: str | None = None
    images: list[Text] | None = Field(None, description="URLs")
    custom_metadata: Metadata | None = Field(None, description="flat")
    published: bool | None = None


class NewVariant(VariantChanges):
    item_id: Annotated[CatalogId, Relationship("catalog-item")] = Field(description="the product's id")
    external_id: Text = Field(description="the shop's id")
    title: Text
    sku: Text
    price: Price
    inventory_quantity: float
    description: str
    url: Text
    integration_type: Annotated[IntegrationType | None, UNLISTED] = None
    catalog_type: Annotated[Text | None, UNLISTED] = None


area.resource_type(
    "catalog-variant",
    "title sku price inventory_quantity inventory_policy published external_id item updated",
    """created custom_metadata description external_id image_full_url image_thumbnail_url images inventory_policy
    inventory_quantity price published sku title updated url""",
    label="title sku external_id",
    facet="published",
    date="updated",
    relationships="item:catalog-item",
)
area.collection(
    "get_catalog_variants",
    "/api/catalog-variants",
    "catalog-variant",
    "Variants of products, with stock and price.",
    rate=XL,
    filter=VARIANT_FILTER,
    sort=SORT,
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.record(
    "get_catalog_variant",
    "/api/catalog-variants/{catalog_variant_id}",
    "catalog-variant",
    "One variant.",
    rate=XL,
)
area.create(
    "create_catalog_variant",
    "/api/catalog-variants",
    "catalog-variant",
    NewVariant,
    "Add a variant to a product; its id becomes $custom:::$default:::external_id.",
    rate=L,
)
area.update(
    "update_catalog_variant",
    "/api/catalog-variants/{catalog_variant_id}",
    "catalog-variant",
    VariantChanges,
    "Change a variant: stock, price, text; its product's price stays.",
    rate=L,
)
area.delete(
    "delete_catalog_variant",
    "/api/catalog-variants/{catalog_variant_id}",
    "catalog-variant",
    "Delete a variant; its product stays.",
    rate=L,
    preview=Preview(facts=("external_id", "sku")),
)
