"""Products, their variants and categories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klaviyo_tools.request import Request

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


def test_a_product_needs_what_klaviyo_asks_for(refusal_of: Refuse) -> None:
    assert refusal_of("create_catalog_item", title="Shoes") == (
        "description is required; url is required; external_id is required"
    )


def test_a_price_is_not_negative(refusal_of: Refuse) -> None:
    assert refusal_of("create_catalog_item", **PRODUCT, price=-1) == (
        "price: input should be greater than or equal to 0, not -1"
    )


def test_metadata_have_a_bound(refusal_of: Refuse) -> None:
    assert refusal_of("update_catalog_item", catalog_item_id=ITEM, custom_metadata={"a": "x" * 100_000}) == (
        "custom_metadata: 100,009 bytes of JSON: at most 100,000"
    )


def test_an_id_that_is_none_is_refused(refusal_of: Refuse) -> None:
    assert refusal_of("get_catalog_item", catalog_item_id="") == (
        "catalog_item_id: is empty: catalog ids look like $custom:::$default:::SKU-1"
    )
    assert refusal_of("delete_catalog_item", catalog_item_id="..").startswith("catalog_item_id: '..' is not")


def test_products_are_found_by_title_and_category(request_of: Render) -> None:
    wanted = f'and(contains(title,"shoes"),equals(category.id,"{SHOES}"))'
    found = request_of("get_catalog_items", filter=wanted, sort="-created", include="variants")
    assert (found.method, found.path) == ("GET", "/api/catalog-items")
    assert (found.query["sort"], found.query["include"]) == ("-created", "variants")
    assert SHOES in found.query["filter"]


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


def test_only_what_changes_of_a_product_is_sent(request_of: Render) -> None:
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
