"""Example arguments made from the models: with what is required, and with everything. For checks and tests.

A model whose fields exclude one another says itself what a whole one looks like, in `EXAMPLES`.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from .arguments import Arguments, ArgumentsError, Query, check, place_of, since_of
from .operation import Operation

_TEXTS = (
    "01HEXAMPLE",
    "+14155550123",
    "a@example.com",
    "2026-03-01T09:00:00Z",
    "2026-03-01",
    "https://example.com/a.png",
    "$custom:::$default:::SKU-1",
    "en-US",
    "USD",
)
_BY_NAME: Mapping[str, str] = {
    "email": "a@example.com",
    "phone": "+14155550123",
    "url": "https://example.com/a.png",
    "datetime": "2026-03-01T09:00:00Z",
    "_at": "2026-03-01T09:00:00Z",
    "time": "2026-03-01T09:00:00Z",
    "date": "2026-03-01",
    "currency": "USD",
    "country": "NO",
}


_FILTER_VALUES: Mapping[str, str] = {"messages.channel": '"email"'}


class NoExample(TypeError):
    """A field for which no example was found: give its model `EXAMPLES`."""


def required(operation: Operation) -> dict[str, Any]:
    """The fewest arguments with which the operation can be called."""
    return next(_objects(operation.arguments, operation, whole=False))


def everything(operation: Operation, revision: str) -> Iterator[dict[str, Any]]:
    """Every argument of the operation at a revision: once, and once more for each variant of an object in it."""
    for arguments in _objects(operation.arguments, operation, whole=True):
        yield {
            name: value
            for name, value in arguments.items()
            if (since_of(_field(operation.arguments, name)) or "") <= revision
        }


def _field(model: type[Arguments], name: str) -> Any:
    return next(field for own, field in model.model_fields.items() if name in (own, field.alias))


def _objects(model: type[Arguments], operation: Operation, *, whole: bool) -> Iterator[dict[str, Any]]:
    variants = getattr(model, "EXAMPLES", None)
    if variants:
        yield from (dict(variant) for variant in (variants if whole else variants[:1]))
        return
    chosen: dict[str, list[Any]] = {}
    for name, field in model.model_fields.items():
        if whole or field.is_required():
            chosen[field.alias or name] = list(_values(name, field, operation, whole=whole))
    if not whole:
        yield _mended(model, {name: values[0] for name, values in chosen.items()}, operation)
        return
    for index in range(max(map(len, chosen.values()), default=1)):
        yield {name: values[min(index, len(values) - 1)] for name, values in chosen.items()}


def _mended(model: type[Arguments], fewest: dict[str, Any], operation: Operation) -> dict[str, Any]:
    """The fewest arguments, and one more where the model asks for one of several."""
    candidates = [fewest]
    for name, field in model.model_fields.items():
        if not field.is_required():
            candidates.append({**fewest, field.alias or name: next(iter(_values(name, field, operation, whole=False)))})
    for candidate in candidates:
        try:
            check(model, candidate)
        except ArgumentsError:
            continue
        return candidate
    raise NoExample(f"no example for {model.__name__}; give it EXAMPLES")


def _values(name: str, field: Any, operation: Operation, *, whole: bool) -> Iterator[Any]:
    place = place_of(field)
    if field.examples:
        yield from field.examples
    elif isinstance(place, Query) and place.name == "filter" and operation.filter:
        yield _filter(operation)
    elif isinstance(place, Query) and place.name == "sort" and operation.sort:
        yield from (f"{sign}{one}" for one in operation.sort for sign in ("", "-"))
    elif isinstance(place, Query) and place.name == "include" and operation.include:
        yield list(operation.include)
    elif isinstance(place, Query) and place.name.startswith("additional-fields"):
        yield list(operation.additional_fields)
    else:
        kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        yield from _of(name, kind, operation, whole=whole)


def _filter(operation: Operation) -> str:
    name = operation.filter_required[0] if operation.filter_required else next(iter(operation.filter))
    operator = operation.filter[name].split()[0]
    return (
        f'{operator}({name},["a"])'
        if operator in ("any", "contains-any", "contains-all")
        else f'{operator}({name},"a")'
    )


def _of(name: str, kind: Any, operation: Operation, *, whole: bool) -> Iterator[Any]:
    plain, marks = bare(kind)
    origin = get_origin(plain)
    if isinstance(plain, type) and issubclass(plain, Arguments):
        yield from _objects(plain, operation, whole=whole)
    elif origin is list:
        yield from ([item] for item in _of(name, get_args(plain)[0], operation, whole=whole))
    elif origin is Literal:
        yield from get_args(plain) if whole else get_args(plain)[:1]
    else:
        yield _scalar(name, plain, Annotated[(plain, *marks)] if marks else plain)


def bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without what is annotated to it and without None beside it."""
    marks: tuple[Any, ...] = ()
    while True:
        if get_origin(kind) is Annotated:
            marks = (*get_args(kind)[1:], *marks)
            kind = get_args(kind)[0]
        elif get_origin(kind) in (Union, types.UnionType):
            kind = next(member for member in get_args(kind) if member is not type(None))
        else:
            return kind, marks


def _scalar(name: str, plain: Any, kind: Any) -> Any:
    preferred = [value for part, value in _BY_NAME.items() if part in name]
    candidates: Mapping[Any, list[Any]] = {
        str: [*preferred, *_TEXTS],
        bool: [True],
        int: [1, 10, 100],
        float: [1.5],
        dict: [{"key": "value"}],
    }
    base = get_origin(plain) or plain
    for candidate in candidates.get(base, [{"key": "value"}, "text", 1]):
        try:
            TypeAdapter(kind).validate_python(candidate)
        except ValidationError:
            continue
        return candidate
    raise NoExample(f"no example for {name} of {kind}; give its model EXAMPLES")
