"""Example arguments from the models, with the required arguments alone and with all. For checks and tests.

A model whose fields exclude one another lists whole examples in `EXAMPLES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from klaviyo_tools.arguments.annotations import bare_type
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.marks import since_of, values_by_revision_of
from klaviyo_tools.arguments.places import Query, place_of
from klaviyo_tools.arguments.types import Arguments, models_in
from klaviyo_tools.filters.tree import LIST_OPERATORS
from klaviyo_tools.operation.facts import ANY_REVISION
from klaviyo_tools.operation.operation import Operation

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
    "timezone": "America/New_York",
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


class NoExample(TypeError):
    """No example fits a field: its model needs `EXAMPLES`."""


def required_example(operation: Operation, revision: str = ANY_REVISION) -> dict[str, Any]:
    """The fewest arguments of a valid call."""
    return next(_objects(operation.arguments, operation, revision, whole=False))


def full_examples(operation: Operation, revision: str) -> Iterator[dict[str, Any]]:
    """All arguments of the operation at a revision; one more example for each further variant of an object in them."""
    yield from _objects(operation.arguments, operation, revision, whole=True)


def _objects(model: type[Arguments], operation: Operation, revision: str, *, whole: bool) -> Iterator[dict[str, Any]]:
    if variants := getattr(model, "EXAMPLES", None):
        examples = [one for variant in variants if (one := _example_at(model, variant, revision)) is not None]
        if not examples:
            raise NoExample(f"no example of {model.__name__} at {revision}; give it one in EXAMPLES")
        yield from (examples if whole else examples[:1])
        return
    values_by_name: dict[str, list[Any]] = {}
    for name, field in model.model_fields.items():
        if (whole or field.is_required()) and (since_of(field) or "") <= revision:
            values = list(_values(name, field, operation, revision, whole=whole))
            if values:
                values_by_name[field.alias or name] = values
    if not whole:
        yield _completed(model, {name: values[0] for name, values in values_by_name.items()}, operation, revision)
        return
    for index in range(max(map(len, values_by_name.values()), default=1)):
        yield {name: values[min(index, len(values) - 1)] for name, values in values_by_name.items()}


def _example_at(model: type[Arguments], example: Mapping[str, Any], revision: str) -> dict[str, Any] | None:
    """The example without what a revision does not take; None where the rest is no valid call."""
    cut = _cut_to_revision(model, example, revision)
    if cut is None or cut == example:
        return cut
    try:
        check_arguments(model, cut)
    except ArgumentsError:
        return None
    return cut


def _cut_to_revision(model: type[Arguments], example: Mapping[str, Any], revision: str) -> dict[str, Any] | None:
    """An example without the arguments that a revision does not take; None where it does not take a value."""
    cut: dict[str, Any] = {}
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for name, value in example.items():
        field = fields.get(name)
        if field is not None and (since_of(field) or "") > revision:
            continue
        values = values_by_revision_of(field) if field is not None else None
        if values and isinstance(value, str) and not values.values_in and not values.takes(value, revision):
            return None
        inner = next(models_in(field.annotation), None) if field is not None else None
        items = [
            item if inner is None or not isinstance(item, Mapping) else _cut_to_revision(inner, item, revision)
            for item in (value if isinstance(value, (list, tuple)) else [value])
        ]
        if any(item is None and value is not None for item in items):
            return None
        cut[name] = items if isinstance(value, (list, tuple)) else items[0]
    return cut


def _completed(model: type[Arguments], required: dict[str, Any], operation: Operation, revision: str) -> dict[str, Any]:
    """The required arguments, with one more where the model requires one of several."""
    for candidate in chain([required], _with_one_more(model, required, operation, revision)):
        try:
            check_arguments(model, candidate)
        except ArgumentsError:
            continue
        return candidate
    raise NoExample(f"no example for {model.__name__}; give it EXAMPLES")


def _with_one_more(
    model: type[Arguments], required: dict[str, Any], operation: Operation, revision: str
) -> Iterator[dict[str, Any]]:
    for name, field in model.model_fields.items():
        if not field.is_required() and (since_of(field) or "") <= revision:
            for value in _values(name, field, operation, revision, whole=False):
                yield {**required, field.alias or name: value}
                break


def _values(name: str, field: Any, operation: Operation, revision: str, *, whole: bool) -> Iterator[Any]:
    place = place_of(field)
    if name == "ids_only":
        return  # excludes most other arguments
    if field.examples:
        yield from field.examples
    elif isinstance(place, Query) and place.name == "filter" and operation.reading.filter:
        yield _filter(operation)
    elif isinstance(place, Query) and place.name == "sort" and operation.reading.sort:
        yield from (f"{sign}{one}" for one in operation.reading.sort for sign in ("", "-"))
    elif isinstance(place, Query) and place.name == "include" and operation.reading.include:
        yield from ([list(names)] if (names := operation.values_at(operation.reading.include, revision)) else [])
    elif isinstance(place, Query) and place.name.startswith("additional-fields"):
        yield from (
            [list(names)] if (names := operation.values_at(operation.reading.additional_fields, revision)) else []
        )
    else:
        kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
        values = values_by_revision_of(field)
        for value in _values_of_type(name, kind, operation, revision, whole=whole):
            if values is None or not isinstance(value, str) or values.takes(value, revision):
                yield value


def _filter(operation: Operation) -> str:
    reading = operation.reading
    name = next(iter(reading.filter_required or reading.filter))
    operator = reading.filter[name].split()[0]
    value = '["a"]' if operator in LIST_OPERATORS else '"a"'
    return f"{operator}({name},{value})"


def _values_of_type(name: str, kind: Any, operation: Operation, revision: str, *, whole: bool) -> Iterator[Any]:
    plain, marks = bare_type(kind)
    origin = get_origin(plain)
    if isinstance(plain, type) and issubclass(plain, Arguments):
        yield from _objects(plain, operation, revision, whole=whole)
    elif origin is list:
        yield from ([item] for item in _values_of_type(name, get_args(plain)[0], operation, revision, whole=whole))
    elif origin is Literal:
        yield from get_args(plain) if whole else get_args(plain)[:1]
    else:
        yield _scalar(name, plain, Annotated[(plain, *marks)] if marks else plain)


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
