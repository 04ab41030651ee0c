"""pydantic model -> the JSON Schema that every MCP client accepts.

No `$ref`, no `anyOf` with null, no titles, no type arrays, no `additionalProperties`. Path ids come first, then the
fields in the order of the model. Lengths and patterns are left out: a call that breaks them gets an error in words.
"""

from __future__ import annotations

from typing import Any

from klaviyo_tools.arguments.marks import Brief, brief_of, since_of, values_by_revision_of
from klaviyo_tools.arguments.places import PathId, place_of
from klaviyo_tools.arguments.types import Arguments, argument_names, models_in
from klaviyo_tools.schema.shape import model_schema


def input_schema(model: type[Arguments], revision: str | None = None, *, brief: bool = False) -> dict[str, Any]:
    """The input schema of a tool. With a revision, arguments and values that it does not take are left out.

    `brief` is for the list of tools, which every session pays for: some arguments have a shorter schema there.
    """
    schema = model_schema(model)
    if revision:
        _restrict(schema, model, revision)
    properties = schema.get("properties", {})
    for name, field in model.model_fields.items():
        if brief and (short := brief_of(field)) and name in properties:
            if short.listed:
                properties[name] = _short(properties[name], short)
            else:
                del properties[name]
    ids = [name for name, field in model.model_fields.items() if isinstance(place_of(field), PathId)]
    schema["properties"] = {name: properties[name] for name in [*ids, *(n for n in properties if n not in ids)]}
    if "required" in schema:
        schema["required"] = [name for name in schema["properties"] if name in schema["required"]]
    return schema


def _short(schema: dict[str, Any], brief: Brief) -> dict[str, Any]:
    if brief.names:
        description = {"description": schema["description"]} if "description" in schema else {}
        return {"type": "string", **description}
    short: dict[str, Any] = {key: value for key, value in schema.items() if key in ("type", "items")}
    return {**short, "description": brief.text} if brief.text else short


def _restrict(schema: dict[str, Any], model: type[Arguments], revision: str) -> None:
    """Removes from a schema, and from the objects in it, what a revision does not take."""
    properties = schema.get("properties")
    if properties is None:  # an object whose schema is one line
        if schema.get("description") == argument_names(model):
            schema["description"] = argument_names(model, revision)
        return
    for name, field in model.model_fields.items():
        property_, key = properties.get(field.alias or name), field.alias or name
        if property_ is None:
            continue
        values = values_by_revision_of(field)
        if (since_of(field) or "") > revision or (values and values.describe and not values.describe(revision)):
            del properties[key]
            continue
        if values and values.describe:
            property_["description"] = values.describe(revision)
        if values and "enum" in property_:
            property_["enum"] = [value for value in property_["enum"] if values.takes(value, revision)]
        for inner in models_in(field.annotation):
            _restrict(property_.get("items", property_), inner, revision)
            break
