"""The differences between our declarations and a revision of Klaviyo's API.

A difference breaks where Klaviyo would refuse a request of ours. An operation or a value that Klaviyo has and we cannot
reach is reported and does not break.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.marks import since_of
from klaviyo_tools.arguments.places import Part, Query, place_of
from klaviyo_tools.drift.examples import NoExample, full_examples, required_example
from klaviyo_tools.drift.openapi import Document
from klaviyo_tools.drift.reach import is_reached, reached_paths
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.operation.facts import AnswerKind, Rate
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import Registry

IGNORED_OPERATIONS: Mapping[str, str] = {
    "/client/": "for browsers, with a company's public id instead of a key",
}
"""Beginnings of paths whose operations are not declared, with the reason."""
UNREACHED_PARAMETERS: Mapping[tuple[str, str], str] = {
    ("POST", "fields["): "the answer of a write is shown whole: the reads take sparse fieldsets",
    ("PATCH", "fields["): "as after a POST",
    ("GET", "fields[webhook-topic]"): "a topic has nothing but its id",
}
"""Query parameters, by method and beginning, that no argument reaches, with the reason."""

_MAX_LISTED_VALUES = 6
_MAX_ERRORS_OF_A_BODY = 2
_MAX_EXAMPLE_CHARACTERS = 200

Findings = Iterator[tuple[str, bool]]
"""The text of each difference, and whether it breaks."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between the declarations and a document."""

    operation: str
    text: str
    breaks: bool

    def __str__(self) -> str:
        return f"{'breaks' if self.breaks else 'adds  '}  {self.operation}: {self.text}"


def compare(document: Document, operations: Registry) -> Iterator[Difference]:
    """Every difference: first of the document's operations in their order, then of those that it does not have."""
    for name, (method, path, described) in document.operations.items():
        if any(path.startswith(prefix) for prefix in IGNORED_OPERATIONS):
            continue
        if name in operations.argument_operations:
            operation = operations[operations.argument_operations[name][0]]
            findings = _compare_ids(document, operation, method, path, described)
        elif name in operations:
            findings = _compare_operation(document, operations[name], method, path, described)
        else:
            findings = iter([(f"{method} {path} is not declared", False)])
        for text, breaks in findings:
            yield Difference(name, text, breaks)
    for name, operation in operations.items():
        if operation.service is not Service.KLAVIYO or operation.revisions.since > document.revision:
            continue
        ids_operation = operation.reading.ids_operation
        if name not in document.operations:
            yield Difference(name, f"is gone (declared as {operation.method} {operation.path})", breaks=True)
        if ids_operation and ids_operation not in document.operations:
            yield Difference(name, f"{ids_operation}, declared as its ids, is gone", breaks=True)


def _compare_operation(
    document: Document, operation: Operation, method: str, path: str, described: Mapping[str, Any]
) -> Findings:
    if (operation.method, _without_names(operation.path)) != (method, _without_names(path)):
        yield f"is {method} {path}, declared as {operation.method} {operation.path}", True
    yield from _compare_parameters(document, operation, described)
    yield from _compare_rate(document, operation, described)
    yield from _compare_body(document, operation)
    yield from _compare_success(operation, document.revision, described)


def _without_names(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _query_schemas(document: Document, described: Mapping[str, Any]) -> dict[str, Any]:
    parameters = described.get("parameters", ())
    return {one["name"]: document.resolve(one["schema"]) for one in parameters if one["in"] == "query"}


def _compare_parameters(document: Document, operation: Operation, described: Mapping[str, Any]) -> Findings:
    theirs = _query_schemas(document, described)
    ours = _query_values(operation, document.revision)
    for name in ours.keys() - theirs.keys():
        yield f"takes no parameter {name}", True
    for name in theirs.keys() - ours.keys():
        if not any(operation.method == method and name.startswith(start) for method, start in UNREACHED_PARAMETERS):
            yield f"its parameter {name} is not reachable", False
    yield from _compare_filter(described, operation.reading.filter, operation.filter_at(document.revision))
    for name in ours.keys() & theirs.keys():
        values, schema = ours[name], theirs[name]
        if name == "page[size]":
            if values != {str(schema.get("maximum"))}:
                yield f"page[size] goes to {schema.get('maximum')}, declared as {values}", True
            continue
        enum = schema.get("enum") or document.resolve(schema.get("items", {})).get("enum")
        if enum is None or values is None:
            continue
        if unknown := sorted(values - set(enum)):
            yield f"{name} does not take {', '.join(unknown[:_MAX_LISTED_VALUES])}", True
        if missing := sorted(set(enum) - values):
            yield f"{name}={', '.join(missing[:_MAX_LISTED_VALUES])} is not reachable", False


_FIELD = re.compile(r"`([^`]+)`: ((?:`[^`]+`(?:, )?)+)")


def _compare_filter(described: Mapping[str, Any], declared: Mapping[str, str], fields: Collection[str]) -> Findings:
    """Compares fields and operators of the filter, which only the parameter's description lists."""
    parameters = described.get("parameters", ())
    text = next((one.get("description", "") for one in parameters if one["name"] == "filter"), "")
    theirs = {field: set(operators.replace("`", "").split(", ")) for field, operators in _FIELD.findall(text)}
    ours = {field: set(declared[field].split()) for field in fields}
    for field, operators in ours.items():
        if unknown := sorted(operators - theirs.get(field, set())):
            yield f"filter does not take {field}: {', '.join(unknown)}", True
    for field, operators in theirs.items():
        if missing := sorted(operators - ours.get(field, set())):
            yield f"filter {field}: {', '.join(missing)} is not reachable", False


_RATE = re.compile(r"Burst: `(\d+)/s`.{0,5}Steady: `(\d+)/m`(?:.{0,5}Daily: `(\d+)/d`)?")


def _compare_rate(document: Document, operation: Operation, described: Mapping[str, Any]) -> Findings:
    match = _RATE.search(described.get("description", ""))
    if match is None:
        return
    theirs = Rate(int(match[1]), int(match[2]), int(match[3]) if match[3] else None)
    ours = operation.usual_rate(document.revision)
    if theirs != ours:
        yield f"its limits are {theirs}, declared as {ours}", False


def _compare_ids(
    document: Document, operation: Operation, method: str, path: str, described: Mapping[str, Any]
) -> Findings:
    """Compares the read of ids alone with the request that our argument `ids_only` sends."""
    if (method, _without_names(path)) != ("GET", _without_names(operation.ids_path)):
        yield f"is {method} {path}, not the ids of {operation.name}", True
    theirs = _query_schemas(document, described)
    record_parameters = ("fields[", "include", "additional-fields[")
    values = _query_values(operation, document.revision).items()
    ours = {name: value for name, value in values if not name.startswith(record_parameters)}
    for name in sorted(ours.keys() - theirs.keys()):
        yield f"takes no parameter {name}", True
    for name in sorted(theirs.keys() - ours.keys()):
        yield f"its parameter {name} is not reachable", False
    if "page[size]" in ours and ours["page[size]"] != {str(theirs.get("page[size]", {}).get("maximum"))}:
        yield f"page[size] is declared as {ours['page[size]']}", True
    unsupported = operation.reading.ids_unsupported_filters
    fields = [field for field in operation.filter_at(document.revision) if field not in unsupported]
    yield from _compare_filter(described, operation.reading.filter, fields)
    yield from _compare_rate(document, operation, described)


def _query_values(operation: Operation, revision: str) -> dict[str, set[str] | None]:
    """Query parameter of our requests -> its values, or None where it takes any."""
    reading = operation.reading
    parameters: dict[str, set[str] | None] = {}
    for name, field in operation.arguments.model_fields.items():
        place = place_of(field)
        if isinstance(place, Query) and (since_of(field) or "") <= revision:
            values: set[str] | None = None
            if place.name.startswith("additional-fields"):
                values = set(operation.values_at(reading.additional_fields, revision))
            elif name == "include":
                values = set(operation.values_at(reading.include, revision))
            elif name == "sort":
                values = {f"{sign}{field_name}" for field_name in reading.sort for sign in ("", "-")}
            if values != set():
                parameters[place.name] = values
    for type_, fields in accepted_fields(operation, revision).items():
        parameters[f"fields[{type_}]"] = set(fields)
    if operation.paging.takes_cursor:
        parameters[operation.paging.cursor_parameter] = None
    if size := operation.page_size_at(revision):
        parameters["page[size]"] = {str(size)}
    return parameters


def _compare_body(document: Document, operation: Operation) -> Findings:
    described = document.body_schema(operation.name)
    if described is None:
        if operation.body_type is not None:
            yield "takes no body", True
        return
    media_type, schema = described
    if media_type == "multipart/form-data":
        places = map(place_of, operation.arguments.model_fields.values())
        parts = {place.name for place in places if isinstance(place, Part)}
        yield from ((f"its part {name} is not reachable", False) for name in set(schema["properties"]) - parts)
        return
    revision = document.revision
    try:
        for arguments in (required_example(operation, revision), *full_examples(operation, revision)):
            request = operation.request(check_arguments(operation.arguments, arguments))
            for error in document.validate(schema, request.body)[:_MAX_ERRORS_OF_A_BODY]:
                yield f"refuses the body of {json.dumps(arguments)[:_MAX_EXAMPLE_CHARACTERS]}: {error}", True
    except (NoExample, ArgumentsError) as error:
        yield f"no whole example of its arguments, give their model EXAMPLES: {error}", True
    reached = set(reached_paths(operation, revision))
    for path in dict.fromkeys(document.leaves(schema)):
        if not is_reached(path, reached):
            yield f"{path} is not reachable", False


def _compare_success(operation: Operation, revision: str, described: Mapping[str, Any]) -> Findings:
    successes = [response for code, response in described["responses"].items() if code.startswith("2")]
    has_body = any("content" in response for response in successes)
    if has_body and operation.answer is AnswerKind.NOTHING and operation.method != "DELETE":
        yield "answers with a body", True
    empty_since = operation.revisions.empty_success_since
    expects_body = operation.answer is not AnswerKind.NOTHING and not (empty_since and empty_since <= revision)
    if not has_body and expects_body:
        yield "answers without a body", True
