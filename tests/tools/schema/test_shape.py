from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BeforeValidator, Field, WithJsonSchema

from klaviyo_tools.arguments.types import Arguments, MaxResults, Text, clearable, one_line_schema
from klaviyo_tools.registry import registry
from klaviyo_tools.schema.shape import model_schema

ORDER = ("type", "description", "enum", "items", "properties", "required", "maximum", "maxItems")


def plain(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """pydantic's own schema in the plain form: no references, no unions with null, no titles, lengths or defaults."""
    beside = {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}
    if "$ref" in node:
        target = dict(definitions[node["$ref"].rsplit("/", 1)[-1]])
        target.pop("description", None)
        return plain({**target, **beside}, definitions)
    if "anyOf" in node:
        (member,) = [member for member in node["anyOf"] if member.get("type") != "null"]
        return plain({**member, **beside}, definitions)
    schema = {key: node[key] for key in ORDER if key in node}
    if "const" in node:
        schema["enum"] = [node["const"]]
    if "items" in schema:
        schema["items"] = plain(schema["items"], definitions)
    if node.get("additionalProperties") is False:
        schema["properties"] = {name: plain(of, definitions) for name, of in node.get("properties", {}).items()}
    return schema


def pydantics(model: type[Arguments]) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    whole = plain(schema, schema.pop("$defs", {}))
    whole.pop("description", None)
    return whole


def same(model: type[Arguments]) -> bool:
    return json.dumps(model_schema(model)) == json.dumps(pydantics(model))


def test_the_schema_of_every_operation_equals_pydantics() -> None:
    assert [name for name, operation in registry().items() if not same(operation.arguments)] == []


class Inner(Arguments):
    """Docstrings stay out."""

    name: Text = Field(description="who")
    tags: list[str] = Field([], max_length=3)


class Outer(Arguments):
    inner: Inner = Field(description="the one")
    many: Annotated[list[Inner], Field(max_length=2, description="some")] | None = None
    brief: Annotated[Inner | None, one_line_schema(Inner)] = None
    how: Literal["a", "b"] | None = None
    only: Literal["x"] = "x"
    size: MaxResults = 50
    odd: Annotated[str, BeforeValidator(str), WithJsonSchema({"type": "string", "description": "odd"})] | None = None
    gone: clearable(Annotated[float, Field(le=4)]) = None  # type: ignore[valid-type]
    given: str | None = Field(None, alias="_given")
    open: dict[str, Any] = {}
    any: list[Any] = []


def test_the_schema_of_each_kind_of_field_equals_pydantics() -> None:
    assert same(Outer)
    assert model_schema(Outer)["properties"]["many"] == {
        "type": "array",
        "description": "some",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "who"},
                "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
            },
            "required": ["name"],
        },
        "maxItems": 2,
    }


def test_a_union_of_types_is_refused() -> None:
    class Torn(Arguments):
        either: int | str

    with pytest.raises(TypeError, match="no place in a tool's schema"):
        model_schema(Torn)


def test_each_call_returns_a_new_schema() -> None:
    model_schema(Outer)["properties"]["odd"]["description"] = "changed"
    assert model_schema(Outer)["properties"]["odd"]["description"] == "odd"


def test_reading_the_schema_builds_no_validator() -> None:
    class Fresh(Arguments):
        name: Text

    model_schema(Fresh)
    assert not Fresh.__pydantic_complete__
