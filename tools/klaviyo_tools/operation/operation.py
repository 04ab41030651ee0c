"""What an operation is: all that schemas, requests, limits and answers derive from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import Part, PathId, Query, Target, place_of
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi import documents
from klaviyo_tools.operation.request import JSON, Request, Service, Upload
from klaviyo_tools.resource_types import fields_at, resource_type

if TYPE_CHECKING:
    from klaviyo_tools.operation.area import Area

OLDEST_REVISION = "2026-01-15"
ANY_REVISION = "9999"
"""Stands for every revision that was and will be."""
EMPTY_MAPPING: Mapping[str, Any] = MappingProxyType({})

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


@dataclass(frozen=True, slots=True)
class LesserEffect:
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
    lesser_effect: LesserEffect | None = None
    job: str | None = None
    """The read that follows the job which this operation starts."""
    job_errors: str | None = None
    """The read of what failed in that job, where its record does not tell."""
    job_result: str | None = None
    """The read of what that job found."""
    verify_with: str | None = None
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
        if self.lesser_effect and getattr(arguments, self.lesser_effect.argument, None) in self.lesser_effect.values:
            return self.lesser_effect.effect
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
        primary = resource_type(self.resource)
        accepted = {}
        additional = self.at(self.additional_fields, revision)
        for kind in {primary.type, *(primary.relationships[name] for name in self.at(self.include, revision))}:
            offered = {*additional, *self.extra_fields} if kind == primary.type else set()
            hidden = [name for name in ADDITIONAL_FIELDS.get(kind, ()) if name not in offered]
            if fields := fields_at(kind, revision):
                accepted[kind] = frozenset(f for f in fields if f.split(".")[0] not in hidden)
        self._accepted[revision] = accepted
        return accepted

    def check_size(self, arguments: Arguments) -> None:
        """Raises ArgumentsError where the body is larger than Klaviyo takes, with how to split it."""
        if self.most_bytes is None:
            return
        size = _bytes(self.request(arguments).body)
        lists = {n: v for n, v, _ in documents.given_arguments(arguments) if isinstance(v, list)}
        for name, most in self.most_bytes_each.items():
            if size > most:
                for place, member in enumerate(lists.get(name, ())):
                    if (heavy := _bytes(documents.plain_value(member))) > most:
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
        for name, value, place in documents.given_arguments(arguments):
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
            body = documents.build_document(self.body, arguments, target)
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
