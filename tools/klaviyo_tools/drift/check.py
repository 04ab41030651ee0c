"""What a revision of Klaviyo's API has that our declarations do not, and the other way round.

`python -m klaviyo_tools.drift.check OPENAPI.json` prints a line for each difference and exits with 1 if one breaks: a
request of ours that Klaviyo would refuse. What is only unreachable for us is told, and does not break.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from klaviyo_tools.arguments.annotations import bare_type
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
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
    place_of,
)
from klaviyo_tools.arguments.types import Arguments, models_in
from klaviyo_tools.drift.examples import NoExample, full_example, required_example
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.jsonapi.documents import relationship_name
from klaviyo_tools.operation.facts import AnswerKind, Rate
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import Registry, registry

IGNORED_OPERATIONS: Mapping[str, str] = {
    "/client/": "for browsers, with a company's public id instead of a key",
}
"""Paths of operations that are not declared, with the reason."""
UNREACHED_VALUES: Mapping[tuple[str, str], str] = {
    (
        "POST",
        "fields[",
    ): "what was made, or counted, is answered whole: to see less of it, or more, there are the reads",
    ("PATCH", "fields["): "as after a POST",
    ("GET", "fields[webhook-topic]"): "a topic is nothing but its id",
}
"""Query parameters, by method and beginning, that no argument reaches, with the reason."""

_ARRAYS = (list, Sequence)


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between the declarations and a document."""

    operation: str
    text: str
    breaks: bool

    def __str__(self) -> str:
        return f"{'breaks' if self.breaks else 'adds  '}  {self.operation}: {self.text}"


class Document:
    """An OpenAPI document of Klaviyo's, its references resolved as they are met."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.revision = re.sub(r"\.pre$", "", str(content["info"]["version"]))
        self.operations: dict[str, tuple[str, str, Mapping[str, Any]]] = {
            body["operationId"]: (method.upper(), path, body)
            for path, methods in content["paths"].items()
            for method, body in methods.items()
            if isinstance(body, dict) and "operationId" in body
        }

    def resolve(self, node: Any) -> Any:
        """The node that a reference stands for."""
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.content
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def body_schema(self, name: str) -> tuple[str, Mapping[str, Any]] | None:
        """Media type and schema of an operation's request."""
        content = self.operations[name][2].get("requestBody", {}).get("content")
        if not content:
            return None
        media, described = next(iter(content.items()))
        return media, self.resolve(described["schema"])

    def leaves(self, schema: Any, path: str = "", depth: int = 0) -> Iterator[str]:
        """Dotted paths of all values in a schema; `[]` stands for the members of an array."""
        schema = self.resolve(schema)
        branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())]
        for branch in branches:
            yield from self.leaves(branch, path, depth + 1)
        for name, inner in schema.get("properties", {}).items():
            if depth < 40:
                yield from self.leaves(inner, f"{path}.{name}" if path else name, depth + 1)
        if schema.get("type") == "array":
            yield from self.leaves(schema["items"], f"{path}[]", depth + 1)
        elif not schema.get("properties") and not branches:
            yield path

    def portable(self, schema: Any) -> Any:
        """The schema as JSON Schema: `nullable` spelled out, `oneOf` (whose branches overlap) read as `anyOf`."""
        if isinstance(schema, list):
            return [self.portable(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return self._named(schema["$ref"])
        plain = {
            "anyOf" if key == "oneOf" else key: self.portable(value)
            for key, value in schema.items()
            if key not in ("nullable", "example", "description", "discriminator")
        }
        return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain

    def _named(self, reference: str) -> dict[str, str]:
        return {"$ref": reference}

    @cache  # noqa: B019 - one document lives as long as the command
    def definitions(self) -> Mapping[str, Any]:
        """All schemas of the document, portable, under `components`."""
        return {"schemas": self.portable(self.content["components"]["schemas"])}

    def faults(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        """What a JSON Schema validator finds wrong with a value."""
        from jsonschema import Draft202012Validator

        whole = {**self.portable(schema), "components": self.definitions()}
        return [f"{error.json_path}: {error.message[:160]}" for error in Draft202012Validator(whole).iter_errors(value)]


def compare(document: Document, operations: Registry) -> Iterator[Difference]:
    """Every difference, the operations in the document's order and then those that it does not have."""
    for name, (method, path, body) in document.operations.items():
        if any(path.startswith(prefix) for prefix in IGNORED_OPERATIONS):
            continue
        if name in operations.argument_operations:
            for text, breaks in _ids(document, operations[operations.argument_operations[name][0]], method, path, body):
                yield Difference(name, text, breaks)
            continue
        if name not in operations:
            yield Difference(name, f"{method} {path} is not declared", breaks=False)
            continue
        operation = operations[name]
        ours = (operation.method, _unnamed(operation.path))
        if ours != (method, _unnamed(path)):
            yield Difference(name, f"is {method} {path}, declared as {operation.method} {operation.path}", breaks=True)
        for text, breaks in (
            *_parameters(document, operation, body),
            *_limits(document, operation, body),
            *_body(document, operation),
            *_success(operation, document.revision, body),
        ):
            yield Difference(name, text, breaks)
    for name, operation in operations.items():
        expected = operation.service is Service.KLAVIYO and operation.revisions.since <= document.revision
        if expected and name not in document.operations:
            yield Difference(name, f"is gone (declared as {operation.method} {operation.path})", breaks=True)
        if expected and operation.reading.ids_operation and operation.reading.ids_operation not in document.operations:
            yield Difference(name, f"{operation.reading.ids_operation}, declared as its ids, is gone", breaks=True)


def _unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _parameters(document: Document, operation: Operation, body: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    theirs = {p["name"]: document.resolve(p["schema"]) for p in body.get("parameters", ()) if p["in"] == "query"}
    ours = _queries(operation, document.revision)
    for name in ours.keys() - theirs.keys():
        yield f"takes no parameter {name}", True
    for name in theirs.keys() - ours.keys():
        if not any(operation.method == method and name.startswith(start) for method, start in UNREACHED_VALUES):
            yield f"its parameter {name} is not reachable", False
    yield from _filter(body, operation.reading.filter, tuple(operation.filter_at(document.revision)))
    for name in ours.keys() & theirs.keys():
        values = ours[name]
        enum = theirs[name].get("enum") or document.resolve(theirs[name].get("items", {})).get("enum")
        if name == "page[size]" and values != {str(theirs[name].get("maximum"))}:
            yield f"page[size] goes to {theirs[name].get('maximum')}, declared as {values}", True
        if enum is None or values is None or name == "page[size]":
            continue
        if unknown := sorted(values - set(enum)):
            yield f"{name} does not take {', '.join(unknown[:6])}", True
        if missing := sorted(set(enum) - values):
            yield f"{name}={', '.join(missing[:6])} is not reachable", False


_FIELD = re.compile(r"`([^`]+)`: ((?:`[^`]+`(?:, )?)+)")


def _filter(body: Mapping[str, Any], ours: Mapping[str, str], taken: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """The fields and operators of a filter, which Klaviyo tells in the parameter's description only."""
    text = next((p.get("description", "") for p in body.get("parameters", ()) if p["name"] == "filter"), "")
    theirs = {field: set(operators.replace("`", "").split(", ")) for field, operators in _FIELD.findall(text)}
    for field in taken:
        if unknown := sorted(set(ours[field].split()) - theirs.get(field, set())):
            yield f"filter does not take {field}: {', '.join(unknown)}", True
    for field, operators in theirs.items():
        mine = set(ours[field].split()) if field in taken else set()
        if missing := sorted(operators - mine):
            yield f"filter {field}: {', '.join(missing)} is not reachable", False


_RATE = re.compile(r"Burst: `(\d+)/s`.{0,5}Steady: `(\d+)/m`(?:.{0,5}Daily: `(\d+)/d`)?")


def _limits(document: Document, operation: Operation, body: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    found = _RATE.search(body.get("description", ""))
    ours = operation.usual_rate(document.revision)
    if found and (told := Rate(*(int(number) if number else None for number in found.groups()))) != ours:  # type: ignore[arg-type]
        yield f"its limits are {told}, declared as {ours}", False


def _ids(
    document: Document, operation: Operation, method: str, path: str, body: Mapping[str, Any]
) -> Iterator[tuple[str, bool]]:
    """What the read of ids alone takes, against what our argument `ids_only` sends there."""
    if (method, _unnamed(path)) != ("GET", _unnamed(operation.ids_path)):
        yield f"is {method} {path}, not the ids of {operation.name}", True
    theirs = {p["name"]: document.resolve(p["schema"]) for p in body.get("parameters", ()) if p["in"] == "query"}
    shaping = ("fields[", "include", "additional-fields[")
    ours = {n: v for n, v in _queries(operation, document.revision).items() if not n.startswith(shaping)}
    for name in sorted(ours.keys() ^ theirs.keys()):
        yield (
            f"{'takes no' if name in ours else 'its'} parameter {name}{' is not reachable' * (name in theirs)}",
            (name in ours),
        )
    if "page[size]" in ours and ours["page[size]"] != {str(theirs.get("page[size]", {}).get("maximum"))}:
        yield f"page[size] is declared as {ours['page[size]']}", True
    taken = [f for f in operation.filter_at(document.revision) if f not in operation.reading.ids_unsupported_filters]
    yield from _filter(body, operation.reading.filter, taken)
    yield from _limits(document, operation, body)


def _queries(operation: Operation, revision: str) -> dict[str, set[str] | None]:
    """The query parameters that requests of ours carry, with their values where those are a closed set."""
    ours: dict[str, set[str] | None] = {}
    for name, field in operation.arguments.model_fields.items():
        place = place_of(field)
        if isinstance(place, Query) and (since_of(field) or "") <= revision:
            values: set[str] | None = None
            if place.name.startswith("additional-fields"):
                values = set(operation.values_at(operation.reading.additional_fields, revision))
            elif name == "include":
                values = set(operation.values_at(operation.reading.include, revision))
            elif name == "sort":
                values = {f"{sign}{one}" for one in operation.reading.sort for sign in ("", "-")}
            if values != set():
                ours[place.name] = values
    for kind, fields in accepted_fields(operation, revision).items():
        ours[f"fields[{kind}]"] = set(fields)
    if operation.paging.takes_cursor:
        ours[operation.paging.cursor_parameter] = None
    if size := operation.page_size_at(revision):
        ours["page[size]"] = {str(size)}
    return ours


def _body(document: Document, operation: Operation) -> Iterator[tuple[str, bool]]:
    described = document.body_schema(operation.name)
    if described is None:
        if operation.body_type is not None:
            yield "takes no body", True
        return
    media, schema = described
    if media == "multipart/form-data":
        ours = {place.name for f in operation.arguments.model_fields.values() if isinstance(place := place_of(f), Part)}
        yield from ((f"its part {name} is not reachable", False) for name in set(schema["properties"]) - ours)
        return
    try:
        for arguments in (required_example(operation, document.revision), *full_example(operation, document.revision)):
            request = operation.request(check_arguments(operation.arguments, arguments))
            for fault in document.faults(schema, request.body)[:2]:
                yield f"refuses the body of {json.dumps(arguments)[:200]}: {fault}", True
    except (NoExample, ArgumentsError) as error:
        yield f"no whole example of its arguments, give their model EXAMPLES: {error}", True
    reach = set(_reach(operation, document.revision))
    for path in dict.fromkeys(document.leaves(schema)):
        if not _reached(path, reach):
            yield f"{path} is not reachable", False


_CONSTANT = re.compile(r"(^|\.)data(\[\])?\.type$")


def _reached(path: str, reach: set[str]) -> bool:
    if path in reach or f"{path}[]" in reach or _CONSTANT.search(path):
        return True
    parts = re.split(r"(?=\.|\[\])", path)
    return any(f"{''.join(parts[:end])}.*" in reach for end in range(len(parts) + 1))


def _reach(operation: Operation, revision: str) -> Iterator[str]:
    """The paths that arguments of ours reach in the body; `.*` after a path whose object is open."""
    if operation.method == "PATCH" and operation.path_ids:
        yield "data.id"
    yield from _reach_resource(operation.arguments, "data", revision)


def _reach_resource(model: type[Arguments], at: str, revision: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if (since_of(field) or "") > revision:
            continue
        many = _is_list(field.annotation)
        key = field.alias or name
        match place_of(field):
            case None:
                yield from _reach_value(field.annotation, f"{at}.attributes.{key}", revision)
            case Attribute(path):
                yield from _reach_value(field.annotation, f"{at}.attributes.{path}", revision)
            case Embedded(name=other):
                yield from _reach_embedded(field.annotation, f"{at}.attributes.{other or key}", revision)
            case Relationship(name=other):
                yield f"{at}.relationships.{other or relationship_name(key)}.data{'[]' if many else ''}.id"
            case Meta(path):
                yield from _reach_value(field.annotation, f"{at}.meta.{path}", revision)
            case Target():
                yield f"{at}.id"
            case Linkage():
                yield f"{at}{'[]' if many else ''}.id"
                for inner in models_in(field.annotation):
                    yield from _reach_resource(inner, f"{at}{'[]' if many else ''}", revision)
            case PathId() | Query() | AnswerOption() | Part():
                continue


def _reach_value(annotation: Any, at: str, revision: str) -> Iterator[str]:
    kind = bare_type(annotation)[0]
    if get_origin(kind) in _ARRAYS:
        yield from _reach_value(get_args(kind)[0], f"{at}[]", revision)
    elif isinstance(kind, type) and issubclass(kind, Arguments):
        for name, field in kind.model_fields.items():
            if (since_of(field) or "") > revision:
                continue
            key = field.alias or name
            match place_of(field):
                case Embedded(name=other):
                    yield from _reach_embedded(field.annotation, f"{at}.{other or key}", revision)
                case Attribute(path):
                    yield from _reach_value(field.annotation, f"{at}.{path}", revision)
                case _:
                    yield from _reach_value(field.annotation, f"{at}.{key}", revision)
    else:
        yield f"{at}.*" if (get_origin(kind) or kind) is dict or kind is Any else at


def _reach_embedded(annotation: Any, at: str, revision: str) -> Iterator[str]:
    kind = bare_type(annotation)[0]
    many = get_origin(kind) in _ARRAYS
    yield from _reach_resource(
        bare_type(get_args(kind)[0])[0] if many else kind, f"{at}.data{'[]' if many else ''}", revision
    )


def _is_list(annotation: Any) -> bool:
    return get_origin(bare_type(annotation)[0]) in _ARRAYS


def _success(operation: Operation, revision: str, body: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    codes = {code: response for code, response in body["responses"].items() if code.startswith("2")}
    speaks = any("content" in response for response in codes.values())
    if speaks and operation.answer is AnswerKind.NOTHING and operation.method != "DELETE":
        yield "answers with a body", True
    silent = operation.answer is AnswerKind.NOTHING or (operation.revisions.empty_success_since or "~") <= revision
    if not speaks and not silent:
        yield "answers without a body", True


def main(arguments: Sequence[str]) -> int:
    """Compare with each document named; 1 if a difference breaks, 2 if there is nothing to compare with."""
    if not arguments:
        print("usage: python -m klaviyo_tools.drift.check OPENAPI.json …", file=sys.stderr)  # noqa: T201
        return 2
    broken = False
    for name in arguments:
        try:
            document = Document(json.loads(Path(name).read_text()))
        except (OSError, ValueError, KeyError, AttributeError):
            print(f"{name} is not an OpenAPI document of Klaviyo's that can be read", file=sys.stderr)  # noqa: T201
            return 2
        differences = list(compare(document, registry()))
        for difference in differences:
            print(difference)  # noqa: T201
        broken = broken or any(difference.breaks for difference in differences)
        print(f"{name}: {len(differences)} differences, {sum(d.breaks for d in differences)} break")  # noqa: T201
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
