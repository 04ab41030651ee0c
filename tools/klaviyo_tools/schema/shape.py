"""The JSON Schema of a model of arguments, read off its fields.

pydantic can write it too, but builds the model's validator first. For all operations that takes longer than everything
else before tools/list, and a session calls few of the models. A test compares the two schemas, in the plain form that
clients accept (see `input_schema`). A validator that changes what a field takes carries WithJsonSchema. The schema does
not say that an object is closed, although the model refuses what it does not name: some clients cannot read that.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Le, Len, MaxLen
from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo

Schema = dict[str, Any]

_ORDER = ("type", "description", "enum", "items", "properties", "required", "maximum", "maxItems")
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
_JSON_TYPES = {**_PLAIN, type(None): "null"}


def model_schema(model: type[BaseModel]) -> Schema:
    """The schema of an object of this model, with the names that a call uses; a new dictionary each time."""
    properties = {field.alias or name: _field_schema(field) for name, field in model.model_fields.items()}
    required = [field.alias or name for name, field in model.model_fields.items() if field.is_required()]
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema


def _field_schema(field: FieldInfo) -> Schema:
    schema = _with_marks(_type_schema(field.annotation), field.metadata)
    if field.description is not None:
        schema["description"] = field.description
    return _ordered(schema)


def _ordered(schema: Schema) -> Schema:
    return {key: schema[key] for key in _ORDER if key in schema}


def _type_schema(kind: Any) -> Schema:
    """The schema of a type; null beside another type is left out. Raises TypeError for a type without a schema."""
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *marks = get_args(kind)
        return _with_marks(_type_schema(inner), marks)
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        if len(members) == 1:
            return _type_schema(members[0])
    elif origin in (list, Sequence):
        return {"type": "array", "items": _ordered(_type_schema(get_args(kind)[0]))}
    elif origin is Literal:
        values = list(get_args(kind))
        return {"type": _JSON_TYPES[type(values[0])], "enum": values}
    elif origin is dict:
        return {"type": "object"}
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        return model_schema(kind)
    elif kind is Any:
        return {}
    raise TypeError(f"{kind} has no place in a tool's schema")


def _with_marks(schema: Schema, marks: Iterable[object]) -> Schema:
    for mark in marks:
        match mark:
            case WithJsonSchema():
                schema = dict(mark.json_schema or {})
            case FieldInfo():
                schema = _with_marks(schema, mark.metadata)
                if mark.description is not None:
                    schema["description"] = mark.description
            case Le():
                schema["maximum"] = mark.le
            case MaxLen() | Len():
                if schema.get("type") == "array" and mark.max_length is not None:
                    schema["maxItems"] = mark.max_length
    return schema
