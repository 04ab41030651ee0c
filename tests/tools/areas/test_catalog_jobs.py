"""Jobs over many products, variants or categories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_tools.areas.catalogs import area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request
from klaviyo_tools.schema.input_schema import input_schema

Render = Callable[..., Request]
Refuse = Callable[..., str]

ITEM = "$custom:::$default:::PROD-001"
PRODUCT: dict[str, Any] = {
    "external_id": "PROD-001",
    "title": "Blue Running Shoes",
    "description": "Light, for roads.",
    "url": "https://store.example.com/products/blue-running-shoes",
}


def test_a_job_takes_a_hundred_and_no_more(refusal_of: Refuse) -> None:
    assert refusal_of("bulk_create_catalog_items", items=[PRODUCT] * 101).startswith("items: at most 100, not ")
    assert refusal_of("bulk_delete_catalog_items", catalog_item_ids=[]).startswith(
        "catalog_item_ids: is empty: give at least 1"
    )


def test_an_error_names_its_record(refusal_of: Refuse) -> None:
    assert refusal_of("bulk_create_catalog_items", items=[PRODUCT, {**PRODUCT, "prize": 5}]) == (
        "unknown argument 'items.1.prize': did you mean price?"
    )
    assert refusal_of("bulk_update_catalog_variants", variants=[{"sku": "A"}]) == (
        "variants.0.catalog_variant_id is required"
    )


def test_products_are_added(request_of: Render) -> None:
    shoes = "$custom:::$default:::SHOES"
    assert request_of("bulk_create_catalog_items", items=[{**PRODUCT, "category_ids": [shoes]}]) == Request(
        "POST",
        "/api/catalog-item-bulk-create-jobs",
        body={
            "data": {
                "type": "catalog-item-bulk-create-job",
                "attributes": {
                    "items": {
                        "data": [
                            {
                                "type": "catalog-item",
                                "attributes": PRODUCT,
                                "relationships": {"categories": {"data": [{"type": "catalog-category", "id": shoes}]}},
                            }
                        ]
                    }
                },
            }
        },
    )


@pytest.mark.parametrize(
    ("name", "many", "type_", "record", "attributes"),
    [
        ("bulk_update_catalog_items", "items", "catalog-item", {"price": 9}, {"price": 9}),
        ("bulk_update_catalog_variants", "variants", "catalog-variant", {"sku": "A"}, {"sku": "A"}),
        ("bulk_update_catalog_categories", "categories", "catalog-category", {"name": "B"}, {"name": "B"}),
    ],
)
def test_records_are_changed_each_by_its_id(
    request_of: Render, name: str, many: str, type_: str, record: dict[str, Any], attributes: dict[str, Any]
) -> None:
    id_ = f"{type_.replace('-', '_')}_id"
    assert request_of(name, **{many: [{id_: ITEM, **record}]}) == Request(
        "POST",
        f"/api/{type_}-bulk-update-jobs",
        body={
            "data": {
                "type": f"{type_}-bulk-update-job",
                "attributes": {many: {"data": [{"type": type_, "id": ITEM, "attributes": attributes}]}},
            }
        },
    )


@pytest.mark.parametrize(
    ("many", "type_"),
    [("items", "catalog-item"), ("variants", "catalog-variant"), ("categories", "catalog-category")],
)
def test_records_are_deleted_by_their_ids_alone(request_of: Render, many: str, type_: str) -> None:
    argument = f"{type_.replace('-', '_')}_ids"
    assert request_of(f"bulk_delete_catalog_{many}", **{argument: [ITEM, "B"]}).body == {
        "data": {
            "type": f"{type_}-bulk-delete-job",
            "attributes": {many: {"data": [{"type": type_, "id": ITEM}, {"type": type_, "id": "B"}]}},
        }
    }
    schema = input_schema(area.operations[f"bulk_delete_catalog_{many}"].arguments)
    assert schema["properties"][argument]["items"] == {"type": "string"}


def test_deletions_are_confirmed_and_other_jobs_are_not() -> None:
    started = [operation for operation in area if operation.job]
    assert len(started) == 9
    for operation in started:
        assert operation.effect is (Effect.DELETE if "_delete_" in operation.name else Effect.WRITE)


def test_each_job_is_followed_by_its_own_read(request_of: Render, refusal_of: Refuse) -> None:
    for operation in area:
        if operation.job is None:
            continue
        follow = area.operations[operation.job.read]
        assert follow.path == operation.path + "/{job_id}"
        assert area.operations[str(operation.verify_with)].path == operation.path, (
            "a job in doubt has no id to read it by"
        )
    assert request_of("get_bulk_create_variants_job", job_id="J1", include="variants") == Request(
        "GET", "/api/catalog-variant-bulk-create-jobs/J1", {"include": "variants"}
    )
    assert request_of("get_bulk_delete_catalog_items_jobs", filter='equals(status,"complete")') == Request(
        "GET", "/api/catalog-item-bulk-delete-jobs", {"filter": 'equals(status,"complete")'}
    )
    assert "is not an id" in refusal_of("get_bulk_create_variants_job", job_id="a/b")
