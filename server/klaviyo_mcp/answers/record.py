"""Answers of one record, of a job, of a success without a body, and of any other document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from klaviyo_mcp.answers.budget import ANSWER_BYTES, answer_text
from klaviyo_mcp.answers.collection import collection_text
from klaviyo_mcp.answers.rows import Rows
from klaviyo_mcp.answers.values import cell, fit_members, is_empty, json_bytes, timestamp, to_json
from klaviyo_mcp.answers.view import ResourceLookup, View
from klaviyo_mcp.answers.wording import hidden_note, singular
from klaviyo_mcp.untrusted import MARK_BYTES
from klaviyo_tools.jsonapi.records import Flat, Page
from klaviyo_tools.registry import resource_type
from klaviyo_tools.resource_types import ResourceType

_RESERVE = 600


def record_text(
    flat: Flat | None,
    resource: ResourceType,
    *,
    included: Mapping[tuple[str, str], Flat] | None = None,
    view: View | None = None,
    resources: ResourceLookup = resource_type,
) -> str:
    """The answer for one record: compact JSON without links, nulls and empties. None: there is none."""
    if flat is None:
        return f"There is no {singular(resource.type)}."
    asked = view or View()
    rows = Rows(resource, View(asked.fields, asked.include, "full", asked.additional, asked.hide), resources)
    whole = rows.opened(flat, included or {})
    notes = [hidden_note(rows.hidden)] if rows.hidden else []
    text = answer_text("; ".join(notes), [to_json(whole)], marked=rows.strange)
    if len(text.encode()) <= ANSWER_BYTES:
        return text
    cut = fit_members(whole, ANSWER_BYTES - MARK_BYTES - _RESERVE)
    lost = [
        f"{cell(name, 40)} ({json_bytes(whole[name]):,} bytes)"
        for name in whole
        if name not in cut or cut[name] != whole[name]
    ]
    told = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
    notes.append(f"cut to fit {ANSWER_BYTES:,} bytes: {told}; fields=… asks for fewer")
    return answer_text("; ".join(notes), [to_json(cut)], marked=rows.strange)


_COUNTS = ("total_count", "completed_count", "failed_count", "skipped_count")


def job_text(
    flat: Flat,
    resource: ResourceType,
    *,
    follow: str | None = None,
    errors: str | None = None,
    result: str | None = None,
    included: Mapping[tuple[str, str], Flat] | None = None,
    view: View | None = None,
    resources: ResourceLookup = resource_type,
) -> str:
    """The answer for a job: its state, its counts, its errors, and what to call next.

    `follow` is the call that reads it again, `errors` the one that lists what failed, `result` the one that reads what
    it found; all as the model would write them. Klaviyo has no state for failure: it is in the counts.
    """
    attributes = flat.attributes
    status = cell(attributes.get("status"), 40) or "accepted"
    total, *others = (attributes.get(name) for name in _COUNTS)
    counts = [
        f"{number:,} {name.removesuffix('_count')}" + (f" of {total:,}" if name == _COUNTS[1] and total else "")
        for name, number in zip(_COUNTS[1:], others, strict=True)
        if isinstance(number, int)
    ]
    facts = [f"{singular(flat.type)} {cell(flat.id)}".strip() + f": {', '.join([status, *counts])}"]
    over = status in ("complete", "cancelled")
    for name in ("created_at", "completed_at") if over else ("created_at",):
        value = attributes.get(name)
        if isinstance(value, str) and (moment := timestamp(value)):
            facts.append(f"{name.removesuffix('_at')} {moment}")
    failed = attributes.get("failed_count")
    if errors and isinstance(failed, int) and failed:
        facts.append(f"what failed: {errors}")
    if result and status == "complete":
        facts.append(f"what it found: {result}")
    if follow and not over:
        facts.append(f"next: {follow}, until it is complete")
    told = {"status", "created_at", "completed_at", "started_at", "expires_at", *_COUNTS}
    rest = {name: value for name, value in attributes.items() if name not in told}
    rest_flat = flat._replace(id="", attributes=rest)
    rest_text = record_text(rest_flat, resource, included=included, view=view, resources=resources)
    head = "; ".join(facts)
    if rest_text == "{}":
        return head
    if len(head.encode()) + 1 + len(rest_text.encode()) > ANSWER_BYTES:
        rest_text = answer_text("errors are cut", [to_json(fit_members(rest, ANSWER_BYTES // 2))], marked=True)
    return f"{head}\n{rest_text}"


def success_text(
    action: str, subject: Mapping[str, object], *, accepted: bool = False, verify_with: str | None = None
) -> str:
    """The answer for a success without a body: what was done, to what.

    `accepted`: Klaviyo has taken it and works on it still. `verify_with` is the call that shows the outcome.
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
    """The answer for any one document: its records as a collection where it is a list, its record where it is one.

    The rows of a report (`records.rows`) are a collection whose columns are what the report was asked for.
    """
    if page.single:
        flat = page.records[0] if page.records else None
        if flat is not None and flat.type.endswith("-job"):
            return job_text(flat, resource, view=view, resources=resources)
        return record_text(flat, resource, included=page.included, view=view, resources=resources)
    if resource.type.endswith(("-report", "-aggregate")):
        resource = replace(resource, type="row", columns=())
    return collection_text(resource, page, view=view, resources=resources)
