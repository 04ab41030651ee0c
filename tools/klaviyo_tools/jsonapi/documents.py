"""Flat arguments -> JSON:API documents. Only arguments that were given are sent; a null among them clears a field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from klaviyo_tools.arguments.annotations import marks_of
from klaviyo_tools.arguments.marks import Generated
from klaviyo_tools.arguments.places import Attribute, Embedded, Linkage, Meta, Place, Relationship, Target, place_of
from klaviyo_tools.arguments.types import Arguments

JSON = Any
"""A value of JSON."""


def build_document(type_: str, arguments: Arguments, id_: str | None = None) -> dict[str, JSON]:
    """The body of a create, an update or an action: `{"data": {"type", "id"?, "attributes", …}}`.

    Where the arguments have a `Linkage` field, its value is the whole of `data` instead.
    """
    for _, value, place in argument_values(arguments):
        if isinstance(place, Linkage):
            return {"data": build_linkage(place.type, value)}
    return {"data": build_resource(type_, arguments, id_)}


def build_resource(type_: str, arguments: Arguments, id_: str | None = None) -> dict[str, JSON]:
    """One resource object; arguments whose place is not in the body (path, query) are left out."""
    attributes: dict[str, Any] = {name: make() for name, make in _generated_attributes(type(arguments))}
    relationships: dict[str, JSON] = {}
    meta: dict[str, Any] = {}
    for name, value, place in argument_values(arguments):
        match place:
            case None:
                attributes[name] = plain_value(value)
            case Attribute(path):
                set_at_path(attributes, path, plain_value(value))
            case Embedded(type=kind, name=key):
                attributes[key or name] = build_embedded(kind, value)
            case Relationship(type=kind, name=key):
                relationships[key or relationship_name(name)] = {"data": build_identifiers(kind, value)}
            case Target():
                id_ = value
            case Meta(path):
                set_at_path(meta, path, plain_value(value))
            case _:
                continue
    result: dict[str, JSON] = {"type": type_}
    if id_ is not None:
        result["id"] = id_
    if attributes or _has_attributes(type(arguments)):
        result["attributes"] = attributes
    if relationships:
        result["relationships"] = relationships
    if meta:
        result["meta"] = meta
    return result


def argument_values(arguments: Arguments) -> Iterator[tuple[str, Any, Place | None]]:
    """Name, value and place of each argument that was given, in the order of the model."""
    for name, field in type(arguments).model_fields.items():
        if name in arguments.model_fields_set:
            yield name, getattr(arguments, name), place_of(field)


def build_embedded(type_: str, value: Arguments | list[Arguments]) -> dict[str, JSON]:
    """Objects as Klaviyo embeds them: under `data`, each one a resource of this type."""
    if isinstance(value, list):
        return {"data": [build_resource(type_, item) for item in value]}
    return {"data": build_resource(type_, value)}


def build_linkage(type_: str, value: Any) -> JSON:
    """Resource identifiers; objects become identifiers with the `meta` of the relationship."""
    if isinstance(value, list) and value and isinstance(value[0], Arguments):
        return [build_resource(type_, item) for item in value]
    return build_identifiers(type_, value)


def build_identifiers(type_: str, value: str | list[str]) -> JSON:
    """Resource identifier objects, one or many."""
    if isinstance(value, list):
        return [{"type": type_, "id": item} for item in value]
    return {"type": type_, "id": value}


def relationship_name(argument: str) -> str:
    """`tag_group_id` -> `tag-group`, `list_ids` -> `lists`."""
    if argument.endswith("_ids"):
        return argument.removesuffix("_ids").replace("_", "-") + "s"
    return argument.removesuffix("_id").replace("_", "-")


def plain_value(value: Any) -> JSON:
    """The JSON of an attribute's value; an object in it may embed resources of its own."""
    if isinstance(value, Arguments):
        result: dict[str, Any] = {}
        for name, inner, place in argument_values(value):
            match place:
                case Attribute(path):
                    set_at_path(result, path, plain_value(inner))
                case Embedded(type=kind, name=key):
                    result[key or name] = build_embedded(kind, inner)
                case _:
                    result[name] = plain_value(inner)
        return result
    if isinstance(value, list):
        return [plain_value(item) for item in value]
    return value


def set_at_path(target: dict[str, Any], path: str, value: JSON) -> None:
    """Sets a value at a dotted path and creates the objects on the way."""
    *parents, last = path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value


@cache
def _generated_attributes(model: type[Arguments]) -> tuple[tuple[str, Callable[[], str]], ...]:
    """The attributes of a model that are made where they are not given."""
    return tuple(
        (name, mark.make)
        for name, field in model.model_fields.items()
        for mark in marks_of(field)
        if isinstance(mark, Generated)
    )


@cache
def _has_attributes(model: type[Arguments]) -> bool:
    """Whether a resource has attributes: Klaviyo then requires `attributes`, even without any in it."""
    return any(isinstance(place_of(field), Attribute | Embedded | None) for field in model.model_fields.values())
