"""Answers: what a model reads, within a budget, saying what is missing and how to get it.

A collection is a line of facts and then CSV (or a line of JSON for each record); a record is compact JSON; a job is its
state and what to call next; an empty success says what was done, to what.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from klaviyo_tools import resources as table_of_resources
from klaviyo_tools.records import Flat, Page
from klaviyo_tools.resources import Resource

from .cells import cell, fit_members, is_empty, size, stamp, to_json
from .fieldsets import Resources, View
from .paging import CEILING, START, Harvest, Position
from .table import Rows
from .untrusted import MARKING, mark

BUDGET = 24_000
"""Bytes (UTF-8) that an answer takes at most."""
_RESERVE = 600
_SPLIT = 6
_BARE = re.compile(r"true|false|[-+.\d]+")

Continue = Callable[[Position], str]
"""The cursor text of a position."""


class Sheet:
    """A collection's answer in the making: hand its `take` to `paging.read`, then ask for its `text`."""

    def __init__(
        self, resource: Resource, view: View | None = None, *, resources: Resources = table_of_resources.resource
    ) -> None:
        self.rows = Rows(resource, view or View(), resources)
        self.included: dict[tuple[str, str], Flat] = {}

    def take(self, page: Page, records: Sequence[Flat]) -> bool:
        """Take in what was read. Answers whether the answer has room for more."""
        if page.included:
            self.included.update(page.included)
        return self.rows.add(records, self.included, BUDGET)

    def text(self, harvest: Harvest, cursor: Continue | None = None, noun: str | None = None) -> str:
        """The answer. `cursor` makes the text of the cursor to go on with; None where a call takes none."""
        rows = self.rows
        nouns = noun or plural(rows.resource.type)
        if not len(rows):
            return "; ".join([f"no {nouns}" if harvest.start == START else f"no more {nouns}", *self._asides()])
        count = len(rows)
        text = self._whole(count, harvest, cursor, nouns)
        if len(text.encode()) <= BUDGET:
            return text
        room = BUDGET - len(self._facts(count, harvest, cursor, nouns).encode()) - MARKING
        while (count := self._fitting(room)) > 1:
            text = self._whole(count, harvest, cursor, nouns)
            over = len(text.encode()) - BUDGET
            if over <= 0:
                return text
            room -= over
        facts = self._facts(1, harvest, cursor, nouns, "its longest values are cut: ask for fewer with fields")
        room = BUDGET - MARKING - len(facts.encode()) - 1
        lines, strange = rows.lines(1)
        if sum(len(line.encode()) + 1 for line in lines) <= room:
            return self._whole(1, harvest, cursor, nouns)
        lines, strange = rows.squeezed(0, self.included, room)
        return _marked(facts, "\n".join(lines), strange)

    def _whole(self, count: int, harvest: Harvest, cursor: Continue | None, nouns: str) -> str:
        lines, strange = self.rows.lines(count)
        return _marked(self._facts(count, harvest, cursor, nouns), "\n".join(lines), strange)

    def _fitting(self, room: int) -> int:
        """How many rows fit into so many bytes, one at least."""
        lines, _ = self.rows.lines(len(self.rows))
        headers = len(lines) - len(self.rows)
        count = 0
        for index, line in enumerate(lines):
            room -= len(line.encode()) + 1
            if room < 0:
                break
            count += index >= headers
        return max(count, 1)

    def _facts(
        self, count: int, harvest: Harvest, cursor: Continue | None, nouns: str, aside: str | None = None
    ) -> str:
        """`50 of more than 50 campaigns; 38 Sent, 12 Draft; send_time 2026-01-05 to 2026-11-20; more: cursor=…`."""
        after = harvest.position(count)
        facts = [_count(count, harvest, after, nouns)]
        # Reading ends when an answer is certainly full, so that what was not taken in counts as well.
        if count < len(harvest.records):
            facts[0] += f" (what fits in {BUDGET:,} bytes)"
        split = self.rows.split(count)
        if len(split) > 1 or (split and count > 1):
            facts.append(_split(split, self.rows.resource.facet))
        span = self.rows.span(count)
        if span and count > 1:
            facts.append(f"{self.rows.resource.date} {span[0]}" + (f" to {span[1]}" if span[0] != span[1] else ""))
        facts += self._asides()
        if aside:
            facts.append(aside)
        if after is None:
            facts.append("complete" if harvest.start == START else "these are the last")
        elif cursor is not None:
            facts.append(f"more: cursor={cursor(after)}")
        else:
            facts.append("more exist: narrow the request to see them")
        return "; ".join(facts)

    def _asides(self) -> list[str]:
        asides = []
        if self.rows.hidden:
            asides.append(_hidden(self.rows.hidden))
        if self.rows.overflow:
            asides.append("further attributes are left out: ask for detail=full")
        return asides


def collection(
    resource: Resource,
    harvest: Harvest,
    cursor: Continue | None = None,
    *,
    view: View | None = None,
    noun: str | None = None,
    resources: Resources = table_of_resources.resource,
) -> str:
    """The answer for a collection that was already read."""
    sheet = Sheet(resource, view, resources=resources)
    sheet.included = harvest.included
    sheet.rows.add(harvest.records, harvest.included, BUDGET)
    return sheet.text(harvest, cursor, noun)


def record(
    flat: Flat | None,
    resource: Resource,
    *,
    included: Mapping[tuple[str, str], Flat] | None = None,
    view: View | None = None,
    resources: Resources = table_of_resources.resource,
) -> str:
    """The answer for one record: compact JSON without links, nulls and empties. None: there is none."""
    if flat is None:
        return f"There is no {singular(resource.type)}."
    asked = view or View()
    rows = Rows(resource, View(asked.fields, asked.include, "full", asked.additional, asked.hide), resources)
    whole = rows.opened(flat, included or {})
    notes = [_hidden(rows.hidden)] if rows.hidden else []
    text = _marked("; ".join(notes), to_json(whole), rows.strange)
    if len(text.encode()) <= BUDGET:
        return text
    cut = fit_members(whole, BUDGET - MARKING - _RESERVE)
    lost = [
        f"{cell(name, 40)} ({size(whole[name]):,} bytes)"
        for name in whole
        if name not in cut or cut[name] != whole[name]
    ]
    told = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
    notes.append(f"cut to fit {BUDGET:,} bytes: {told}; fields=… asks for fewer")
    return _marked("; ".join(notes), to_json(cut), rows.strange)


_COUNTS = ("total_count", "completed_count", "failed_count", "skipped_count")


def job(
    flat: Flat,
    resource: Resource,
    *,
    follow: str | None = None,
    errors: str | None = None,
    result: str | None = None,
    included: Mapping[tuple[str, str], Flat] | None = None,
    view: View | None = None,
    resources: Resources = table_of_resources.resource,
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
        if isinstance(value, str) and (moment := stamp(value)):
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
    rest_text = record(rest_flat, resource, included=included, view=view, resources=resources)
    head = "; ".join(facts)
    if rest_text == "{}":
        return head
    if len(head.encode()) + 1 + len(rest_text.encode()) > BUDGET:
        rest_text = _marked("errors are cut", to_json(fit_members(rest, BUDGET // 2)), True)
    return f"{head}\n{rest_text}"


def done(action: str, subject: Mapping[str, object], *, accepted: bool = False, look: str | None = None) -> str:
    """The answer for a success without a body: what was done, to what.

    `accepted`: Klaviyo has taken it and works on it still. `look` is the call that shows the outcome.
    """
    things = [f"{name}={cell(value, 200)}" for name, value in subject.items() if not is_empty(value)]
    text = f"{'Accepted' if accepted else 'Done'}: {action}" + (f" {', '.join(things)}" if things else "")
    if accepted:
        text += "; Klaviyo works on it, it may take a while"
    if look:
        text += f"; to see it: {look}"
    return text.encode("utf-8", "replace")[: BUDGET // 4].decode(errors="ignore")


def document(
    page: Page,
    resource: Resource,
    *,
    view: View | None = None,
    cursor: Continue | None = None,
    noun: str | None = None,
    resources: Resources = table_of_resources.resource,
) -> str:
    """The answer for any one document: its records as a collection where it is a list, its record where it is one.

    The rows of a report (`records.rows`) are a collection whose columns are what the report was asked for.
    """
    if page.single:
        flat = page.records[0] if page.records else None
        if flat is not None and flat.type.endswith("-job"):
            return job(flat, resource, view=view, resources=resources)
        return record(flat, resource, included=page.included, view=view, resources=resources)
    if resource.type.endswith(("-report", "-aggregate")):
        resource = replace(resource, type="row", columns=())
    harvest = Harvest(START)
    harvest.add(page, START, CEILING)
    return collection(resource, harvest, cursor, view=view, noun=noun, resources=resources)


_NOUNS = {"template-universal-content": ("universal content", "universal content")}
"""Types that people call otherwise: one of them, and several."""


def singular(type_: str) -> str:
    """`catalog-category` -> `catalog category`."""
    return _NOUNS[type_][0] if type_ in _NOUNS else type_.replace("-", " ")


def plural(type_: str) -> str:
    """`catalog-category` -> `catalog categories`."""
    if type_ in _NOUNS:
        return _NOUNS[type_][1]
    name = singular(type_)
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return name if name.endswith("s") else f"{name}s"


def _split(split: Counter[str], facet: str | None) -> str:
    """`38 Sent, 12 Draft`; a truth value or a number says nothing alone, so that its attribute stands before it."""
    told = split.most_common(_SPLIT)
    others = sum(split.values()) - sum(number for _, number in told)
    words = [f"{number:,} {f'{facet}={value}' if _BARE.fullmatch(value) else value}" for value, number in told]
    return ", ".join([*words, f"{others:,} other"] if others else words)


def _count(count: int, harvest: Harvest, after: Position | None, nouns: str) -> str:
    one = nouns[:-3] + "y" if nouns.endswith("ies") else nouns.removesuffix("s")
    if harvest.start != START:
        return f"next {count:,} {one if count == 1 else nouns}"
    if after is None:
        return f"{count:,} {one if count == 1 else nouns}"
    if harvest.total is not None:
        return f"{count:,} of {harvest.total:,} {nouns}"
    read = len(harvest.records)
    return f"{count:,} of {f'more than {read:,}' if harvest.position(read) else f'{read:,}'} {nouns}"


def _hidden(names: Mapping[str, None]) -> str:
    shown = ", ".join(cell(name, 40) for name in list(names)[:8])
    rest = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"hidden by KLAVIYO_MCP_USER_CONTENT: {shown}{rest}"


def _marked(facts: str, body: str, strange: bool) -> str:
    text = mark(body) if strange else body
    return f"{facts}\n{text}" if facts else text
