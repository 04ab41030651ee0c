"""The keywords of `Area`'s methods: the facts that each kind of declaration takes.

`facts` says what each of them means; a test holds the names of the two to be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.operation.facts import Effect, Parts, Rate, RecordAddress
from klaviyo_tools.operation.preview import Preview, PreviewKind
from klaviyo_tools.operation.report import Report
from klaviyo_tools.operation.request import Service


class OperationFacts(TypedDict, total=False):
    """Facts of every operation."""

    scopes: str
    """Separated by spaces; by default the area's scope with `read` or `write`."""
    aliases: str
    """Other names of the operation, separated by spaces."""
    since: str
    id_type: Any
    service: Service


class RecordFacts(OperationFacts, total=False):
    """Facts of a GET that answers one record."""

    include: tuple[str, ...]
    additional_fields: tuple[str, ...]
    extra_fields: tuple[str, ...]
    sparse_fieldsets: bool
    values_since: Mapping[str, str]
    ids_operation: str
    lower_rates: Mapping[str, Rate]
    revised_rate: tuple[str, Rate] | None
    to_json_api: Callable[[JSON], JSON]
    address: RecordAddress


class CollectionFacts(RecordFacts, total=False):
    """Facts of a GET that answers many records."""

    filter: Mapping[str, str]
    filter_required: tuple[str, ...]
    parts: Parts
    filters_since: Mapping[str, str]
    sort: tuple[str, ...]
    ids_unsupported_filters: tuple[str, ...]
    max_page_size: int
    page_size_since: str


class WriteFacts(OperationFacts, total=False):
    """Facts of a write."""

    effect: Effect
    additional_fields: tuple[str, ...]
    values_since: Mapping[str, str]
    verify_with: str
    preview: Preview | PreviewKind
    idempotent: bool
    max_body_bytes: int
    max_item_bytes: Mapping[str, int]
    empty_success_since: str


class CreateFacts(WriteFacts, total=False):
    """Facts of a POST of a document."""

    body_type: str


class JobFacts(CreateFacts, total=False):
    """Facts of a POST that starts a job."""

    job: str
    job_errors: str
    job_result: str


class QueryFacts(OperationFacts, total=False):
    """Facts of a read by POST."""

    cursor_parameter: str
    report: Report


class CustomFacts(CollectionFacts, JobFacts, total=False):
    """Facts of an operation of any kind."""

    attributes: type[Arguments]
    cursor_parameter: str
    report: Report
    fixed_parameters: Mapping[str, str]
    max_members: int | None
