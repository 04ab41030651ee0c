"""Updates that lose nothing: the record is read directly before, sent with what the call leaves out, compared after.

`klaviyo_tools.operation.edits` decides what is sent; `klaviyo_tools.nested_objects` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

import anyio

from klaviyo_mcp.account.reads import AccountReads
from klaviyo_mcp.answers.values import cell, is_empty
from klaviyo_mcp.answers.view import overlaps
from klaviyo_mcp.answers.wording import quote
from klaviyo_mcp.calls.plan import Plan, RecordEdit
from klaviyo_mcp.errors import NotFoundError
from klaviyo_tools.jsonapi.records import EMPTY, Record
from klaviyo_tools.operation import edits
from klaviyo_tools.operation.request import Request
from klaviyo_tools.registry import resource_type

MAX_CHANGES_SHOWN = 5
"""Changes by somebody else that an answer names."""
_VALUE_CHARACTERS = 80
_MAX_TEXT_CHARACTERS = 400
_MAX_DEPTH = 4


class RecordLocks:
    """Lets one update of a record run at a time: two that each send an object whole would undo each other."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str | None, str], anyio.Lock] = WeakValueDictionary()

    def of(self, plan: Plan) -> anyio.Lock:
        """The lock of the record that a plan changes."""
        record = (plan.connection, plan.operation.request(plan.arguments).path)
        return self._locks.setdefault(record, anyio.Lock())


async def read_stored(plan: Plan, reads: AccountReads, revision: str) -> Plan:
    """The plan of an update, with the record as it is now where the arguments alone do not say what to send.

    Raises:
        ArgumentsError: A replacement does not fit the stored text.
        KlaviyoMcpError: The record could not be read; nothing was sent.
    """
    operation, arguments = plan.operation, plan.arguments
    read = reads.registry.read_in_path(operation) if edits.needs_record(operation, arguments) else None
    if read is None:
        return plan
    wanted = edits.stored_query(operation, read, arguments, revision)
    argument = operation.path_ids[-1]
    query: dict[str, Any] = {argument: getattr(arguments, argument)}
    if wanted.additional_fields:
        query["additional_fields"] = wanted.additional_fields
    page = await reads.on_connection(plan.connection, plan.deadline).page(read.name, fields=wanted.fields, **query)
    if not page.records:
        raise NotFoundError(operation.name, arguments=(argument,), cause="there is no such record; nothing was sent")
    stored = page.records[0].attributes
    edit = edits.edit_record(operation, arguments, stored)
    return replace(plan, edit=RecordEdit(stored, edit.attributes, edit.text_changes))


def request_of(plan: Plan, query: Mapping[str, str] = EMPTY) -> Request:
    """The request of a plan; an update with a record sends what the edit says."""
    request = plan.operation.request(plan.arguments, query)
    if plan.edit is None:
        return request
    return replace(request, body={"data": {**request.body["data"], "attributes": dict(plan.edit.sent_attributes)}})


def without_edited_texts(plan: Plan, record: Record | None) -> Record | None:
    """The record without its long texts where replacements changed one: they need not pass through the model."""
    if record is None or plan.edit is None or not plan.edit.text_changes:
        return record
    return record._replace(attributes=_without_long_texts(record.attributes))


def _without_long_texts(members: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_long_texts(value) if isinstance(value, Mapping) else value
        for name, value in members.items()
        if not (isinstance(value, str) and len(value) > _MAX_TEXT_CHARACTERS)
    }


def foreign_changes(plan: Plan, record: Record | None) -> str:
    """One line for what somebody else changed between the read of the record and its update; empty where nobody did.

    Klaviyo's answer to the update is compared with the record as it was read, in each attribute that an update can set
    and that this one did not change.
    """
    if plan.edit is None or record is None:
        return ""
    names = [name for name in edits.settable_attributes(plan.operation) if name in record.attributes]
    stored = {name: plan.edit.stored[name] for name in names if name in plan.edit.stored}
    found = list(_differences("", stored, plan.edit.sent_attributes, record.attributes, _MAX_DEPTH))
    if not found:
        return ""
    more = f", and {len(found) - MAX_CHANGES_SHOWN} more" if len(found) > MAX_CHANGES_SHOWN else ""
    hidden = resource_type(record.type).untrusted if plan.view.hide else ()
    words = [_change(path, was, now, hidden) for path, was, now in found[:MAX_CHANGES_SHOWN]]
    return f"Changed by somebody else meanwhile: {', '.join(words)}{more}."


def _differences(
    parent: str, stored: Mapping[str, Any], sent: Mapping[str, Any], answered: Mapping[str, Any], depth: int
) -> Iterator[tuple[str, Any, Any]]:
    """Path, value as read and value now of each member that is not what was read, though the update left it so."""
    for name, was in stored.items():
        now = answered.get(name)
        if was == now or (is_empty(was) and is_empty(now)):
            continue
        path = f"{parent}{name}"
        given = sent.get(name, was)
        if isinstance(was, Mapping) and isinstance(now, Mapping) and isinstance(given, Mapping) and depth:
            yield from _differences(f"{path}.", was, given, now, depth - 1)
        elif given == was:
            yield path, was, now


def _change(path: str, was: Any, now: Any, hidden: tuple[str, ...]) -> str:
    if overlaps(hidden, path):
        return f"{path} (hidden)"
    return f"{path} was {_value(was)} when read, is now {_value(now)}"


def _value(value: Any) -> str:
    return quote(cell(value, _VALUE_CHARACTERS)) if not is_empty(value) else "empty"
