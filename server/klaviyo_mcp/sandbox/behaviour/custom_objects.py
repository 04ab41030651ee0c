"""Custom objects: types with their schemas, and records that data sources send and source mappings accept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.patches import apply_patch
from klaviyo_mcp.sandbox.api.records import create_record, mark_updated
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler, related_ids
from klaviyo_mcp.sandbox.state.store import Links, Record, linked_ids

_PROFILE_SCHEMA_ID = "profile"
"""The id of the schema of profiles, which exists beside those of custom objects."""
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "timestamp": (str, int),
}


def _create_type(request: ApiRequest) -> Answer:
    attributes = dict(request.attributes)
    schema = (attributes.pop("object-schema", None) or {}).get("data") or {}
    visibility = attributes.pop("visibility", None) or "private"
    defaults = {"description": "", "namespace": "custom-objects", "status": "draft"}
    record = create_record(request, {"type": "object-type", "attributes": {**defaults, **_without_nulls(attributes)}})
    inherited = {"title": record.attributes["title"], "description": record.attributes["description"]}
    own = _without_nulls(schema.get("attributes") or {})
    _add_schema(request, record, {"properties": [], **inherited, **own, "visibility": visibility})
    return request.answer_record(record)


def _create_schema(request: ApiRequest) -> Answer:
    ids = request.related_ids("object-type")
    request.relationships.require("object-type", ids, "/data/relationships/object-type/data")
    object_type = request.record("object-type", ids[0]) if ids else None
    return request.answer_record(_add_schema(request, object_type, _without_nulls(request.attributes)))


def _add_schema(request: ApiRequest, object_type: Record | None, attributes: Mapping[str, Any]) -> Record:
    own = dict(attributes)
    mapping = (own.pop("source-mapping", None) or {}).get("data") or {}
    draft: dict[str, Any] = {"description": "", "required": [], "visibility": "private", "status": "draft"}
    schema = create_record(request, {"type": "object-schema", "attributes": {**draft, "published_at": None, **own}})
    mapping_attributes = _without_nulls(mapping.get("attributes") or {})
    source = create_record(request, {"type": "source-mapping", "attributes": mapping_attributes})
    request.store.link(schema, "source-mapping", source.id)
    if request.store.get("profile-object-schema", _PROFILE_SCHEMA_ID) is None:
        request.store.add(Record("profile-object-schema", _PROFILE_SCHEMA_ID, {}))
    if object_type is not None:
        versions = linked_ids(object_type.links.get("schema-versions"))
        request.store.link(object_type, "schema-versions", [*versions, schema.id])
        _set_as_current_or_draft(request, object_type, schema)
    return schema


def _set_as_current_or_draft(request: ApiRequest, object_type: Record, schema: Record) -> None:
    """Make an active schema the type's current one, and any other its draft."""
    if schema.attributes["status"] != "active":
        request.store.link(object_type, "draft-schema", schema.id)
        return
    schema.attributes["published_at"] = request.store.timestamp()
    if linked_ids(object_type.links.get("draft-schema")) == [schema.id]:
        request.store.link(object_type, "draft-schema", None)
    request.store.link(object_type, "current-schema", schema.id)
    object_type.attributes["status"] = "active"
    mark_updated(request.contract, request.store, object_type)


def _update_schema(request: ApiRequest) -> Answer:
    schema = request.record("object-schema")
    apply_patch(schema.type, schema.attributes, _without_nulls(request.attributes))
    request.store.touch(schema)
    if request.attributes.get("status"):
        for referring, name in request.store.references(schema.id):
            if (referring.type, name) == ("object-type", "schema-versions"):
                _set_as_current_or_draft(request, referring, schema)
    return request.answer_record(schema)


def _without_nulls(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _create_source_records(request: ApiRequest) -> Answer:
    """Offer each record to every current schema; one that maps the source stores it, or logs why it cannot."""
    source_ids = request.related_ids("data-source")
    request.relationships.require("data-source", source_ids, "/data/relationships/data-source/data")
    single, bulk = request.attributes.get("data-source-record"), request.attributes.get("data-source-records")
    resources = bulk["data"] if bulk else [single["data"]] if single else []
    for object_type in list(request.store.all("object-type")):
        for schema_id in linked_ids(object_type.links.get("current-schema")):
            schema = request.record("object-schema", schema_id)
            for resource in resources:
                _ingest(request, object_type, schema, source_ids, resource["attributes"]["record"])
    return request.answer_nothing()


def _ingest(
    request: ApiRequest,
    object_type: Record,
    schema: Record,
    source_ids: Iterable[str],
    source_record: Mapping[str, Any],
) -> None:
    external_id, properties = _mapped_properties(request, schema, source_ids, source_record)
    if external_id is None:
        return
    id_ = f"{object_type.id}:::{external_id}"
    if errors := list(_validation_errors(schema, properties)):
        _log_errors(request, object_type, id_, errors)
        return
    request.store.add(Record("object-record", id_, {"record_properties": properties}))
    ids = linked_ids(object_type.links.get("object-records"))
    request.store.link(object_type, "object-records", list(dict.fromkeys([*ids, id_])))


def _mapped_properties(
    request: ApiRequest, schema: Record, source_ids: Iterable[str], source_record: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """The external id and the properties of a source's record; the id is None where no mapping is of the source."""
    (mapping_id,) = linked_ids(schema.links["source-mapping"])
    mappings = request.record("source-mapping", mapping_id).attributes["property_mappings"]
    names = {one["id"]: one["name"] for one in schema.attributes["properties"]}
    external_id: Any = None
    properties: dict[str, Any] = {}
    for mapping in mappings:
        if mapping["id"] not in names:
            continue
        name = names[mapping["id"]]
        if mapping["type"] == "constant":
            properties[name] = mapping["value"]
        elif mapping["source"]["source_id"] in source_ids:
            external_id = _at_json_path(source_record, mapping["source"]["id_path"])
            if (value := _at_json_path(source_record, mapping["source"]["data_path"])) is not None:
                properties[name] = value
    return external_id, properties


def _validation_errors(schema: Record, properties: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in schema.attributes["required"]:
        if name not in properties:
            yield {"code": "missing", "message": f"{name} is required.", "property": name}
    for declared in schema.attributes["properties"]:
        name, kind = declared["name"], declared["type"]
        value = properties.get(name)
        is_stray_boolean = isinstance(value, bool) and kind != "boolean"
        if value is not None and (is_stray_boolean or not isinstance(value, _PYTHON_TYPES[kind])):
            text = f"{name} is not of type {kind}."
            yield {"code": "invalid", "message": text, "property": name, "invalid_value": str(value)}


def _log_errors(request: ApiRequest, object_type: Record, id_: str, errors: list[dict[str, Any]]) -> None:
    store = request.store
    attributes = {
        "timestamp": store.timestamp(),
        "status": "error",
        "event_type": "validation_error",
        "summary": f"Record {id_.partition(':::')[2]} was not ingested: {errors[0]['message']}",
        "errors": errors,
    }
    links: Links = {"object-type": object_type.id, "object-record": id_}
    log = store.add(Record("object-ingestion-log", store.new_id("object-ingestion-log"), attributes, links))
    ids = linked_ids(object_type.links.get("object-ingestion-logs"))
    store.link(object_type, "object-ingestion-logs", [log.id, *ids])


def _at_json_path(value: Any, path: str) -> Any:
    """The value at a JSONPath of names: `$.owner.email`, `$['id']`."""
    for quoted, plain in re.findall(r"\['([^']+)'\]|\.(\w+)", path):
        value = value.get(quoted or plain) if isinstance(value, Mapping) else None
    return value


def _delete_records(request: ApiRequest) -> Answer:
    for id_ in related_ids(request.data, "object-records"):
        if (record := request.store.get("object-record", id_)) is not None:
            request.relationships.delete(record)
    return request.answer_nothing()


HANDLERS: Mapping[str, Handler] = {
    "create_object_type": _create_type,
    "create_object_schema": _create_schema,
    "update_object_schema": _update_schema,
    "create_data_source_record": _create_source_records,
    "bulk_create_data_source_records": _create_source_records,
    "bulk_delete_object_records": _delete_records,
}
