"""Custom objects: types with their schemas, and records that sources send and mappings take in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.engine import Answer, Call, Handler, linked, make, stamp
from klaviyo_mcp.sandbox.state.store import Record, linked_ids

_PROFILE_SCHEMA = "profile"
"""The id of the schema of profiles, which is no resource of its own."""
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "float": (int, float),
    "boolean": (bool,),
    "timestamp": (str, int),
}


def _create_type(call: Call) -> Answer:
    attributes = dict(call.attributes)
    schema = (attributes.pop("object-schema", None) or {}).get("data")
    visibility = attributes.pop("visibility", None) or "private"
    blank = {"description": "", "namespace": "custom-objects", "status": "draft"}
    record = make(call, {"type": "object-type", "attributes": {**blank, **_said(attributes)}})
    given = {"title": record.attributes["title"], "description": record.attributes["description"]}
    told = _said((schema or {}).get("attributes") or {})
    _add_schema(call, record, {"properties": [], **given, **told, "visibility": visibility})
    return call.one(record)


def _create_schema(call: Call) -> Answer:
    ids = call.related("object-type")
    call.relations.require("object-type", ids, "/data/relationships/object-type/data")
    owner = call.record("object-type", ids[0]) if ids else None
    return call.one(_add_schema(call, owner, _said(call.attributes)))


def _add_schema(call: Call, owner: Record | None, attributes: Mapping[str, Any]) -> Record:
    given = dict(attributes)
    mapping = (given.pop("source-mapping", None) or {}).get("data")
    draft: dict[str, Any] = {"description": "", "required": [], "visibility": "private", "status": "draft"}
    record = make(call, {"type": "object-schema", "attributes": {**draft, "published_at": None, **given}})
    source = make(call, {"type": "source-mapping", "attributes": _said((mapping or {}).get("attributes") or {})})
    call.store.link(record, "source-mapping", source.id)
    if call.store.get("profile-object-schema", _PROFILE_SCHEMA) is None:
        call.store.add(Record("profile-object-schema", _PROFILE_SCHEMA, {}))
    if owner is not None:
        call.store.link(owner, "schema-versions", [*linked_ids(owner.links.get("schema-versions")), record.id])
        _place(call, owner, record)
    return record


def _place(call: Call, owner: Record, schema: Record) -> None:
    """A published schema becomes the type's current one, another its draft."""
    if schema.attributes["status"] != "active":
        call.store.link(owner, "draft-schema", schema.id)
        return
    schema.attributes["published_at"] = call.store.timestamp()
    if linked_ids(owner.links.get("draft-schema")) == [schema.id]:
        call.store.link(owner, "draft-schema", None)
    call.store.link(owner, "current-schema", schema.id)
    owner.attributes["status"] = "active"
    stamp(call.contract, call.store, owner)


def _update_schema(call: Call) -> Answer:
    record = call.record("object-schema")
    record.attributes.update(_said(call.attributes))
    call.store.touch(record)
    if call.attributes.get("status"):
        for owner, name in call.store.references(record.id):
            if (owner.type, name) == ("object-type", "schema-versions"):
                _place(call, owner, record)
    return call.one(record)


def _said(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _take_in(call: Call) -> Answer:
    """Hand each record to every schema in force that maps the source; what does not fit is logged."""
    ids = call.related("data-source")
    call.relations.require("data-source", ids, "/data/relationships/data-source/data")
    one, many = call.attributes.get("data-source-record"), call.attributes.get("data-source-records")
    resources = many["data"] if many else [one["data"]] if one else []
    for owner in list(call.store.all("object-type")):
        for schema_id in linked_ids(owner.links.get("current-schema")):
            schema = call.record("object-schema", schema_id)
            for resource in resources:
                _ingest(call, owner, schema, ids, resource["attributes"]["record"])
    return call.done()


def _ingest(call: Call, owner: Record, schema: Record, sources: Iterable[str], sent: Mapping[str, Any]) -> None:
    (mapping_id,) = linked_ids(schema.links["source-mapping"])
    mappings = call.record("source-mapping", mapping_id).attributes["property_mappings"]
    named = {one["id"]: one for one in schema.attributes["properties"]}
    external: Any = None
    properties: dict[str, Any] = {}
    for mapping in mappings:
        if mapping["id"] not in named:
            continue
        name = named[mapping["id"]]["name"]
        if mapping["type"] == "constant":
            properties[name] = mapping["value"]
        elif mapping["source"]["source_id"] in sources:
            external = _at(sent, mapping["source"]["id_path"])
            if (value := _at(sent, mapping["source"]["data_path"])) is not None:
                properties[name] = value
    if external is None:
        return
    id_ = f"{owner.id}:::{external}"
    if errors := list(_errors(schema, properties)):
        _log(call, owner, id_, errors)
        return
    call.store.add(Record("object-record", id_, {"record_properties": properties}))
    held = linked_ids(owner.links.get("object-records"))
    call.store.link(owner, "object-records", list(dict.fromkeys([*held, id_])))


def _errors(schema: Record, properties: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    for name in schema.attributes["required"]:
        if name not in properties:
            yield {"code": "missing", "message": f"{name} is required.", "property": name}
    for told in schema.attributes["properties"]:
        value = properties.get(told["name"])
        wrong = isinstance(value, bool) and told["type"] != "boolean"
        if value is not None and (wrong or not isinstance(value, _KINDS[told["type"]])):
            text = f"{told['name']} is not of type {told['type']}."
            yield {"code": "invalid", "message": text, "property": told["name"], "invalid_value": str(value)}


def _log(call: Call, owner: Record, id_: str, errors: list[dict[str, Any]]) -> None:
    store = call.store
    attributes = {
        "timestamp": store.timestamp(),
        "status": "error",
        "event_type": "validation_error",
        "summary": f"Record {id_.partition(':::')[2]} was not taken in: {errors[0]['message']}",
        "errors": errors,
    }
    links: dict[str, str | list[str] | None] = {"object-type": owner.id, "object-record": id_}
    log = store.add(Record("object-ingestion-log", store.new_id("object-ingestion-log"), attributes, links))
    held = linked_ids(owner.links.get("object-ingestion-logs"))
    store.link(owner, "object-ingestion-logs", [log.id, *held])


def _at(sent: Any, path: str) -> Any:
    """The value at a JSONPath of names: `$.owner.email`, `$['id']`."""
    for quoted, plain in re.findall(r"\['([^']+)'\]|\.(\w+)", path):
        sent = sent.get(quoted or plain) if isinstance(sent, Mapping) else None
    return sent


def _delete_records(call: Call) -> Answer:
    for id_ in linked(call.data, "object-records"):
        if (record := call.store.get("object-record", id_)) is not None:
            call.relations.delete(record)
    return call.done()


HANDLERS: Mapping[str, Handler] = {
    "create_object_type": _create_type,
    "create_object_schema": _create_schema,
    "update_object_schema": _update_schema,
    "create_data_source_record": _take_in,
    "bulk_create_data_source_records": _take_in,
    "bulk_delete_object_records": _delete_records,
}
