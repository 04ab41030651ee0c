"""Answers of one record, of a job, of a success without a body, and of any other document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from klaviyo_mcp.answers.budget import ANSWER_BYTES, answer_text
from klaviyo_mcp.answers.collection import collection_text
from klaviyo_mcp.answers.columns import Included
from klaviyo_mcp.answers.objects import record_objects
from klaviyo_mcp.answers.values import cell, fit_members, is_empty, json_bytes, timestamp, to_json, without_cut_note
from klaviyo_mcp.answers.view import ResourceLookup, View
from klaviyo_mcp.answers.wording import describe, hidden_note, job_status, quote_words, singular
from klaviyo_mcp.untrusted import MARK_BYTES, clean
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import resource_type
from klaviyo_tools.resource_types import ResourceType

_FACTS_BYTES = 600
"""Bytes reserved for the facts above a record that is cut."""
_COUNTS = ("total_count", "completed_count", "failed_count", "skipped_count")
_TYPE = re.compile(r"[a-z-]{1,60}")
_JOB_FACTS = {"status", "created_at", "completed_at", "started_at", "expires_at", *_COUNTS}
"""Attributes of a job that stand in its line of facts, or say nothing more."""


def record_text(
    record: Record | None,
    resource: ResourceType,
    *,
    included: Included | None = None,
    view: View | None = None,
    resources: ResourceLookup = resource_type,
    offset: int | None = None,
) -> str:
    """The answer for one record: compact JSON without links, needless nulls and empties. None: there is no record.

    An `offset` shows the one field of the view as text, from that character on.
    """
    if record is None:
        return f"There is no {singular(resource.type)}."
    objects = record_objects(resource, replace(view or View(), detail="full"), resources)
    members = objects.object_with_included(record, included or {})
    facts = [hidden_note(objects.hidden)] if objects.hidden else []
    if offset is not None and view is not None:
        return _text_from(offset, view.fields[0], members, facts, marked=objects.untrusted)
    text = answer_text("; ".join(facts), [to_json(members)], marked=objects.untrusted)
    if len(text.encode()) <= ANSWER_BYTES:
        return text
    cut = fit_members(members, ANSWER_BYTES - MARK_BYTES - _FACTS_BYTES)
    facts.append(f"cut to fit {ANSWER_BYTES:,} bytes: {_cut_members(members, cut)}; {_how_to_read_on(members, cut)}")
    return answer_text("; ".join(facts), [to_json(cut)], marked=objects.untrusted)


def _text_from(offset: int, field: str, members: Mapping[str, Any], facts: list[str], *, marked: bool) -> str:
    """The answer with a part of one text: as much from a character on as fits."""
    value = members.get(field, "")
    text = clean(value) if isinstance(value, str) else to_json(value)
    if offset >= len(text):
        return "; ".join([*facts, f"{field} has {len(text):,} characters: nothing from {offset:,} on"])
    part, end = {**members, field: text[offset:]}, len(text)
    if json_bytes(part) > (room := ANSWER_BYTES - MARK_BYTES - _FACTS_BYTES):
        part = fit_members(part, room)
        end = offset + len(without_cut_note(part[field]))
    facts.append(f"{field}: characters {offset:,} to {end:,} of {len(text):,}")
    if end < len(text):
        facts.append(f"to read on: fields={field}, offset={end}")
    return answer_text("; ".join(facts), [to_json(part)], marked=marked)


def _how_to_read_on(members: Mapping[str, Any], cut: Mapping[str, Any]) -> str:
    """How to read the rest of the longest value that was cut."""
    names = [name for name in members if name in cut and cut[name] != members[name]]
    if not names:
        return "fields=… asks for fewer"
    name = max(names, key=lambda one: json_bytes(members[one]))
    shown = len(without_cut_note(cut[name])) if isinstance(members[name], str) else 0
    return f"to read on: fields={name}, offset={shown}"


def _cut_members(members: Mapping[str, Any], cut: Mapping[str, Any]) -> str:
    """The members that were cut, with their sizes: `definition (31,200 bytes), html (9,000 bytes) and 2 more`."""
    names = [name for name in members if name not in cut or cut[name] != members[name]]
    listed = [f"{quote_words(name, 40)} ({json_bytes(members[name]):,} bytes)" for name in names]
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def job_text(
    record: Record,
    resource: ResourceType,
    *,
    follow: str | None = None,
    errors: str | None = None,
    result: str | None = None,
    included: Included | None = None,
    view: View | None = None,
    resources: ResourceLookup = resource_type,
) -> str:
    """The answer for a job: its status, its counts, its errors, and the next call.

    Klaviyo has no status for failure: only the counts show it.

    Args:
        follow: The call that reads the job again, as the model would write it; likewise the next two.
        errors: The call that lists what failed.
        result: The call that reads what the job found.
    """
    status = job_status(record.attributes.get("status"), hide=bool(view and view.hide))
    facts = "; ".join([*_job_facts(record, status), *_next_calls(record, status, follow, errors, result)])
    rest = {name: value for name, value in record.attributes.items() if name not in _JOB_FACTS}
    rest_record = record._replace(id="", attributes=rest)
    rest_text = record_text(rest_record, resource, included=included, view=view, resources=resources)
    if rest_text == "{}":
        return facts
    if len(facts.encode()) + 1 + len(rest_text.encode()) > ANSWER_BYTES:
        rest_text = answer_text("errors are cut", [to_json(fit_members(rest, ANSWER_BYTES // 2))], marked=True)
    return f"{facts}\n{rest_text}"


def _has_ended(status: str) -> bool:
    return status in ("complete", "cancelled")


def _job_facts(record: Record, status: str) -> list[str]:
    """`profile bulk import job J1: processing, 20 completed of 50, 1 failed`, and when it began and ended."""
    attributes = record.attributes
    total = attributes.get(_COUNTS[0])
    counts = []
    for name in _COUNTS[1:]:
        number = attributes.get(name)
        if isinstance(number, int):
            of = f" of {total:,}" if name == "completed_count" and total else ""
            counts.append(f"{number:,} {name.removesuffix('_count')}{of}")
    job = record.type if _TYPE.fullmatch(record.type) else "job"
    facts = [
        f"{singular(job)} {describe(record.id) if record.id else ''}".strip() + f": {', '.join([status, *counts])}"
    ]
    for name in ("created_at", "completed_at") if _has_ended(status) else ("created_at",):
        value = attributes.get(name)
        if isinstance(value, str) and (moment := timestamp(value)):
            facts.append(f"{name.removesuffix('_at')} {moment}")
    return facts


def _next_calls(
    record: Record, status: str, follow: str | None, errors: str | None, result: str | None
) -> Sequence[str]:
    facts = []
    failed = record.attributes.get("failed_count")
    if errors and isinstance(failed, int) and failed:
        facts.append(f"what failed: {errors}")
    if result and status == "complete":
        facts.append(f"what it found: {result}")
    if follow and not _has_ended(status):
        facts.append(f"next: {follow}, until it is complete")
    return facts


def success_text(
    action: str, subject: Mapping[str, object], *, accepted: bool = False, verify_with: str | None = None
) -> str:
    """The answer for a success without a body.

    Args:
        action: What was done: the operation's name.
        subject: The arguments that it was done with.
        accepted: Klaviyo has taken the request and still works on it.
        verify_with: The call that shows the outcome.
    """
    things = [f"{name}={cell(value, 200)}" for name, value in subject.items() if not is_empty(value)]
    text = f"{'Accepted' if accepted else 'Done'}: {action}" + (f" {', '.join(things)}" if things else "")
    if accepted:
        text += "; Klaviyo works on it, it may take a while"
    if verify_with:
        text += f"; to see it: {verify_with}"
    return text.encode("utf-8", "replace")[: ANSWER_BYTES // 4].decode(errors="ignore")


def document_text(
    page: Page,
    resource: ResourceType,
    *,
    view: View | None = None,
    resources: ResourceLookup = resource_type,
) -> str:
    """The answer for any one document: a collection where its data is a list, else a job or a record.

    The rows of a report are a collection without columns of its own: those that Klaviyo answered are shown.
    """
    if page.single:
        record = page.records[0] if page.records else None
        if record is not None and record.type.endswith("-job"):
            return job_text(record, resource, view=view, resources=resources)
        return record_text(record, resource, included=page.included, view=view, resources=resources)
    if resource.type.endswith(("-report", "-aggregate")):
        resource = replace(resource, type="row", columns=())
    return collection_text(resource, page, view=view, resources=resources)
