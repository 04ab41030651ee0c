"""Models of arguments, built from the declaration of an operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model, model_validator

from klaviyo_tools.arguments.places import UNLISTED, Brief, Linkage, PathId, Query, Varies
from klaviyo_tools.arguments.spelling import one_of
from klaviyo_tools.arguments.types import (
    DEFAULT_RESULTS,
    Arguments,
    CountBy,
    Cursor,
    Detail,
    FieldNames,
    FieldsOfOne,
    IdsOnly,
    MaxResults,
    Wait,
)
from klaviyo_tools.filters import accept as filters
from klaviyo_tools.operation.facts import ANY_REVISION, EMPTY_MAPPING, Answer
from klaviyo_tools.operation.operation import Operation

# Models of arguments, built from the declaration.


def read_model(operation: Operation) -> type[Arguments]:
    reading = operation.reading
    fields: dict[str, Any] = _ids(operation)
    if reading.filter:
        fields["filter"] = _filter(operation)
    if reading.sort:
        fields["sort"] = _sort(reading.sort, reading.filter)
    if reading.sparse_fieldsets:
        kind: Any = FieldNames if operation.answer is Answer.COLLECTION else FieldsOfOne
        fields["fields"] = (kind | None, None)
    if reading.include:
        fields["include"] = _names("include", reading.include, operation)
    fields.update(_additional(operation))
    if reading.ids_operation:
        fields["ids_only"] = (IdsOnly | None, None)
    if operation.answer is Answer.COLLECTION:
        if operation.paging.takes_cursor:
            fields["max_results"] = (MaxResults, DEFAULT_RESULTS)
            fields["cursor"] = (Cursor | None, None)
        fields["count_by"] = (CountBy | None, None)
        fields["detail"] = (Detail, "summary")
    return _model(operation, Arguments, fields, validators=_ids_alone(operation) if reading.ids_operation else {})


_SHAPING = ("fields", "include", "additional_fields", "count_by")
"""Arguments that shape records, and say nothing of ids."""


def _ids_alone(operation: Operation) -> dict[str, Any]:
    """Refuses, beside `ids_only`, what a read of ids does not take."""

    reading = operation.reading

    def alone(arguments: Arguments) -> Arguments:
        if getattr(arguments, "ids_only", False):
            if beside := [name for name in _SHAPING if getattr(arguments, name, None)]:
                raise ValueError(f"ids_only answers ids and nothing else: leave out {' and '.join(beside)}")
            if reading.ids_unsupported_filters and (given := getattr(arguments, "filter", None)):
                taken = {f: o for f, o in reading.filter.items() if f not in reading.ids_unsupported_filters}
                filters.accept_filter(given, taken)
        return arguments

    return {"ids_alone": model_validator(mode="after")(alone)}


def write_model(attributes: type[Arguments], operation: Operation) -> type[Arguments]:
    waiting = {"wait": (Wait | None, None)} if operation.job else {}
    return _model(operation, attributes, _ids(operation), _additional(operation), waiting)


def change_model(attributes: type[Arguments], operation: Operation) -> type[Arguments]:
    """As `write_model`, and a call that would change nothing is refused."""
    if any(field.is_required() for field in attributes.model_fields.values()):
        return write_model(attributes, operation)
    names = {name: field.alias or name for name, field in attributes.model_fields.items()}

    def changes(arguments: Arguments) -> Arguments:
        if not arguments.model_fields_set & names.keys():
            raise ValueError(f"nothing to change: give at least one of {', '.join(names.values())}")
        return arguments

    checks: dict[str, Any] = {"changes": model_validator(mode="after")(changes)}
    return write_model(create_model(attributes.__name__, __base__=attributes, __validators__=checks), operation)


def members_model(target: str, operation: Operation) -> type[Arguments]:
    # Only a replacement can do something with no members: it takes all away.
    length = Field(min_length=0 if operation.method == "PATCH" else 1, max_length=operation.limits.max_members)
    kind = operation.id_type
    members = Annotated[list[kind], length, Linkage(target)]  # type: ignore[valid-type]
    return _model(operation, Arguments, {**_ids(operation), f"{target.replace('-', '_')}_ids": (members, ...)})


def _model(
    operation: Operation,
    base: type[Arguments],
    *fields: Mapping[str, Any],
    validators: Mapping[str, Any] = EMPTY_MAPPING,
) -> type[Arguments]:
    name = "".join(part.capitalize() for part in operation.name.split("_"))
    added = {name: kind for some in fields for name, kind in some.items()}
    return create_model(name, __base__=base, __validators__=dict(validators), **added)


def _ids(operation: Operation) -> dict[str, Any]:
    return {name: (Annotated[operation.id_type, PathId()], ...) for name in operation.path_ids}


_DEEP = 3
"""Dots in the name of a filter field that few calls need."""


def _filter(operation: Operation) -> tuple[Any, Any]:
    reading = operation.reading

    def accept(given: object) -> object:
        if isinstance(given, int | float):
            given = str(given)  # it would become one unread
        if not isinstance(given, str | list | dict):
            return given
        return filters.accept_filter(given, reading.filter, required=reading.filter_required)

    def describe(revision: str) -> str:
        text = filters.describe_filter(operation.filter_at(revision))
        return f"Required: {' or '.join(reading.filter_required)}. {text}" if reading.filter_required else text

    as_text = WithJsonSchema({"type": "string", "description": describe(ANY_REVISION)})
    varies = Varies(operation.revisions.filters_since, describe, filters.filter_fields_in)
    usual = {name: operators for name, operators in reading.filter.items() if name.count(".") < _DEEP}
    rare = [Brief(f"{filters.describe_filter(usual)}; more: describe_tool")] if len(usual) < len(reading.filter) else []
    kind = Annotated[(str, BeforeValidator(accept), as_text, Query("filter"), varies, *rare)]
    if not reading.filter_required:
        return (kind | None, None)
    name = reading.filter_required[0]
    example = f'equals({name},"{"email" if name.endswith("channel") else "…"}")'
    return (Annotated[kind, Field(examples=[example])], ...)


def _sort(names: Sequence[str], filtered: Iterable[str]) -> tuple[Any, Any]:
    def known(given: str) -> str:
        field, minus = given.lstrip("-"), given.startswith("-")
        return ("-" if minus else "") + one_of(field, names)

    text = f"{', '.join(names)}; -{names[0]} descends"
    # Where the filter names them all, the list of tools need not name them again.
    brief = Brief("" if set(names) <= set(filtered) else filters.fold_names(names))
    return (Annotated[str, AfterValidator(known), Field(description=text), Query("sort"), brief] | None, None)


def _names(query: str, allowed: Sequence[str], operation: Operation) -> tuple[Any, Any]:
    def known(given: list[str]) -> list[str]:
        return list(dict.fromkeys(one_of(name, allowed) for name in given))

    def describe(revision: str) -> str:
        return ", ".join(operation.values_at(allowed, revision))

    varies = Varies(
        {name: operation.revisions.values_since[name] for name in allowed if name in operation.revisions.values_since},
        describe,
    )
    text = Field(description=describe(ANY_REVISION))
    listed = Brief(names=True)
    return (Annotated[list[str], AfterValidator(known), text, Query(query), varies, listed] | None, None)


def _additional(operation: Operation) -> dict[str, Any]:
    if not operation.reading.additional_fields:
        return {}
    query = f"additional-fields[{operation.resource}]"
    kind, default = _names(query, operation.reading.additional_fields, operation)
    # After a write they are rarely wanted: a read gives them as well.
    return {"additional_fields": (kind if operation.method == "GET" else Annotated[kind, UNLISTED], default)}
