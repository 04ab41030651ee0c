"""Catalog categories: the groups of a shop's products."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klaviyo_tools.areas.catalogs import CATEGORY_FILTER, ITEM_FILTER, SORT, IntegrationType, area
from klaviyo_tools.arguments.marks import UNLISTED
from klaviyo_tools.arguments.places import Relationship
from klaviyo_tools.arguments.types import Arguments, CatalogId, Text
from klaviyo_tools.operation.area import XL, L


class CategoryChanges(Arguments):
    """The attributes of a category that can change."""

    name: Text | None = None
    item_ids: Annotated[list[CatalogId] | None, Relationship("catalog-item")] = Field(
        None, description="all products in it"
    )


class NewCategory(CategoryChanges):
    external_id: Text = Field(description="the shop's id")
    name: Text
    integration_type: Annotated[IntegrationType | None, UNLISTED] = None
    catalog_type: Annotated[Text | None, UNLISTED] = None


area.resource_type(
    "catalog-category",
    "name external_id updated",
    "external_id name updated",
    label="name external_id",
    date="updated",
    relationships="items:catalog-item",
)
area.collection(
    "get_catalog_categories",
    "/api/catalog-categories",
    "catalog-category",
    "Categories of products.",
    rate=XL,
    filter=CATEGORY_FILTER,
    sort=SORT,
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.record(
    "get_catalog_category",
    "/api/catalog-categories/{catalog_category_id}",
    "catalog-category",
    "One category.",
    rate=XL,
)
area.create(
    "create_catalog_category",
    "/api/catalog-categories",
    "catalog-category",
    NewCategory,
    "Create a category; its id becomes $custom:::$default:::external_id.",
    rate=L,
)
area.update(
    "update_catalog_category",
    "/api/catalog-categories/{catalog_category_id}",
    "catalog-category",
    CategoryChanges,
    "Rename a category, or replace the products in it.",
    rate=L,
)
area.delete(
    "delete_catalog_category",
    "/api/catalog-categories/{catalog_category_id}",
    "catalog-category",
    "Delete a category; its products stay.",
    rate=L,
)
area.collection(
    "get_items_for_catalog_category",
    "/api/catalog-categories/{catalog_category_id}/items",
    "catalog-item",
    "Products in a category.",
    rate=XL,
    filter=ITEM_FILTER,
    sort=SORT,
    include=("variants",),
    aliases="get_catalog_category_items",
    ids_operation="get_item_ids_for_catalog_category",
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.relate(
    "add_items_to_catalog_category",
    "/api/catalog-categories/{catalog_category_id}/relationships/items",
    "catalog-item",
    "Add products to a category.",
    rate=L,
    aliases="create_catalog_category_relationships_item create_catalog_category_relationships_items",
    verify_with="get_items_for_catalog_category",
)
area.relate(
    "remove_items_from_catalog_category",
    "/api/catalog-categories/{catalog_category_id}/relationships/items",
    "catalog-item",
    "Remove products from a category; they stay in the catalog.",
    rate=L,
    method="DELETE",
    aliases="delete_catalog_category_relationships_items",
    verify_with="get_items_for_catalog_category",
)
area.relate(
    "update_items_for_catalog_category",
    "/api/catalog-categories/{catalog_category_id}/relationships/items",
    "catalog-item",
    "Replace the products of a category; an empty list empties it.",
    rate=L,
    method="PATCH",
    aliases="update_catalog_category_relationships_items",
    verify_with="get_items_for_catalog_category",
)
