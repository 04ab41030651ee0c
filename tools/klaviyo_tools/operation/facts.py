"""The facts that an operation is declared with, in groups: reading, paging, job, limits, revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

OLDEST_REVISION = "2026-01-15"
ANY_REVISION = "9999"
"""Stands for every revision that was and will be."""
EMPTY_MAPPING: Mapping[str, Any] = MappingProxyType({})

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


class Effect(StrEnum):
    """How running an operation changes the account or reaches people."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    REACHES_PEOPLE = "reaches_people"
    IRREVERSIBLE = "irreversible"


class AnswerKind(StrEnum):
    """The kind of a successful answer."""

    COLLECTION = "collection"
    RECORD = "record"
    JOB = "job"
    REPORT = "report"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Rate:
    """Klaviyo's rate limit of an operation: requests per second, per minute and, where Klaviyo limits it, per day."""

    burst: int
    steady: int
    day: int | None = None

    def daily(self, limit: int) -> Rate:
        """The same limit with a limit per day."""
        return Rate(self.burst, self.steady, limit)


@dataclass(frozen=True, slots=True)
class RecordAddress:
    """The address `klaviyo://<type>/{id}` at which clients read one record.

    Attributes:
        description: What a person finds there.
        arguments: The arguments of the read, beside the id.
        completes_ids: Whether a client is offered the ids that there are. Ids of people, and of records of what people
            did, are too many, and are nobody's business while one types.
    """

    description: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    completes_ids: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """The filter that names a part of a collection, where Klaviyo answers one part at a time.

    Attributes:
        filter_field: The filter must say that it equals one of the values.
        values: All values: the whole collection is read in as many parts.
        report_names: A value as reports write it -> the value of the filter, where these differ.
    """

    filter_field: str
    values: tuple[str, ...]
    report_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """The arguments with which a caller chooses and shapes the records of an answer."""

    filter: Mapping[str, str] = field(default_factory=dict)
    """Filter field -> its operators, separated by spaces."""
    filter_required: tuple[str, ...] = ()
    """Filter fields of which a call must give one."""
    parts: Parts | None = None
    """The parts in which the collection is read; None where it is read whole."""
    sort: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    additional_fields: tuple[str, ...] = ()
    extra_fields: tuple[str, ...] = ()
    """Sparse fields that few operations answer, this one among them (`joined_group_at`)."""
    sparse_fieldsets: bool = False
    """Whether Klaviyo takes `fields[…]`."""
    ids_operation: str | None = None
    """Klaviyo's operation that answers only the ids of the same records: here the argument `ids_only`."""
    ids_unsupported_filters: tuple[str, ...] = ()
    """Filter fields that `ids_operation` does not take."""


@dataclass(frozen=True, slots=True)
class Paging:
    """How Klaviyo splits a collection into pages."""

    takes_cursor: bool = False
    """False where Klaviyo answers with all records at once."""
    cursor_parameter: str = "page[cursor]"
    max_page_size: int | None = None
    """The largest `page[size]`; None where Klaviyo does not take `page[size]`."""


@dataclass(frozen=True, slots=True)
class Job:
    """The reads that follow a job which an operation starts, by name."""

    read: str
    """Answers the job's record."""
    errors: str | None = None
    """Answers the failures, where the job's record does not hold them."""
    result: str | None = None
    """Answers the job's result."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often an operation may be called, and how much one call may carry."""

    rate: Rate
    lower_rates: Mapping[str, Rate] = field(default_factory=dict)
    """Value of `include` or `additional_fields` -> the lower limit of a call that gives it."""
    revised_rate: tuple[str, Rate] | None = None
    """The revision in which Klaviyo changed the limit, and the limit from then on."""
    max_members: int | None = None
    """The most members of a relationship in one call; None where Klaviyo names no limit."""
    max_body_bytes: int | None = None
    """The largest body of one call; None where Klaviyo names no limit."""
    max_item_bytes: Mapping[str, int] = field(default_factory=dict)
    """List argument -> the largest size of one item in it."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of Klaviyo's API in which an operation appeared and changed."""

    since: str = OLDEST_REVISION
    """The revision that brought the operation."""
    values_since: Mapping[str, str] = field(default_factory=dict)
    """Value of `include` or `additional_fields` that is younger than the operation -> its revision."""
    filters_since: Mapping[str, str] = field(default_factory=dict)
    """Filter field that is younger than the operation -> its revision."""
    page_size_since: str | None = None
    """The revision that brought `page[size]`, where that is younger than the operation."""
    empty_success_since: str | None = None
    """The revision from which on a success has no body, where it had one before."""
