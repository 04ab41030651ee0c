"""What an operation is, and the vocabulary in which an area declares its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, partial
from math import ceil
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, create_model, model_validator

from . import filters, jsonapi
from .arguments import (
    DEFAULT_RESULTS,
    UNLISTED,
    Arguments,
    ArgumentsError,
    Brief,
    CountBy,
    Cursor,
    Detail,
    FieldNames,
    FieldsOfOne,
    Id,
    IdsOnly,
    Linkage,
    MaxResults,
    Part,
    PathId,
    Query,
    Target,
    Varies,
    Wait,
    one_of,
    place_of,
)
from .request import JSON, Request, Service, Upload
from .resources import fields_at, resource

OLDEST_REVISION = "2026-01-15"
NEWEST = "9999"
"""Stands for every revision that was and will be."""
EMPTY: Mapping[str, Any] = MappingProxyType({})

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


class Effect(StrEnum):
    """What running an operation does to the account and to people."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    REACHES_PEOPLE = "reaches_people"
    IRREVERSIBLE = "irreversible"


class Answer(StrEnum):
    """What a success answers with."""

    COLLECTION = "collection"
    RECORD = "record"
    JOB = "job"
    REPORT = "report"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rate:
    """Klaviyo's limits: requests a second, a minute, and a day where it has one."""

    burst: int
    steady: int
    day: int | None = None

    def daily(self, limit: int) -> Rate:
        return Rate(self.burst, self.steady, limit)


# Klaviyo's classes of rate limits: https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling
XS, S, M, L, XL = Rate(1, 15), Rate(3, 60), Rate(10, 150), Rate(75, 750), Rate(350, 3500)


@dataclass(frozen=True, slots=True)
class Milder:
    """Values of an argument with which an operation has a lesser effect than it is declared with."""

    argument: str
    values: tuple[str, ...]
    effect: Effect


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of Klaviyo (or of Maton's connections), as everything else derives from it."""

    name: str
    area: Area
    method: Method
    path: str
    """Its parameters are named as the arguments: `/api/lists/{list_id}`."""
    resource: str
    """The resource type that a success answers with (or, with an empty success, that was acted on)."""
    purpose: str
    answer: Answer
    effect: Effect
    rate: Rate
    build: Callable[[Operation], type[Arguments]]
    body: str | None = None
    """The `type` of the document sent, None where no document is."""
    scopes: tuple[str, ...] = ()
    since: str = OLDEST_REVISION
    aliases: tuple[str, ...] = ()
    words: str = ""
    """Words people use for it that neither its name nor its purpose has."""
    filter: Mapping[str, str] = field(default_factory=dict)
    """Filter field -> its operators, space-separated."""
    filter_required: tuple[str, ...] = ()
    """Filter fields of which one must be given."""
    sort: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    additional_fields: tuple[str, ...] = ()
    extra_fields: tuple[str, ...] = ()
    """Sparse fields that only this operation and few others answer (`joined_group_at`)."""
    has_fields: bool = True
    """Whether it takes sparse fieldsets."""
    later: Mapping[str, str] = field(default_factory=dict)
    """Values of `include` and `additional_fields` that are younger than it -> their revision."""
    later_filter: Mapping[str, str] = field(default_factory=dict)
    """Filter fields that are younger than it -> their revision."""
    ids: str | None = None
    """Klaviyo's operation that answers only the ids of what this read answers: here its argument `ids_only`."""
    ids_without: tuple[str, ...] = ()
    """Filter fields that `ids` does not take."""
    page_size: int | None = None
    """The largest `page[size]`; None where Klaviyo takes none."""
    page_size_since: str | None = None
    paged: bool = False
    cursor: str = "page[cursor]"
    slower: Mapping[str, Rate] = field(default_factory=dict)
    """A value of `include` or `additional_fields` that, when asked for, lowers the limits."""
    milder: Milder | None = None
    job: str | None = None
    """The read that follows the job which this operation starts."""
    job_errors: str | None = None
    """The read of what failed in that job, where its record does not tell."""
    job_result: str | None = None
    """The read of what that job found."""
    look: str | None = None
    """The read that tells whether this write was applied, where it is not the plain read of the same path."""
    repeatable: bool = False
    """Whether this write is applied once however often it arrives."""
    most: int | None = None
    """The most members one call takes; None where Klaviyo names no limit."""
    most_bytes: int | None = None
    """The most bytes one call's body may have; None where Klaviyo names no limit."""
    most_bytes_each: Mapping[str, int] = field(default_factory=dict)
    """Likewise of one member of a list argument."""
    id_type: Any = None
    """The type of the ids in its path and of its members, where that is not the area's."""
    service: Service = Service.KLAVIYO
    constant: Mapping[str, str] = field(default_factory=dict)
    """What Maton's service is always sent: in the query of a GET, in the body of a POST."""
    revised_rate: tuple[str, Rate] | None = None
    """Where Klaviyo changed its limits: from which revision on, and to what."""
    silent_since: str | None = None
    """The revision from which on a success has no body, where one had before."""
    adapt: Callable[[JSON], JSON] | None = None
    """Brings an answer that is not JSON:API into its form."""
    _accepted: dict[str, Mapping[str, frozenset[str]]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def arguments(self) -> type[Arguments]:
        """The pydantic model of the arguments, built when first needed."""
        return self.build(self)

    @property
    def title(self) -> str:
        """The name as a person reads it: `Profiles for list`, `Create list`."""
        return self.name.removeprefix("get_").removeprefix("query_").replace("_", " ").capitalize()

    def effect_of(self, arguments: Arguments) -> Effect:
        """The effect with these arguments: setting a flow to draft reaches nobody, setting it live does."""
        if self.milder and getattr(arguments, self.milder.argument, None) in self.milder.values:
            return self.milder.effect
        return self.effect

    def rate_of(self, arguments: Arguments, revision: str = OLDEST_REVISION) -> Rate:
        """The limits with these arguments: some included or additional fields lower them."""
        asked = [*(getattr(arguments, "include", None) or ()), *(getattr(arguments, "additional_fields", None) or ())]
        slower = (self.slower[name] for name in asked if name in self.slower)
        return min(slower, default=self.usual_rate(revision), key=_strictness)

    def usual_rate(self, revision: str) -> Rate:
        """The limits whatever the arguments, at a revision."""
        return self.revised_rate[1] if self.revised_rate and self.revised_rate[0] <= revision else self.rate

    def at(self, names: Iterable[str], revision: str) -> tuple[str, ...]:
        """Those of some values of `include` or `additional_fields` that a revision takes."""
        return tuple(name for name in names if self.later.get(name, "") <= revision)

    def filter_at(self, revision: str) -> dict[str, str]:
        """The filter fields that a revision takes, with their operators."""
        return {
            name: operators for name, operators in self.filter.items() if self.later_filter.get(name, "") <= revision
        }

    @property
    def ids_path(self) -> str:
        """The path of `ids`: that of the related records, as a relationship."""
        parent, _, last = self.path.rpartition("/")
        return f"{parent}/relationships/{last}"

    def accepted_fields(self, revision: str = OLDEST_REVISION) -> Mapping[str, frozenset[str]]:
        """Resource type -> the sparse fields that this operation answers, included types among them."""
        if not self.has_fields:
            return {}
        if (known := self._accepted.get(revision)) is not None:
            return known
        primary = resource(self.resource)
        accepted = {}
        additional = self.at(self.additional_fields, revision)
        for kind in {primary.type, *(primary.relationships[name] for name in self.at(self.include, revision))}:
            offered = {*additional, *self.extra_fields} if kind == primary.type else set()
            hidden = [name for name in ADDITIONAL_FIELDS.get(kind, ()) if name not in offered]
            if fields := fields_at(kind, revision):
                accepted[kind] = frozenset(f for f in fields if f.split(".")[0] not in hidden)
        self._accepted[revision] = accepted
        return accepted

    def weigh(self, arguments: Arguments) -> None:
        """Raises ArgumentsError where the body is larger than Klaviyo takes, with how to split it."""
        if self.most_bytes is None:
            return
        size = _bytes(self.request(arguments).body)
        lists = {n: v for n, v, _ in jsonapi.given(arguments) if isinstance(v, list)}
        for name, most in self.most_bytes_each.items():
            if size > most:
                for place, member in enumerate(lists.get(name, ())):
                    if (heavy := _bytes(jsonapi.plain(member))) > most:
                        raise ArgumentsError(f"{name}.{place} is {heavy:,} bytes of JSON, and one may have {most:,}")
        if size <= self.most_bytes:
            return
        text = f"the body is {size:,} bytes of JSON, and Klaviyo takes {self.most_bytes:,} in a call"
        name, members = max(lists.items(), key=lambda item: len(item[1]), default=("", []))
        if len(members) < 2:
            raise ArgumentsError(f"{text}: shorten it")
        parts = min(ceil(size / self.most_bytes * 1.1), len(members))
        each = ceil(len(members) / parts)
        raise ArgumentsError(f"{text}: make {parts} calls, each with about {each:,} of the {len(members):,} {name}")

    def request(self, arguments: Arguments, query: Mapping[str, str] | None = None) -> Request:
        """The HTTP request for these arguments; `query` adds what paging and sparse fieldsets ask for."""
        path_ids, parameters, parts = {}, {}, {}
        for name, value, place in jsonapi.given(arguments):
            match place:
                case PathId():
                    path_ids[name] = quote(value, safe="")
                case Query(key):
                    parameters[key] = ",".join(value) if isinstance(value, list) else str(value)
                case Part(key):
                    parts[key] = value
        body: JSON = parts or None
        if self.body is not None:
            target = getattr(arguments, self.path_ids[-1]) if self.method == "PATCH" and self.path_ids else None
            body = jsonapi.document(self.body, arguments, target)
        elif self.constant and self.method == "POST":
            body = dict(self.constant)
        elif self.constant:
            parameters = {**self.constant, **parameters}
        upload = parts.pop("file", None)
        return Request(
            self.method,
            (self.ids_path if getattr(arguments, "ids_only", False) else self.path).format(**path_ids),
            {**parameters, **(query or {})},
            body,
            self.service,
            upload if isinstance(upload, Upload) else None,
        )

    @cached_property
    def id_argument(self) -> str | None:
        """The argument that holds the id which Klaviyo's errors speak of: the path's last, or the body's target."""
        if self.path_ids:
            return self.path_ids[-1]
        targets = (n for n, f in self.arguments.model_fields.items() if isinstance(place_of(f), Target))
        return next(targets, None)

    @cached_property
    def path_ids(self) -> list[str]:
        """The names of the path's parameters, in order."""
        return re.findall(r"\{(\w+)\}", self.path)


ADDITIONAL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "profile": ("subscriptions", "predictive_analytics", "joined_group_at"),
    "list": ("profile_count",),
    "segment": ("profile_count",),
    "flow": ("definition",),
    "form": ("definition",),
    "template": ("definition",),
    "object-type": ("meta",),
    "object-schema": ("meta",),
}
"""Sparse fields that a type answers only where an operation offers them."""


def _bytes(body: JSON) -> int:
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str).encode())


def _strictness(rate: Rate) -> float:
    return rate.steady


class Area:
    """One area of Klaviyo's API: its operations in the order of their declaration."""

    def __init__(self, name: str, *, scope: str | None = None, words: str = "", id_type: Any = Id) -> None:
        self.name = name
        self.scope = scope or name.replace("_", "-")
        self.words = words
        self.id_type = id_type
        self.operations: dict[str, Operation] = {}

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations.values())

    def collection(
        self, name: str, path: str, type_: str, purpose: str, *, rate: Rate, paged: bool = True, **facts: Any
    ) -> Operation:
        """A GET that answers many: `filter`, `sort`, `include`, `additional_fields`, `page_size` are its facts."""
        paged = paged or "page_size" in facts
        return self._declare(
            name, "GET", path, type_, purpose, Answer.COLLECTION, _reading, rate=rate, paged=paged, **facts
        )

    def record(self, name: str, path: str, type_: str, purpose: str, *, rate: Rate, **facts: Any) -> Operation:
        """A GET that answers one."""
        return self._declare(name, "GET", path, type_, purpose, Answer.RECORD, _reading, rate=rate, **facts)

    def create(
        self,
        name: str,
        path: str,
        type_: str,
        attributes: type[Arguments],
        purpose: str,
        *,
        rate: Rate,
        answer: Answer = Answer.RECORD,
        **facts: Any,
    ) -> Operation:
        """A POST of a document. `body` names its type where that is not the answer's."""
        build = partial(_writing, attributes)
        facts.setdefault("body", type_)
        return self._declare(name, "POST", path, type_, purpose, answer, build, rate=rate, **facts)

    def update(
        self,
        name: str,
        path: str,
        type_: str,
        attributes: type[Arguments],
        purpose: str,
        *,
        rate: Rate,
        answer: Answer = Answer.RECORD,
        **facts: Any,
    ) -> Operation:
        """A PATCH of the record in the path; only what is given changes, and something must."""
        build = partial(_changing, attributes)
        return self._declare(name, "PATCH", path, type_, purpose, answer, build, rate=rate, body=type_, **facts)

    def delete(
        self,
        name: str,
        path: str,
        type_: str,
        purpose: str,
        *,
        rate: Rate,
        effect: Effect = Effect.DELETE,
        **facts: Any,
    ) -> Operation:
        """A DELETE of the record in the path."""
        build = partial(_writing, Arguments)
        return self._declare(
            name, "DELETE", path, type_, purpose, Answer.NOTHING, build, rate=rate, effect=effect, **facts
        )

    def relate(
        self,
        name: str,
        path: str,
        target: str,
        purpose: str,
        *,
        rate: Rate,
        most: int | None = None,
        method: Method = "POST",
        **facts: Any,
    ) -> Operation:
        """Adds (POST), takes away (DELETE) or replaces (PATCH) members of a to-many relationship."""
        build = partial(_relating, target)
        return self._declare(
            name, method, path, target, purpose, Answer.NOTHING, build, rate=rate, body=target, most=most, **facts
        )

    def job(
        self, name: str, path: str, type_: str, attributes: type[Arguments], purpose: str, *, rate: Rate, **facts: Any
    ) -> Operation:
        """A POST that starts work in the background; `job` names the read that follows it, where there is one."""
        facts.setdefault("answer", Answer.JOB if facts.get("job") else Answer.NOTHING)
        return self.create(name, path, type_, attributes, purpose, rate=rate, **facts)

    def query(
        self, name: str, path: str, type_: str, attributes: type[Arguments], purpose: str, *, rate: Rate, **facts: Any
    ) -> Operation:
        """A read by POST: a report, an aggregate, a rendering."""
        answer = facts.pop("answer", Answer.REPORT)
        return self.create(
            name, path, type_, attributes, purpose, rate=rate, answer=answer, effect=Effect.READ, **facts
        )

    def custom(self, name: str, method: Method, path: str, type_: str, purpose: str, **facts: Any) -> Operation:
        """An operation that no other word of this vocabulary fits; `attributes` is its own model."""
        build = partial(_writing, facts.pop("attributes", Arguments))
        return self._declare(name, method, path, type_, purpose, facts.pop("answer"), build, **facts)

    def _declare(
        self,
        name: str,
        method: Method,
        path: str,
        type_: str,
        purpose: str,
        answer: Answer,
        build: Callable[[Operation], type[Arguments]],
        *,
        effect: Effect | None = None,
        scopes: str | None = None,
        aliases: str = "",
        **facts: Any,
    ) -> Operation:
        effect = effect or (Effect.READ if method == "GET" else Effect.WRITE)
        right = "read" if effect is Effect.READ else "write"
        if name in self.operations:
            raise ValueError(f"{name} is declared twice")
        operation = Operation(
            name,
            self,
            method,
            path,
            type_,
            purpose,
            answer,
            effect,
            build=build,
            scopes=(f"{self.scope}:{right}",) if scopes is None else tuple(scopes.split()),
            aliases=tuple(aliases.split()),
            has_fields=facts.pop("has_fields", answer in (Answer.COLLECTION, Answer.RECORD) and method == "GET"),
            **facts,
        )
        self.operations[name] = operation
        return operation


# Models of arguments, built from the declaration.


def _reading(operation: Operation) -> type[Arguments]:
    fields: dict[str, Any] = _ids(operation)
    if operation.filter:
        fields["filter"] = _filter(operation)
    if operation.sort:
        fields["sort"] = _sort(operation.sort, operation.filter)
    if operation.has_fields:
        kind: Any = FieldNames if operation.answer is Answer.COLLECTION else FieldsOfOne
        fields["fields"] = (kind | None, None)
    if operation.include:
        fields["include"] = _names("include", operation.include, operation)
    fields.update(_additional(operation))
    if operation.ids:
        fields["ids_only"] = (IdsOnly | None, None)
    if operation.answer is Answer.COLLECTION:
        if operation.paged:
            fields["max_results"] = (MaxResults, DEFAULT_RESULTS)
            fields["cursor"] = (Cursor | None, None)
        fields["count_by"] = (CountBy | None, None)
        fields["detail"] = (Detail, "summary")
    return _model(operation, Arguments, fields, validators=_ids_alone(operation) if operation.ids else {})


_SHAPING = ("fields", "include", "additional_fields", "count_by")
"""Arguments that shape records, and say nothing of ids."""


def _ids_alone(operation: Operation) -> dict[str, Any]:
    """Refuses, beside `ids_only`, what a read of ids does not take."""

    def alone(arguments: Arguments) -> Arguments:
        if getattr(arguments, "ids_only", False):
            if beside := [name for name in _SHAPING if getattr(arguments, name, None)]:
                raise ValueError(f"ids_only answers ids and nothing else: leave out {' and '.join(beside)}")
            if operation.ids_without and (given := getattr(arguments, "filter", None)):
                taken = {f: o for f, o in operation.filter.items() if f not in operation.ids_without}
                filters.accept(given, taken)
        return arguments

    return {"ids_alone": model_validator(mode="after")(alone)}


def _writing(attributes: type[Arguments], operation: Operation) -> type[Arguments]:
    waiting = {"wait": (Wait | None, None)} if operation.job else {}
    return _model(operation, attributes, _ids(operation), _additional(operation), waiting)


def _changing(attributes: type[Arguments], operation: Operation) -> type[Arguments]:
    """As `_writing`, and a call that would change nothing is refused."""
    if any(field.is_required() for field in attributes.model_fields.values()):
        return _writing(attributes, operation)
    names = {name: field.alias or name for name, field in attributes.model_fields.items()}

    def changes(arguments: Arguments) -> Arguments:
        if not arguments.model_fields_set & names.keys():
            raise ValueError(f"nothing to change: give at least one of {', '.join(names.values())}")
        return arguments

    checks: dict[str, Any] = {"changes": model_validator(mode="after")(changes)}
    return _writing(create_model(attributes.__name__, __base__=attributes, __validators__=checks), operation)


def _relating(target: str, operation: Operation) -> type[Arguments]:
    # Only a replacement can do something with no members: it takes all away.
    length = Field(min_length=0 if operation.method == "PATCH" else 1, max_length=operation.most)
    kind = _id_type(operation)
    members = Annotated[list[kind], length, Linkage(target)]  # type: ignore[valid-type]
    return _model(operation, Arguments, {**_ids(operation), f"{target.replace('-', '_')}_ids": (members, ...)})


def _model(
    operation: Operation, base: type[Arguments], *fields: Mapping[str, Any], validators: Mapping[str, Any] = EMPTY
) -> type[Arguments]:
    name = "".join(part.capitalize() for part in operation.name.split("_"))
    added = {name: kind for some in fields for name, kind in some.items()}
    return create_model(name, __base__=base, __validators__=dict(validators), **added)


def _ids(operation: Operation) -> dict[str, Any]:
    return {name: (Annotated[_id_type(operation), PathId()], ...) for name in operation.path_ids}


def _id_type(operation: Operation) -> Any:
    return operation.id_type or operation.area.id_type


_DEEP = 3
"""Dots in the name of a filter field that few calls need."""


def _filter(operation: Operation) -> tuple[Any, Any]:
    def accept(given: object) -> object:
        if isinstance(given, int | float):
            given = str(given)  # it would become one unread
        if not isinstance(given, str | list | dict):
            return given
        return filters.accept(given, operation.filter, required=operation.filter_required)

    def describe(revision: str) -> str:
        text = filters.describe(operation.filter_at(revision))
        return f"Required: {' or '.join(operation.filter_required)}. {text}" if operation.filter_required else text

    as_text = WithJsonSchema({"type": "string", "description": describe(NEWEST)})
    varies = Varies(operation.later_filter, describe, filters.fields_in)
    usual = {name: operators for name, operators in operation.filter.items() if name.count(".") < _DEEP}
    rare = [Brief(f"{filters.describe(usual)}; more: describe_tool")] if len(usual) < len(operation.filter) else []
    kind = Annotated[(str, BeforeValidator(accept), as_text, Query("filter"), varies, *rare)]
    if not operation.filter_required:
        return (kind | None, None)
    name = operation.filter_required[0]
    example = f'equals({name},"{"email" if name.endswith("channel") else "…"}")'
    return (Annotated[kind, Field(examples=[example])], ...)


def _sort(names: Sequence[str], filtered: Iterable[str]) -> tuple[Any, Any]:
    def known(given: str) -> str:
        field, minus = given.lstrip("-"), given.startswith("-")
        return ("-" if minus else "") + one_of(field, names)

    text = f"{', '.join(names)}; -{names[0]} descends"
    # Where the filter names them all, the list of tools need not name them again.
    brief = Brief("" if set(names) <= set(filtered) else filters.folded(names))
    return (Annotated[str, AfterValidator(known), Field(description=text), Query("sort"), brief] | None, None)


def _names(query: str, allowed: Sequence[str], operation: Operation) -> tuple[Any, Any]:
    def known(given: list[str]) -> list[str]:
        return list(dict.fromkeys(one_of(name, allowed) for name in given))

    def describe(revision: str) -> str:
        return ", ".join(operation.at(allowed, revision))

    varies = Varies({name: operation.later[name] for name in allowed if name in operation.later}, describe)
    text = Field(description=describe(NEWEST))
    listed = Brief(names=True)
    return (Annotated[list[str], AfterValidator(known), text, Query(query), varies, listed] | None, None)


def _additional(operation: Operation) -> dict[str, Any]:
    if not operation.additional_fields:
        return {}
    query = f"additional-fields[{operation.resource}]"
    kind, default = _names(query, operation.additional_fields, operation)
    # After a write they are rarely wanted: a read gives them as well.
    return {"additional_fields": (kind if operation.method == "GET" else Annotated[kind, UNLISTED], default)}
