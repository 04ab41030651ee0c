"""Products, their variants and categories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]

ITEM = "$custom:::$default:::PROD-001"
ENCODED = "%24custom%3A%3A%3A%24default%3A%3A%3APROD-001"
SHOES = "$custom:::$default:::SHOES"
PRODUCT: dict[str, Any] = {
    "external_id": "PROD-001",
    "title": "Blue Running Shoes",
    "description": "Light, for roads.",
    "url": "https://store.example.com/products/blue-running-shoes",
}


def test_a_product_needs_the_attributes_that_klaviyo_requires(refusal_of: Refuse) -> None:
    assert refusal_of("create_catalog_item", title="Shoes") == (
        "description is required; url is required; external_id is required (your id)"
    )


def test_a_price_is_not_negative(refusal_of: Refuse) -> None:
    assert refusal_of("create_catalog_item", **PRODUCT, price=-1) == ("price: should be at least 0, not -1")


def test_metadata_have_a_bound(refusal_of: Refuse) -> None:
    assert refusal_of("update_catalog_item", catalog_item_id=ITEM, custom_metadata={"a": "x" * 100_000}) == (
        "custom_metadata: 100,009 bytes of JSON: at most 100,000"
    )


def test_an_invalid_id_is_refused(refusal_of: Refuse) -> None:
    assert refusal_of("get_catalog_item", catalog_item_id="") == (
        "catalog_item_id: is empty: catalog ids look like $custom:::$default:::SKU-1"
    )
    assert refusal_of("delete_catalog_item", catalog_item_id="..").startswith("catalog_item_id: '..' is not")


def test_products_are_found_by_title_and_category(request_of: Render) -> None:
    text = f'and(contains(title,"shoes"),equals(category.id,"{SHOES}"))'
    request = request_of("get_catalog_items", filter=text, sort="-created", include="variants")
    assert (request.method, request.path) == ("GET", "/api/catalog-items")
    assert (request.query["sort"], request.query["include"]) == ("-created", "variants")
    assert SHOES in request.query["filter"]


def test_the_id_of_a_product_is_encoded_in_its_path(request_of: Render) -> None:
    assert request_of("get_catalog_item", catalog_item_id=ITEM) == Request("GET", f"/api/catalog-items/{ENCODED}")
    assert request_of("delete_catalog_item", catalog_item_id="a/b ?#%").path == "/api/catalog-items/a%2Fb%20%3F%23%25"


def test_a_product_is_added_in_a_category(request_of: Render) -> None:
    assert request_of("create_catalog_item", **PRODUCT, price="129.99", category_ids=SHOES) == Request(
        "POST",
        "/api/catalog-items",
        body={
            "data": {
                "type": "catalog-item",
                "attributes": {**PRODUCT, "price": 129.99},
                "relationships": {"categories": {"data": [{"type": "catalog-category", "id": SHOES}]}},
            }
        },
    )


def test_only_the_changes_of_a_product_are_sent(request_of: Render) -> None:
    assert request_of("update_catalog_item", catalog_item_id=ITEM, published=False, price=None) == Request(
        "PATCH",
        f"/api/catalog-items/{ENCODED}",
        body={"data": {"type": "catalog-item", "id": ITEM, "attributes": {"published": False}}},
    )
    moved = request_of("update_catalog_item", catalog_item_id=ITEM, category_ids=[]).body["data"]
    assert moved == {
        "type": "catalog-item",
        "id": ITEM,
        "attributes": {},
        "relationships": {"categories": {"data": []}},
    }


def test_variants_and_categories_are_listed(request_of: Render) -> None:
    assert request_of("get_catalog_variants", filter='equals(sku,"SHOE-42")') == Request(
        "GET", "/api/catalog-variants", {"filter": 'equals(sku,"SHOE-42")'}
    )
    assert request_of("get_catalog_categories", filter=f'equals(item.id,"{ITEM}")', sort="created") == Request(
        "GET", "/api/catalog-categories", {"filter": f'equals(item.id,"{ITEM}")', "sort": "created"}
    )


VARIANT: dict[str, Any] = {
    **PRODUCT,
    "external_id": "PROD-001-42",
    "sku": "SHOE-42",
    "price": 129.99,
    "inventory_quantity": 3,
}


def test_a_variant_belongs_to_a_product(refusal_of: Refuse, request_of: Render) -> None:
    assert refusal_of("create_catalog_variant", **VARIANT) == "item_id is required (the product's id)"
    assert refusal_of("create_catalog_variant", **VARIANT, item_id=ITEM, inventory_policy=3) == (
        "inventory_policy: should be 0, 1 or 2, not 3"
    )
    assert request_of("create_catalog_variant", **VARIANT, item_id=ITEM, inventory_policy="1") == Request(
        "POST",
        "/api/catalog-variants",
        body={
            "data": {
                "type": "catalog-variant",
                "attributes": {**VARIANT, "inventory_policy": 1},
                "relationships": {"item": {"data": {"type": "catalog-item", "id": ITEM}}},
            }
        },
    )


def test_a_variant_is_restocked_and_deleted(request_of: Render) -> None:
    assert request_of("update_catalog_variant", catalog_variant_id=ITEM, inventory_quantity=0) == Request(
        "PATCH",
        f"/api/catalog-variants/{ENCODED}",
        body={"data": {"type": "catalog-variant", "id": ITEM, "attributes": {"inventory_quantity": 0}}},
    )
    assert request_of("get_catalog_variant", catalog_variant_id=ITEM).path == f"/api/catalog-variants/{ENCODED}"
    assert request_of("delete_catalog_variant", catalog_variant_id=ITEM).method == "DELETE"


def test_a_category_is_created_changed_and_deleted(refusal_of: Refuse, request_of: Render) -> None:
    assert refusal_of("create_catalog_category", name="Shoes") == "external_id is required (the shop's id)"
    assert request_of("create_catalog_category", external_id="SHOES", name="Shoes", item_ids=[ITEM]).body == {
        "data": {
            "type": "catalog-category",
            "attributes": {"external_id": "SHOES", "name": "Shoes"},
            "relationships": {"items": {"data": [{"type": "catalog-item", "id": ITEM}]}},
        }
    }
    assert request_of("update_catalog_category", catalog_category_id=SHOES, name="Trainers").body == {
        "data": {"type": "catalog-category", "id": SHOES, "attributes": {"name": "Trainers"}}
    }
    assert request_of("delete_catalog_category", catalog_category_id=SHOES).method == "DELETE"


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("add_items_to_catalog_category", "POST"),
        ("remove_items_from_catalog_category", "DELETE"),
        ("update_items_for_catalog_category", "PATCH"),
    ],
)
def test_products_go_into_and_out_of_a_category(request_of: Render, name: str, method: Any) -> None:
    assert request_of(name, catalog_category_id="SHOES", catalog_item_ids=[ITEM]) == Request(
        method,
        "/api/catalog-categories/SHOES/relationships/items",
        body={"data": [{"type": "catalog-item", "id": ITEM}]},
    )


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("add_categories_to_catalog_item", "POST"),
        ("remove_categories_from_catalog_item", "DELETE"),
        ("update_categories_for_catalog_item", "PATCH"),
    ],
)
def test_categories_are_put_on_and_taken_off_a_product(request_of: Render, name: str, method: Any) -> None:
    assert request_of(name, catalog_item_id=ITEM, catalog_category_ids=[SHOES]) == Request(
        method,
        f"/api/catalog-items/{ENCODED}/relationships/categories",
        body={"data": [{"type": "catalog-category", "id": SHOES}]},
    )


def test_only_a_replacement_may_leave_nothing(refusal_of: Refuse, request_of: Render) -> None:
    empty: dict[str, Any] = {"catalog_item_id": ITEM, "catalog_category_ids": []}
    assert refusal_of("add_categories_to_catalog_item", **empty).startswith("catalog_category_ids: is empty")
    assert request_of("update_categories_for_catalog_item", **empty).body == {"data": []}


def test_related_records_are_listed(request_of: Render) -> None:
    assert request_of("get_variants_for_catalog_item", catalog_item_id=ITEM).path == (
        f"/api/catalog-items/{ENCODED}/variants"
    )
    assert request_of("get_categories_for_catalog_item", catalog_item_id=ITEM).path == (
        f"/api/catalog-items/{ENCODED}/categories"
    )
    assert request_of("get_items_for_catalog_category", catalog_category_id="SHOES", include="variants") == Request(
        "GET", "/api/catalog-categories/SHOES/items", {"include": "variants"}
    )
