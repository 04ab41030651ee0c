"""Custom objects: what a source sends becomes a record where a current schema maps it, and else is logged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.server.sandbox.sandbox_api import Api, api_of, to_many, to_one

from klaviyo_mcp.sandbox.app import Sandbox

pytestmark = pytest.mark.anyio
PROPERTIES = [{"id": 1, "name": "name", "type": "string"}, {"id": 2, "name": "age", "type": "int"}]


@pytest.fixture
async def newest(sandbox: Sandbox) -> AsyncIterator[Api]:
    """The API at the revision that has custom objects."""
    async with api_of(sandbox, "2026-07-15") as api:
        yield api


def mapping(source: str) -> dict[str, Any]:
    paths = {1: "$['name']", 2: "$.facts.age"}
    mappings = [
        {"id": n, "type": "simple", "source": {"source_id": source, "id_path": "$.id", "data_path": path}}
        for n, path in paths.items()
    ]
    return {"data": {"type": "source-mapping", "attributes": {"property_mappings": mappings}}}


async def create_pet_type(api: Api, status: str) -> tuple[str, str, str]:
    """Create an object type with a schema of this status, and its source; return the ids of type, schema and source."""
    source = await api.create("data-source", "data-sources", title="Shop")
    schema = {"properties": PROPERTIES, "required": ["name"], "status": status, "source-mapping": mapping(source["id"])}
    attributes: dict[str, Any] = {"object-schema": {"data": {"type": "object-schema", "attributes": schema}}}
    object_type = await api.create("object-type", "object-types", title="Pet", **attributes)
    (schema_id,) = await api.ids(f"object-types/{object_type['id']}/schema-versions")
    return object_type["id"], schema_id, source["id"]


async def send_records(api: Api, source: str, *records: dict[str, Any]) -> None:
    data = [{"type": "data-source-record", "attributes": {"record": record}} for record in records]
    body = {
        "type": "data-source-record-bulk-create-job",
        "attributes": {"data-source-records": {"data": data}},
        "relationships": {"data-source": to_one("data-source", source)},
    }
    await api.post("data-source-record-bulk-create-jobs", {"data": body}, 204)


async def test_a_draft_schema_accepts_no_records_until_it_is_active(newest: Api) -> None:
    type_id, schema_id, source = await create_pet_type(newest, "draft")
    await newest.get(f"object-types/{type_id}/current-schema", 404)
    await send_records(newest, source, {"id": "1", "name": "Rex"})
    assert await newest.ids(f"object-types/{type_id}/object-records") == []
    change = {"type": "object-schema", "id": schema_id, "attributes": {"status": "active"}}
    await newest.patch(f"object-schemas/{schema_id}", {"data": change})
    await newest.get(f"object-types/{type_id}/draft-schema", 404)
    current = await newest.get(f"object-types/{type_id}/current-schema")
    assert (current["data"]["id"], current["data"]["attributes"]["status"]) == (schema_id, "active")
    await send_records(newest, source, {"id": "1", "name": "Rex"})
    assert await newest.ids(f"object-types/{type_id}/object-records") == [f"{type_id}:::1"]


async def test_a_valid_record_is_stored_and_an_invalid_one_is_logged(newest: Api) -> None:
    type_id, _, source = await create_pet_type(newest, "active")
    await send_records(
        newest, source, {"id": "1", "name": "Rex", "facts": {"age": 4}}, {"id": "2"}, {"id": "3", "name": 5}, {"x": 1}
    )
    records = await newest.get(f"object-types/{type_id}/object-records")
    assert [(one["id"], one["attributes"]["record_properties"]) for one in records["data"]] == [
        (f"{type_id}:::1", {"name": "Rex", "age": 4})
    ]
    logs = await newest.get(f"object-types/{type_id}/object-ingestion-logs")
    assert [one["attributes"]["summary"] for one in logs["data"]] == [
        "Record 3 was not ingested: name is not of type string.",
        "Record 2 was not ingested: name is required.",
    ]


async def test_a_record_is_replaced_by_its_next_version_and_deleted(newest: Api) -> None:
    type_id, _, source = await create_pet_type(newest, "active")
    await send_records(newest, source, {"id": "1", "name": "Rex"})
    await send_records(newest, source, {"id": "1", "name": "Rexy"})
    id_ = f"{type_id}:::1"
    record = await newest.get(f"object-records/{id_}")
    assert record["data"]["attributes"]["record_properties"] == {"name": "Rexy"}
    relationships = {"object-records": to_many("object-record", id_)}
    body = {"data": {"type": "object-record-bulk-delete-job", "relationships": relationships}}
    await newest.post("object-record-bulk-delete-jobs", body, 202)
    await newest.get(f"object-records/{id_}", 404)
    assert await newest.ids(f"object-types/{type_id}/object-records") == []
