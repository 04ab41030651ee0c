"""Custom objects: what a source sends becomes a record where a published schema maps it, and is logged where not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.server.sandbox.conftest import Api

from klaviyo_mcp.sandbox.app import Sandbox

pytestmark = pytest.mark.anyio

PROPERTIES = [{"id": 1, "name": "name", "type": "string"}, {"id": 2, "name": "age", "type": "int"}]


@pytest.fixture
async def newest(sandbox: Sandbox) -> AsyncIterator[Api]:
    headers = {"authorization": "Bearer sandbox", "revision": "2026-07-15"}
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        yield Api(client, sandbox)


def mapping(source: str) -> dict[str, Any]:
    paths = {1: "$['name']", 2: "$.facts.age"}
    mapped = [
        {"id": n, "type": "simple", "source": {"source_id": source, "id_path": "$.id", "data_path": path}}
        for n, path in paths.items()
    ]
    return {"data": {"type": "source-mapping", "attributes": {"property_mappings": mapped}}}


async def pets(api: Api, status: str) -> tuple[str, str, str]:
    """A type with its schema, and the source that feeds it: their ids."""
    source = await api.make("data-source", "data-sources", title="Shop")
    schema = {"properties": PROPERTIES, "required": ["name"], "status": status, "source-mapping": mapping(source["id"])}
    attributes: dict[str, Any] = {"object-schema": {"data": {"type": "object-schema", "attributes": schema}}}
    made = await api.make("object-type", "object-types", title="Pet", **attributes)
    (version,) = await api.ids(f"object-types/{made['id']}/schema-versions")
    return made["id"], version, source["id"]


async def send(api: Api, source: str, *records: dict[str, Any]) -> None:
    data = [{"type": "data-source-record", "attributes": {"record": record}} for record in records]
    body = {
        "type": "data-source-record-bulk-create-job",
        "attributes": {"data-source-records": {"data": data}},
        "relationships": {"data-source": {"data": {"type": "data-source", "id": source}}},
    }
    await api.post("data-source-record-bulk-create-jobs", {"data": body}, 204)


async def test_a_draft_takes_nothing_in_until_it_is_published(newest: Api) -> None:
    type_id, schema_id, source = await pets(newest, "draft")
    await newest.get(f"object-types/{type_id}/current-schema", 404)
    await send(newest, source, {"id": "1", "name": "Rex"})
    assert await newest.ids(f"object-types/{type_id}/object-records") == []
    change = {"type": "object-schema", "id": schema_id, "attributes": {"status": "active"}}
    await newest.patch(f"object-schemas/{schema_id}", {"data": change})
    await newest.get(f"object-types/{type_id}/draft-schema", 404)
    current = await newest.get(f"object-types/{type_id}/current-schema")
    assert (current["data"]["id"], current["data"]["attributes"]["status"]) == (schema_id, "active")
    await send(newest, source, {"id": "1", "name": "Rex"})
    assert await newest.ids(f"object-types/{type_id}/object-records") == [f"{type_id}:::1"]


async def test_what_fits_the_schema_is_kept_and_what_does_not_is_logged(newest: Api) -> None:
    type_id, _, source = await pets(newest, "active")
    await send(
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


async def test_a_record_sent_again_is_replaced_and_one_deleted_is_gone(newest: Api) -> None:
    type_id, _, source = await pets(newest, "active")
    await send(newest, source, {"id": "1", "name": "Rex"})
    await send(newest, source, {"id": "1", "name": "Rexy"})
    id_ = f"{type_id}:::1"
    record = await newest.get(f"object-records/{id_}")
    assert record["data"]["attributes"]["record_properties"] == {"name": "Rexy"}
    gone = {"object-records": {"data": [{"type": "object-record", "id": id_}]}}
    body = {"data": {"type": "object-record-bulk-delete-job", "relationships": gone}}
    await newest.post("object-record-bulk-delete-jobs", body, 202)
    await newest.get(f"object-records/{id_}", 404)
    assert await newest.ids(f"object-types/{type_id}/object-records") == []
