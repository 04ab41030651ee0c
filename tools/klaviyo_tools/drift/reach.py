"""The paths of a request's body that our arguments reach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from klaviyo_tools.arguments.annotations import bare_type
from klaviyo_tools.arguments.marks import since_of
from klaviyo_tools.arguments.places import (
    AnswerOption,
    Attribute,
    Embedded,
    Linkage,
    Meta,
    Part,
    PathId,
    Query,
    Relationship,
    Target,
    TextEdits,
    place_of,
)
from klaviyo_tools.arguments.types import Arguments, models_in
from klaviyo_tools.jsonapi.documents import relationship_name
from klaviyo_tools.operation.operation import Operation

_ARRAYS = (list, Sequence)
_CONSTANT = re.compile(r"(^|\.)data(\[\])?\.type$")


def is_reached(path: str, reached: set[str]) -> bool:
    """Whether our arguments reach a path; a resource's `type` is constant and needs none."""
    if path in reached or f"{path}[]" in reached or _CONSTANT.search(path):
        return True
    parts = re.split(r"(?=\.|\[\])", path)
    return any(f"{''.join(parts[:end])}.*" in reached for end in range(len(parts) + 1))


def reached_paths(operation: Operation, revision: str) -> Iterator[str]:
    """The paths in the body that our arguments reach at a revision; `.*` stands for all paths in an open object."""
    if operation.method == "PATCH" and operation.path_ids:
        yield "data.id"
    yield from _paths_of_resource(operation.arguments, "data", revision)


def _paths_of_resource(model: type[Arguments], parent: str, revision: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if (since_of(field) or "") > revision:
            continue
        many = _is_list(field.annotation)
        key = field.alias or name
        match place_of(field):
            case None:
                yield from _paths_of_value(field.annotation, f"{parent}.attributes.{key}", revision)
            case Attribute(path):
                yield from _paths_of_value(field.annotation, f"{parent}.attributes.{path}", revision)
            case Embedded(name=other):
                yield from _paths_of_embedded(field.annotation, f"{parent}.attributes.{other or key}", revision)
            case Relationship(name=other):
                yield f"{parent}.relationships.{other or relationship_name(key)}.data{'[]' if many else ''}.id"
            case Meta(path):
                yield from _paths_of_value(field.annotation, f"{parent}.meta.{path}", revision)
            case Target():
                yield f"{parent}.id"
            case Linkage():
                yield f"{parent}{'[]' if many else ''}.id"
                for inner in models_in(field.annotation):
                    yield from _paths_of_resource(inner, f"{parent}{'[]' if many else ''}", revision)
            case PathId() | Query() | AnswerOption() | Part() | TextEdits():
                continue


def _paths_of_value(annotation: Any, parent: str, revision: str) -> Iterator[str]:
    kind = bare_type(annotation)[0]
    if get_origin(kind) in _ARRAYS:
        yield from _paths_of_value(get_args(kind)[0], f"{parent}[]", revision)
    elif isinstance(kind, type) and issubclass(kind, Arguments):
        for name, field in kind.model_fields.items():
            if (since_of(field) or "") > revision:
                continue
            key = field.alias or name
            match place_of(field):
                case Embedded(name=other):
                    yield from _paths_of_embedded(field.annotation, f"{parent}.{other or key}", revision)
                case Attribute(path):
                    yield from _paths_of_value(field.annotation, f"{parent}.{path}", revision)
                case _:
                    yield from _paths_of_value(field.annotation, f"{parent}.{key}", revision)
    else:
        yield f"{parent}.*" if (get_origin(kind) or kind) is dict or kind is Any else parent


def _paths_of_embedded(annotation: Any, parent: str, revision: str) -> Iterator[str]:
    kind = bare_type(annotation)[0]
    many = get_origin(kind) in _ARRAYS
    yield from _paths_of_resource(
        bare_type(get_args(kind)[0])[0] if many else kind, f"{parent}.data{'[]' if many else ''}", revision
    )


def _is_list(annotation: Any) -> bool:
    return get_origin(bare_type(annotation)[0]) in _ARRAYS
