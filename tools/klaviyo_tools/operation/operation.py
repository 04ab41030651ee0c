"""An operation: the declaration from which schema, request, limits and answer are derived."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import Any
from urllib.parse import quote

from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import Part, PathId, Query, Target, place_of
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi import documents
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.operation.facts import (
    OLDEST_REVISION,
    AnswerKind,
    Effect,
    Job,
    Limits,
    Method,
    Paging,
    Rate,
    Reading,
    RecordAddress,
    Revisions,
)
from klaviyo_tools.operation.preview import Preview, PreviewKind
from klaviyo_tools.operation.report import Report
from klaviyo_tools.operation.request import Request, Service, Upload


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation of Klaviyo's, or of Maton's connections."""

    name: str
    area: str
    """The name of the area that declares it."""
    method: Method
    path: str
    """Its parameters are named as the arguments: `/api/lists/{list_id}`."""
    resource: str
    """The resource type that a success answers with (or, with an empty success, that was acted on)."""
    purpose: str
    answer: AnswerKind
    effect: Effect
    build: Callable[[Operation], type[Arguments]]
    """Builds the model of the arguments."""
    reading: Reading
    paging: Paging
    limits: Limits
    revisions: Revisions
    id_type: Any
    """The type of the ids in its path and of its members."""
    job: Job | None = None
    body_type: str | None = None
    """The `type` of the document in the request's body; None where the body is no document."""
    scopes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Names under which other versions of Klaviyo's API and its libraries know the operation."""
    report: Report | None = None
    """The statistics and groupings of a report; None where the operation is no report."""
    address: RecordAddress | None = None
    """The address at which clients read such a record; None where they cannot."""
    verify_with: str | None = None
    """The read that shows whether this write was applied, where that is not the read of the same path."""
    preview: Preview | PreviewKind | None = None
    """The preview that a person reads before they agree; None shows the arguments and the record in the path."""
    idempotent: bool = False
    """Whether Klaviyo applies this write once however often it arrives."""
    service: Service = Service.KLAVIYO
    fixed_parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters that every request to Maton carries: in the query of a GET, in the body of a POST."""
    to_json_api: Callable[[JSON], JSON] | None = None
    """Turns an answer that is not JSON:API into a JSON:API document."""

    @cached_property
    def arguments(self) -> type[Arguments]:
        """The pydantic model of the arguments, built when first needed."""
        return self.build(self)

    @property
    def title(self) -> str:
        """The name as a person reads it: `Profiles for list`, `Create list`."""
        return self.name.removeprefix("get_").removeprefix("query_").replace("_", " ").capitalize()

    def rate_of(self, arguments: Arguments, revision: str = OLDEST_REVISION) -> Rate:
        """The limits with these arguments: some included or additional fields lower them."""
        values = [*(getattr(arguments, "include", None) or ()), *(getattr(arguments, "additional_fields", None) or ())]
        lower = (self.limits.lower_rates[value] for value in values if value in self.limits.lower_rates)
        return min(lower, default=self.usual_rate(revision), key=_strictness)

    def usual_rate(self, revision: str) -> Rate:
        """The limits at a revision, without what the arguments of a call lower."""
        revised = self.limits.revised_rate
        return revised[1] if revised and revised[0] <= revision else self.limits.rate

    def values_at(self, names: Iterable[str], revision: str) -> tuple[str, ...]:
        """The values, of `include` or `additional_fields`, that a revision takes."""
        return tuple(name for name in names if self.revisions.values_since.get(name, "") <= revision)

    def filter_at(self, revision: str) -> dict[str, str]:
        """The filter fields that a revision takes, with their operators."""
        since = self.revisions.filters_since
        return {name: operators for name, operators in self.reading.filter.items() if since.get(name, "") <= revision}

    def page_size_at(self, revision: str) -> int | None:
        """The largest `page[size]` that a revision takes; None where it does not take `page[size]`."""
        return self.paging.max_page_size if (self.revisions.page_size_since or "") <= revision else None

    def page_query(self, cursor: str | None, size: int | None) -> dict[str, str]:
        """The query parameters that ask for one page."""
        query = {self.paging.cursor_parameter: cursor, "page[size]": str(size) if size else None}
        return {name: value for name, value in query.items() if value}

    @property
    def ids_path(self) -> str:
        """The path of `ids_operation`: that of the related records, as a relationship."""
        parent, _, last = self.path.rpartition("/")
        return f"{parent}/relationships/{last}"

    def check_size(self, arguments: Arguments) -> None:
        """Raises ArgumentsError where the body is larger than Klaviyo takes; the error says how to split the call."""
        if self.limits.max_body_bytes is None:
            return
        limit, size = self.limits.max_body_bytes, _json_bytes(self.request(arguments).body)
        lists = {name: value for name, value, _ in documents.argument_values(arguments) if isinstance(value, list)}
        for name, item_limit in self.limits.max_item_bytes.items():
            if size > item_limit:
                _check_items(name, lists.get(name, []), item_limit)
        if size <= limit:
            return
        text = f"the body is {size:,} bytes of JSON, and Klaviyo takes {limit:,} in a call"
        name, items = max(lists.items(), key=lambda entry: len(entry[1]), default=("", []))
        if len(items) < 2:
            raise ArgumentsError(f"{text}: shorten it")
        calls = min(ceil(size / limit * _SPLIT_MARGIN), len(items))
        each = ceil(len(items) / calls)
        raise ArgumentsError(f"{text}: make {calls} calls, each with about {each:,} of the {len(items):,} {name}")

    def request(self, arguments: Arguments, query: Mapping[str, str] | None = None) -> Request:
        """The HTTP request for these arguments; `query` adds the parameters of paging and of sparse fieldsets."""
        path_ids, parameters, parts = {}, {}, {}
        for name, value, place in documents.argument_values(arguments):
            match place:
                case PathId():
                    path_ids[name] = quote(value, safe="")
                case Query(key):
                    parameters[key] = ",".join(value) if isinstance(value, list) else str(value)
                case Part(key):
                    parts[key] = value
        body: JSON = parts or None
        if self.body_type is not None:
            target = getattr(arguments, self.path_ids[-1]) if self.method == "PATCH" and self.path_ids else None
            body = documents.build_document(self.body_type, arguments, target)
        elif self.fixed_parameters and self.method == "POST":
            body = dict(self.fixed_parameters)
        elif self.fixed_parameters:
            parameters = {**self.fixed_parameters, **parameters}
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
        """The argument with the id that Klaviyo's errors mean: the last one in the path, or the target in the body."""
        if self.path_ids:
            return self.path_ids[-1]
        targets = (n for n, f in self.arguments.model_fields.items() if isinstance(place_of(f), Target))
        return next(targets, None)

    @cached_property
    def path_ids(self) -> list[str]:
        """The names of the path's parameters, in order."""
        return re.findall(r"\{(\w+)\}", self.path)


_SPLIT_MARGIN = 1.1
"""Items differ in size: an even split leaves this much room in each call."""


def _check_items(argument: str, items: list[Any], limit: int) -> None:
    for number, item in enumerate(items):
        if (size := _json_bytes(documents.plain_value(item))) > limit:
            raise ArgumentsError(f"{argument}.{number} is {size:,} bytes of JSON, and one may have {limit:,}")


def _json_bytes(value: JSON) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode())


def _strictness(rate: Rate) -> float:
    return rate.steady
