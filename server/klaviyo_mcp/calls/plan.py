"""Stage 3 of a call: decide everything that its requests and its answer need. Nothing changes a plan afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from klaviyo_mcp.answers import counts, cursors, pages
from klaviyo_mcp.answers import view as fieldsets
from klaviyo_mcp.answers.cursors import CursorError, Position
from klaviyo_mcp.answers.pages import MAX_RESULTS
from klaviyo_mcp.answers.view import FieldError, View
from klaviyo_mcp.calls.authorize import Authorized
from klaviyo_mcp.calls.prepare import not_sent
from klaviyo_tools.arguments.replacements import TextChange
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.jsonapi.records import EMPTY
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import resource_type
from klaviyo_tools.resource_types import ResourceType


@dataclass(frozen=True, slots=True)
class CollectionPlan:
    """How a collection is read.

    Attributes:
        start: Where the cursor of the call goes on, or the beginning.
        fingerprint: Digest of all that must stay the same for a cursor to go on: ids, filter, sort.
        page_size: The page size to ask for; None where Klaviyo takes none.
        max_results: The most records that the answer shows; None where it counts.
        count_by: The path whose values are counted in place of showing records.
    """

    start: Position
    fingerprint: bytes
    page_size: int | None
    max_results: int | None
    count_by: str | None

    def cursor(self, position: Position) -> str:
        """The cursor text with which a later call goes on at a position."""
        return cursors.encode_cursor(position, self.fingerprint)


@dataclass(frozen=True, slots=True)
class RecordEdit:
    """An update that the stored record takes part in.

    Attributes:
        stored: The attributes of the record as they were read directly before the update.
        sent_attributes: The attributes that the update sends.
        text_changes: What its replacements do to each text.
    """

    stored: Mapping[str, Any]
    sent_attributes: Mapping[str, Any]
    text_changes: Sequence[TextChange] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A call, ready to be sent.

    Attributes:
        operation: The operation to run.
        arguments: As they are sent: what the view shows is included.
        deadline: When the call must have ended, on the event loop's clock.
        kind: The kind of the answer at this revision.
        resource: The type of the records in the answer.
        view: What of each record is shown.
        query: Parameters beside those of the arguments: the sparse fieldsets.
        collection: How a collection is read; None for every other kind of answer.
        connection: Id of the Maton connection that every request names; None where the call changes nothing.
        edit: The record as it was read for this update, and what is sent so that it keeps the rest; None where the
            arguments alone say what is sent.
    """

    operation: Operation
    arguments: Arguments
    deadline: float
    kind: AnswerKind
    resource: ResourceType
    view: View
    query: Mapping[str, str]
    collection: CollectionPlan | None = None
    connection: str | None = None
    edit: RecordEdit | None = None


def plan_call(call: Authorized, *, revision: str, hide: bool) -> Plan:
    """The plan of an authorized call. `hide` leaves out what strangers write.

    Raises:
        ArgumentError: A field is unknown, or the cursor belongs to another call; nothing was sent.
    """
    operation, arguments = call.operation, call.arguments
    kind = AnswerKind.NOTHING if (operation.revisions.empty_success_since or "~") <= revision else operation.answer
    resource = resource_type(operation.resource)
    if kind not in (AnswerKind.COLLECTION, AnswerKind.RECORD):
        view = View(hide=hide)
        return Plan(operation, arguments, call.deadline, kind, resource, view, EMPTY, connection=call.connection)
    sparse_fields = {} if _argument(arguments, "ids_only") else accepted_fields(operation, revision)
    try:
        view = _view(operation, arguments, kind, sparse_fields, revision, hide)
        collection = _plan_collection(operation, arguments, revision) if kind is AnswerKind.COLLECTION else None
        # One record is shown whole unless fields were named: a model cannot ask for an attribute it has never seen.
        query = _sparse_fieldsets(operation, view, revision) if sparse_fields and (collection or view.fields) else EMPTY
    except (FieldError, CursorError) as error:
        raise not_sent(operation, error) from None
    shown = _with_view(arguments, view)
    return Plan(operation, shown, call.deadline, kind, resource, view, query, collection, call.connection)


def _view(
    operation: Operation,
    arguments: Arguments,
    kind: AnswerKind,
    sparse_fields: Mapping[str, frozenset[str]],
    revision: str,
    hide: bool,
) -> View:
    """The view of a call. A field of a related record includes that record; an additional field is requested."""
    resource = resource_type(operation.resource)
    count_by = _argument(arguments, "count_by")
    names: Sequence[str] = (counts.parse_count_by(count_by)[0],) if count_by else _argument(arguments, "fields") or ()
    fields = fieldsets.choose_fields(resource, names, sparse_fields, resource_type)
    includable = operation.values_at(operation.reading.include, revision)
    include = dict.fromkeys(_argument(arguments, "include") or ())
    for name in fieldsets.needed_includes(resource, fields):
        if name not in includable:
            raise FieldError(f"{operation.name} cannot include {name}")
        include[name] = None
    if kind is AnswerKind.COLLECTION and not _argument(arguments, "ids_only"):
        default = (name for name in resource.default_includes if not fields or name in fields)
        include |= dict.fromkeys(name for name in default if name in includable)
    additional = dict.fromkeys(_argument(arguments, "additional_fields") or ())
    available = operation.values_at(operation.reading.additional_fields, revision)
    additional |= dict.fromkeys(fieldsets.needed_additional_fields(fields, available))
    detail: Literal["summary", "full"] = _argument(arguments, "detail") or "summary"
    return View(fields, tuple(include), detail, tuple(additional), hide)


def _with_view(arguments: Arguments, view: View) -> Arguments:
    """The arguments with what the view includes, where the operation takes that."""
    values = {"include": list(view.include), "additional_fields": list(view.additional)}
    fields = type(arguments).model_fields
    update = {name: names for name, names in values.items() if names and name in fields}
    return arguments.model_copy(update=update) if update else arguments


def _plan_collection(operation: Operation, arguments: Arguments, revision: str) -> CollectionPlan:
    ids = {name: getattr(arguments, name) for name in operation.path_ids}
    fixed = {name: value for name in ("filter", "sort", "ids_only") if (value := _argument(arguments, name))}
    fingerprint = cursors.fingerprint({"operation": operation.name, **ids, **fixed})
    cursor = _argument(arguments, "cursor")
    start = cursors.decode_cursor(cursor, fingerprint) if cursor else cursors.START
    count_by, largest = _argument(arguments, "count_by"), operation.page_size_at(revision)
    max_results = None if count_by else min(_argument(arguments, "max_results") or MAX_RESULTS, MAX_RESULTS)
    # A count reads everything: the largest pages are the fewest requests.
    size = pages.page_size(max_results, largest) if max_results else largest
    return CollectionPlan(start, fingerprint, size, max_results, count_by)


@lru_cache(512)
def _sparse_fieldsets(operation: Operation, view: View, revision: str) -> Mapping[str, str]:
    """The sparse fieldsets of a view, which most calls of an operation share."""
    accepted = accepted_fields(operation, revision)
    return fieldsets.sparse_fieldsets(resource_type(operation.resource), view, accepted, resource_type)


def _argument(arguments: Arguments, name: str) -> Any:
    return getattr(arguments, name, None)
