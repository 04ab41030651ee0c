"""The catalog."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, to_many, to_one

pytestmark = pytest.mark.anyio

ITEM = {"external_id": "A-1", "title": "Tent", "description": "D", "url": "https://example.com/a"}


async def test_the_id_of_a_catalog_item_is_made_of_its_external_id(api: Api) -> None:
    item = await api.create("catalog-item", "catalog-items", **ITEM)
    assert item["id"] == "$custom:::$default:::A-1"
    await api.post("catalog-items", {"data": {"type": "catalog-item", "attributes": ITEM}}, 409)


async def test_items_have_categories_and_variants_which_are_deleted_with_them(api: Api) -> None:
    item = await api.create("catalog-item", "catalog-items", **ITEM)
    variant = {**ITEM, "external_id": "A-1-S", "sku": "S", "inventory_quantity": 3, "price": 9.5}
    relationships = {"item": to_one("catalog-item", item["id"])}
    data = {"type": "catalog-variant", "attributes": variant, "relationships": relationships}
    await api.post("catalog-variants", {"data": data})
    category = await api.create("catalog-category", "catalog-categories", external_id="C", name="Tents")
    path = f"catalog-items/{item['id'].replace('$', '%24').replace(':', '%3A')}"
    await api.post(f"{path}/relationships/categories", to_many("catalog-category", category["id"]), 204)
    assert await api.ids("catalog-items", filter=f'equals(category.id,"{category["id"]}")') == [item["id"]]
    variant_id = "$custom:::$default:::A-1-S"
    assert await api.ids("catalog-variants", filter=f'equals(item.id,"{item["id"]}")') == [variant_id]
    document = await api.get("catalog-items", include="variants")
    assert [one["id"] for one in document["included"]] == [variant_id]
    await api.delete(path)
    assert await api.ids("catalog-variants") == []


async def test_a_catalog_job_does_what_it_can_and_reports_the_rest(api: Api) -> None:
    resources = [{"type": "catalog-item", "attributes": ITEM}] * 2
    body = {"type": "catalog-item-bulk-create-job", "attributes": {"items": {"data": resources}}}
    job = (await api.post("catalog-item-bulk-create-jobs", {"data": body}, 202))["data"]
    path = f"catalog-item-bulk-create-jobs/{job['id']}"
    await api.get(path)
    outcome = await api.attributes(path, include="items")
    assert (outcome["status"], outcome["completed_count"], outcome["failed_count"]) == ("complete", 1, 1)
    assert outcome["errors"][0]["source"] == {"pointer": "/data/attributes/items/data/1"}
