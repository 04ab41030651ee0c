"""The pydantic model of an operation's arguments, built from its declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model, model_validator

from klaviyo_tools.arguments.marks import UNLISTED, Brief, ValuesByRevision
from klaviyo_tools.arguments.places import Linkage, PathId, Query
from klaviyo_tools.arguments.spelling import resolve_name
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
    Offset,
    Wait,
)
from klaviyo_tools.filters.fields import FilterFields, describe_fields, fold_names
from klaviyo_tools.operation.facts import ANY_REVISION, EMPTY_MAPPING, AnswerKind
from klaviyo_tools.operation.operation import Operation


def read_model(operation: Operation) -> type[Arguments]:
    """The arguments of a GET."""
    reading = operation.reading
    fields: dict[str, Any] = _ids(operation)
    validators = _ids_only_check(operation) if reading.ids_operation else {}
    if reading.filter:
        fields["filter"] = _filter(operation)
    if reading.sort:
        fields["sort"] = _sort(reading.sort, reading.filter)
    if reading.sparse_fieldsets:
        kind: Any = FieldNames if operation.answer is AnswerKind.COLLECTION else FieldsOfOne
        fields["fields"] = (kind | None, None)
        if operation.answer is AnswerKind.RECORD:
            fields["offset"] = (Offset | None, None)
            validators["check_offset"] = model_validator(mode="after")(_check_offset)
    if reading.include:
        fields["include"] = _names("include", reading.include, operation)
    fields.update(_additional(operation))
    if reading.ids_operation:
        fields["ids_only"] = (IdsOnly | None, None)
    if operation.answer is AnswerKind.COLLECTION:
        if operation.paging.takes_cursor:
            fields["max_results"] = (MaxResults, DEFAULT_RESULTS)
            fields["cursor"] = (Cursor | None, None)
        fields["count_by"] = (CountBy | None, None)
        fields["detail"] = (Detail, "summary")
    return _model(operation, Arguments, fields, validators=validators)


def _check_offset(arguments: Arguments) -> Arguments:
    if getattr(arguments, "offset", None) is not None and len(getattr(arguments, "fields", None) or ()) != 1:
        raise ValueError("offset goes on in one text: name it in fields, such as fields=html")
    return arguments


_RECORD_ARGUMENTS = ("fields", "include", "additional_fields", "count_by")
"""Arguments that shape records and cannot shape ids."""


def _ids_only_check(operation: Operation) -> dict[str, Any]:
    """A validator that refuses, beside `ids_only`, arguments that Klaviyo's read of ids does not take."""
    reading = operation.reading

    def check_ids_only(arguments: Arguments) -> Arguments:
        if getattr(arguments, "ids_only", False):
            if excluded := [name for name in _RECORD_ARGUMENTS if getattr(arguments, name, None)]:
                raise ValueError(f"ids_only answers ids and nothing else: leave out {' and '.join(excluded)}")
            if reading.ids_unsupported_filters and (text := getattr(arguments, "filter", None)):
                unsupported = reading.ids_unsupported_filters
                _accept_filter(text, {f: o for f, o in reading.filter.items() if f not in unsupported})
        return arguments

    return {"check_ids_only": model_validator(mode="after")(check_ids_only)}


def write_model(attributes: type[Arguments], operation: Operation) -> type[Arguments]:
    """The arguments of a write: its path's ids and the attributes."""
    wait = {"wait": (Wait | None, None)} if operation.job else {}
    return _model(operation, attributes, _ids(operation), _additional(operation), wait)


def change_model(attributes: type[Arguments], operation: Operation) -> type[Arguments]:
    """As `write_model`; a call that would change nothing is refused."""
    if any(field.is_required() for field in attributes.model_fields.values()):
        return write_model(attributes, operation)
    names = {name: field.alias or name for name, field in attributes.model_fields.items()}

    def check_changes(arguments: Arguments) -> Arguments:
        if not arguments.model_fields_set & names.keys():
            raise ValueError(f"nothing to change: give at least one of {', '.join(names.values())}")
        return arguments

    checks: dict[str, Any] = {"changes": model_validator(mode="after")(check_changes)}
    return write_model(create_model(attributes.__name__, __base__=attributes, __validators__=checks), operation)


def members_model(target: str, operation: Operation) -> type[Arguments]:
    """The arguments of a write to a relationship: the path's ids and the ids of the members."""
    # An empty list is valid only for PATCH, where it clears the relationship.
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
    merged = {name: definition for group in fields for name, definition in group.items()}
    return create_model(name, __base__=base, __validators__=dict(validators), **merged)


def _ids(operation: Operation) -> dict[str, Any]:
    return {name: (Annotated[operation.id_type, PathId()], ...) for name in operation.path_ids}


def _accept_filter(value: str | list[Any] | dict[str, Any], fields: FilterFields, required: Sequence[str] = ()) -> str:
    # Imported with the first filter: the server starts without the tables of the reader.
    from klaviyo_tools.filters.accept import accept_filter

    return accept_filter(value, fields, required=required)


def _fields_of(text: str) -> list[str]:
    from klaviyo_tools.filters.accept import fields_of

    return fields_of(text)


_RARE_FIELD_DOTS = 3
"""Dots in the name of a filter field that few calls need: the list of tools leaves such fields out."""


def _filter(operation: Operation) -> tuple[Any, Any]:
    reading = operation.reading

    def accept(value: object) -> object:
        if isinstance(value, int | float):
            value = str(value)  # pydantic would otherwise turn it into text that is never read as a filter
        if not isinstance(value, str | list | dict):
            return value
        return _accept_filter(value, reading.filter, reading.filter_required)

    def describe(revision: str) -> str:
        text = describe_fields(operation.filter_at(revision))
        return f"Required: {' or '.join(reading.filter_required)}. {text}" if reading.filter_required else text

    as_text = WithJsonSchema({"type": "string", "description": describe(ANY_REVISION)})
    varies = ValuesByRevision(operation.revisions.filters_since, describe, _fields_of)
    frequent = {name: operators for name, operators in reading.filter.items() if name.count(".") < _RARE_FIELD_DOTS}
    brief = [Brief(f"{describe_fields(frequent)}; more: describe_tool")] if len(frequent) < len(reading.filter) else []
    kind = Annotated[(str, BeforeValidator(accept), as_text, Query("filter"), varies, *brief)]
    if not reading.filter_required:
        return (kind | None, None)
    name = reading.filter_required[0]
    example = f'equals({name},"{"email" if name.endswith("channel") else "…"}")'
    return (Annotated[kind, Field(examples=[example])], ...)


def _sort(names: Sequence[str], filter_fields: Iterable[str]) -> tuple[Any, Any]:
    def check_sort(value: str) -> str:
        return ("-" if value.startswith("-") else "") + resolve_name(value.lstrip("-"), names)

    text = f"{', '.join(names)}; -{names[0]} descends"
    # The list of tools does not repeat names that all stand in the description of the filter.
    brief = Brief("" if set(names) <= set(filter_fields) else fold_names(names))
    return (Annotated[str, AfterValidator(check_sort), Field(description=text), Query("sort"), brief] | None, None)


def _names(query: str, allowed: Sequence[str], operation: Operation) -> tuple[Any, Any]:
    def check_names(value: list[str]) -> list[str]:
        return list(dict.fromkeys(resolve_name(name, allowed) for name in value))

    def describe(revision: str) -> str:
        return ", ".join(operation.values_at(allowed, revision))

    varies = ValuesByRevision(
        {name: operation.revisions.values_since[name] for name in allowed if name in operation.revisions.values_since},
        describe,
    )
    text = Field(description=describe(ANY_REVISION))
    listed = Brief(names=True)
    return (Annotated[list[str], AfterValidator(check_names), text, Query(query), varies, listed] | None, None)


def _additional(operation: Operation) -> dict[str, Any]:
    if not operation.reading.additional_fields:
        return {}
    query = f"additional-fields[{operation.resource}]"
    kind, default = _names(query, operation.reading.additional_fields, operation)
    # Few calls want them in the answer of a write: a read answers them as well.
    return {"additional_fields": (kind if operation.method == "GET" else Annotated[kind, UNLISTED], default)}
