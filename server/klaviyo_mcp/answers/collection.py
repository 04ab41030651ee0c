"""The answer of a collection: a line of facts, then CSV or a line of JSON for each record, within the budget.

It says how much is missing, and its cursor goes on at exactly the next record.
"""

from __future__ import annotations

import re
from collections import Counter

from klaviyo_mcp.answers.budget import ANSWER_BYTES, FITTING, answer_text, fit_lines, line_bytes
from klaviyo_mcp.answers.cursors import START, CursorText, Position
from klaviyo_mcp.answers.pages import MAX_RESULTS, PagesRead
from klaviyo_mcp.answers.rows import RowLines, Rows
from klaviyo_mcp.answers.view import ResourceLookup, View
from klaviyo_mcp.answers.wording import count_noun, hidden_note, plural, quote_words, singular
from klaviyo_mcp.untrusted import MARK_BYTES
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import resource_type
from klaviyo_tools.resource_types import ResourceType

MAX_FACET_VALUES = 6
"""Values of the facet that the facts list; the others are counted together."""
_BARE_VALUE = re.compile(r"true|false|[-+.\d]+")


class CollectionAnswer:
    """The answer of a collection: add its pages while it wants more, then ask for its text."""

    def __init__(
        self,
        resource: ResourceType,
        view: View | None = None,
        *,
        start: Position = START,
        max_results: int = MAX_RESULTS,
        resources: ResourceLookup = resource_type,
    ) -> None:
        self._rows = Rows(resource, view or View(), resources)
        self._pages = PagesRead(start, min(max_results, MAX_RESULTS))
        self._included: dict[tuple[str, str], Record] = {}
        self._noun = singular(resource.type)

    def add(self, place: Position, page: Page) -> bool:
        """Add a page. Returns whether the answer has room for another."""
        if page.included:
            self._included.update(page.included)
        has_room = self._rows.add(self._pages.add(place, page), self._included, ANSWER_BYTES)
        return has_room and len(self._pages.records) < self._pages.max_results

    def text(self, cursor: CursorText | None = None) -> str:
        """The answer; `cursor` makes the text of the cursor to go on with, None where the call takes none."""
        if not len(self._rows):
            more = "" if self._pages.start == START else "more "
            return "; ".join([f"no {more}{plural(self._noun)}", *self._omissions()])
        lines = self._rows.lines(len(self._rows))
        count, facts = fit_lines(
            lines.rows, lambda rows: self._facts(rows, cursor), header=lines.header, marked=lines.untrusted
        )
        if count < len(self._rows):
            lines = self._rows.lines(count)
        if count == 1 and (shortened := self._shortened(lines, facts, cursor)):
            return shortened
        return answer_text(facts, [*lines.header, *lines.rows], marked=lines.untrusted)

    def _shortened(self, lines: RowLines, facts: str, cursor: CursorText | None) -> str | None:
        """The answer of one row that is too long for the budget, its longest values cut; None where it fits."""
        room = ANSWER_BYTES - MARK_BYTES - 1
        if len(facts.encode()) + line_bytes([*lines.header, *lines.rows]) <= room:
            return None
        facts = self._facts(1, cursor, "its longest values are cut: ask for fewer with fields")
        lines = self._rows.shortened_lines(self._pages.records[0], self._included, room - len(facts.encode()))
        return answer_text(facts, [*lines.header, *lines.rows], marked=lines.untrusted)

    def _facts(self, count: int, cursor: CursorText | None, note: str | None = None) -> str:
        """`50 of more than 50 campaigns; 38 Sent, 12 Draft; send_time 2026-01-05 to 2026-11-20; more: cursor=…`."""
        rows, pages = self._rows, self._pages
        after = pages.position(count)
        facts = [_extent(count, pages, after, self._noun)]
        # We may have read more records than the rows took: say so.
        if count < len(pages.records):
            facts[0] += f" ({FITTING})"
        facet_counts = rows.facet_counts(count)
        if len(facet_counts) > 1 or (facet_counts and count > 1):
            facts.append(_facet_text(facet_counts, rows.resource.facet))
        dates = rows.date_range(count)
        if dates and count > 1:
            facts.append(f"{rows.resource.date} {dates[0]}" + (f" to {dates[1]}" if dates[0] != dates[1] else ""))
        facts += self._omissions()
        if note:
            facts.append(note)
        if after is None:
            facts.append("complete" if pages.start == START else "these are the last")
        elif cursor is not None:
            facts.append(f"more: cursor={cursor(after)}")
        else:
            facts.append("more exist: narrow the request to see them")
        return "; ".join(facts)

    def _omissions(self) -> list[str]:
        """The facts that name the attributes which the rows leave out."""
        facts = [hidden_note(self._rows.hidden)] if self._rows.hidden else []
        if self._rows.columns.overflow:
            facts.append("further attributes are left out: ask for detail=full")
        return facts


def collection_text(
    resource: ResourceType,
    page: Page,
    cursor: CursorText | None = None,
    *,
    start: Position = START,
    view: View | None = None,
    resources: ResourceLookup = resource_type,
) -> str:
    """The answer of a collection of which one page was read, the one at `start`."""
    answer = CollectionAnswer(resource, view, start=start, resources=resources)
    answer.add(start, page)
    return answer.text(cursor)


def _facet_text(split: Counter[str], facet: str | None) -> str:
    """`38 Sent, 12 Draft`; text of several words in quotes; before a bare number or truth value its attribute:
    `12 archived=true`."""
    listed = split.most_common(MAX_FACET_VALUES)
    others = sum(split.values()) - sum(number for _, number in listed)
    words = [
        f"{number:,} {f'{facet}={value}' if _BARE_VALUE.fullmatch(value) else quote_words(value)}"
        for value, number in listed
    ]
    return ", ".join([*words, f"{others:,} other"] if others else words)


def _extent(count: int, pages: PagesRead, after: Position | None, noun: str) -> str:
    """`next 50 campaigns`, `12 campaigns`, `50 of 312 campaigns`, `50 of more than 200 campaigns`."""
    if pages.start != START:
        return f"next {count_noun(count, noun)}"
    if after is None:
        return count_noun(count, noun)
    read = len(pages.records)
    total = pages.total if pages.total is not None else read
    more = pages.total is None and pages.position(read) is not None
    return f"{count:,} of {'more than ' if more else ''}{total:,} {plural(noun)}"
