"""pydantic model -> the JSON Schema that every MCP client accepts.

No `$ref`, no `anyOf` with null, no titles, no type arrays, closed objects, one order: path ids first, then the model's.
Lengths and patterns stay out: a breach is answered in words.
"""

from __future__ import annotations

from typing import Any

from klaviyo_tools.arguments.marks import Brief, brief_of, since_of, values_by_revision_of
from klaviyo_tools.arguments.places import PathId, place_of
from klaviyo_tools.arguments.types import Arguments, argument_names, models_in
from klaviyo_tools.schema.shape import model_schema


def input_schema(model: type[Arguments], revision: str | None = None, *, brief: bool = False) -> dict[str, Any]:
    """The input schema of a tool. With a revision, arguments that Klaviyo only takes from a later one are left out.

    `brief` is for the list of tools, which is paid for in every session: it tells some arguments shorter.
    """
    simple = model_schema(model)
    if revision:
        _restrict(simple, model, revision)
    properties = simple.get("properties", {})
    for name, field in model.model_fields.items():
        if brief and (short := brief_of(field)) and name in properties:
            if short.listed:
                properties[name] = _short(properties[name], short)
            else:
                del properties[name]
    ids = [name for name, field in model.model_fields.items() if isinstance(place_of(field), PathId)]
    simple["properties"] = {name: properties[name] for name in [*ids, *(n for n in properties if n not in ids)]}
    if "required" in simple:
        simple["required"] = [name for name in simple["properties"] if name in simple["required"]]
    return simple


def _short(schema: dict[str, Any], brief: Brief) -> dict[str, Any]:
    if brief.names:
        told = {"description": schema["description"]} if "description" in schema else {}
        return {"type": "string", **told}
    kept: dict[str, Any] = {key: value for key, value in schema.items() if key in ("type", "items")}
    return {**kept, "description": brief.text} if brief.text else kept


def _restrict(simple: dict[str, Any], model: type[Arguments], revision: str) -> None:
    """Leave out what Klaviyo does not take at a revision, in objects inside it as well."""
    properties = simple.get("properties")
    if properties is None:  # an object that is told in one line
        if simple.get("description") == argument_names(model):
            simple["description"] = argument_names(model, revision)
        return
    for name, field in model.model_fields.items():
        property_, key = properties.get(field.alias or name), field.alias or name
        if property_ is None:
            continue
        varies = values_by_revision_of(field)
        if (since_of(field) or "") > revision or (varies and varies.describe and not varies.describe(revision)):
            del properties[key]
            continue
        if varies and varies.describe:
            property_["description"] = varies.describe(revision)
        if varies and "enum" in property_:
            property_["enum"] = [value for value in property_["enum"] if varies.takes(value, revision)]
        for inner in models_in(field.annotation):
            _restrict(property_.get("items", property_), inner, revision)
            break
