"""pydantic model -> the JSON Schema that every MCP client accepts.

No `$ref`, no `anyOf` with null, no titles, no type arrays, closed objects, one order: path ids first, then the model's.
Lengths and patterns stay out: a breach is answered in words.
"""

from __future__ import annotations

from typing import Any

from .arguments import Arguments, PathId, place_of, since_of

KEPT = ("type", "description", "enum", "items", "properties", "required", "maximum", "maxItems")


def input_schema(model: type[Arguments], revision: str | None = None) -> dict[str, Any]:
    """The input schema of a tool. With a revision, arguments that Klaviyo only takes from a later one are left out."""
    schema = model.model_json_schema(mode="validation")
    definitions = schema.pop("$defs", {})
    simple = _simplify(schema, definitions)
    simple.pop("description", None)
    properties = simple.get("properties", {})
    for name, field in model.model_fields.items():
        since = since_of(field)
        if revision and since and since > revision:
            properties.pop(name, None)
    ids = [name for name, field in model.model_fields.items() if isinstance(place_of(field), PathId)]
    simple["properties"] = {name: properties[name] for name in [*ids, *(n for n in properties if n not in ids)]}
    if "required" in simple:
        simple["required"] = [name for name in simple["properties"] if name in simple["required"]]
    return simple


def _simplify(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    node = _resolve(node, definitions)
    simple = {key: node[key] for key in KEPT if key in node}
    if "const" in node:
        simple["enum"] = [node["const"]]
    if "items" in simple:
        simple["items"] = _simplify(simple["items"], definitions)
    if node.get("type") == "object":
        simple = _object(node, simple, definitions)
    return simple


def _object(node: dict[str, Any], simple: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if node.get("additionalProperties") is False:
        simple["properties"] = {n: _simplify(p, definitions) for n, p in node.get("properties", {}).items()}
        simple["additionalProperties"] = False
    return simple


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, and see through a union with null; what stands beside them (a description) wins."""
    while True:
        beside = {key: value for key, value in node.items() if key not in ("$ref", "anyOf", "allOf")}
        if "$ref" in node:
            target = dict(definitions[node["$ref"].rsplit("/", 1)[-1]])
            target.pop("description", None)
            node = {**target, **beside}
        elif "anyOf" in node:
            members = [member for member in node["anyOf"] if member.get("type") != "null"]
            if len(members) > 1:
                raise TypeError(f"a union has no place in a tool's schema: {members}")
            node = {**members[0], **beside}
        elif "allOf" in node:
            node = {**node["allOf"][0], **beside}
        else:
            return node
