"""Reading type annotations: the marks on a field, the types in a union, the models inside a type."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def marks_of(field: FieldInfo) -> Iterator[object]:
    """The annotations of a field and, in `Annotated[T, …] | None`, of `T`."""
    yield from field.metadata
    if get_origin(field.annotation) in (Union, types.UnionType):
        for member in get_args(field.annotation):
            if get_origin(member) is Annotated:
                yield from get_args(member)[1:]


def alternatives(annotation: Any) -> Iterable[Any]:
    """The types of a union without their annotations; of another type itself."""
    if get_origin(annotation) is Annotated:
        yield from alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from alternatives(member)
    else:
        yield annotation


def bare_type(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without its annotations and without None, and the annotations."""
    marks: tuple[Any, ...] = ()
    while True:
        if get_origin(annotation) is Annotated:
            marks = (*get_args(annotation)[1:], *marks)
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, types.UnionType):
            annotation = next(member for member in get_args(annotation) if member is not type(None))
        else:
            return annotation, marks


def is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    """Whether a type is a pydantic model."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def takes_text(annotation: Any) -> bool:
    """Whether a type takes text."""
    return any(kind is str or get_origin(kind) is Literal for kind in alternatives(annotation))
