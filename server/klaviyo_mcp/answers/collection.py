"""Answers: what a model reads, within a budget, saying what is missing and how to get it.

A collection is a line of facts and then CSV (or a line of JSON for each record); a record is compact JSON; a job is its
state and what to call next; an empty success says what was done, to what.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from klaviyo_mcp.answers.cursors import START, CursorText, Position
from klaviyo_mcp.answers.pages import MAX_RESULTS, PagesRead
from klaviyo_mcp.answers.rows import Rows
from klaviyo_mcp.answers.values import cell
from klaviyo_mcp.answers.view import ResourceLookup, View
from klaviyo_mcp.untrusted import MARK_BYTES, mark_untrusted
from klaviyo_tools import resource_types as table_of_resources
from klaviyo_tools.jsonapi.records import Flat, Page
from klaviyo_tools.resource_types import ResourceType

ANSWER_BYTES = 24_000
"""Bytes (UTF-8) that an answer takes at most."""
_SPLIT = 6
_BARE = re.compile(r"true|false|[-+.\d]+")


class CollectionAnswer:
    """The answer of a collection: add its pages while it wants more, then ask for its text."""

    def __init__(
        self,
        resource: ResourceType,
        view: View | None = None,
        *,
        start: Position = START,
        max_results: int = MAX_RESULTS,
        resources: ResourceLookup = table_of_resources.resource_type,
    ) -> None:
        self.rows = Rows(resource, view or View(), resources)
        self.read = PagesRead(start, min(max_results, MAX_RESULTS))
        self.included: dict[tuple[str, str], Flat] = {}

    def add(self, place: Position, page: Page) -> bool:
        """Add a page. Returns whether the answer has room for another."""
        if page.included:
            self.included.update(page.included)
        has_room = self.rows.add(self.read.add(place, page), self.included, ANSWER_BYTES)
        return has_room and len(self.read.records) < self.read.max_results

    def text(self, cursor: CursorText | None = None) -> str:
        """The answer; `cursor` makes the text of the cursor to go on with, None where the call takes none."""
        rows = self.rows
        if not len(rows):
            nouns = plural(rows.resource.type)
            return "; ".join([f"no {nouns}" if self.read.start == START else f"no more {nouns}", *self._asides()])
        count = len(rows)
        text = self._whole(count, cursor)
        if len(text.encode()) <= ANSWER_BYTES:
            return text
        room = ANSWER_BYTES - len(self._facts(count, cursor).encode()) - MARK_BYTES
        while (count := self._fitting(room)) > 1:
            text = self._whole(count, cursor)
            over = len(text.encode()) - ANSWER_BYTES
            if over <= 0:
                return text
            room -= over
        facts = self._facts(1, cursor, "its longest values are cut: ask for fewer with fields")
        room = ANSWER_BYTES - MARK_BYTES - len(facts.encode()) - 1
        lines, strange = rows.lines(1)
        if sum(len(line.encode()) + 1 for line in lines) <= room:
            return self._whole(1, cursor)
        lines, strange = rows.shortened(0, self.included, room)
        return _marked(facts, "\n".join(lines), strange)

    def _whole(self, count: int, cursor: CursorText | None) -> str:
        lines, strange = self.rows.lines(count)
        return _marked(self._facts(count, cursor), "\n".join(lines), strange)

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

    def _facts(self, count: int, cursor: CursorText | None, aside: str | None = None) -> str:
        """`50 of more than 50 campaigns; 38 Sent, 12 Draft; send_time 2026-01-05 to 2026-11-20; more: cursor=…`."""
        after = self.read.position(count)
        facts = [_count(count, self.read, after, plural(self.rows.resource.type))]
        # We may have read more records than the rows took: say so.
        if count < len(self.read.records):
            facts[0] += f" (what fits in {ANSWER_BYTES:,} bytes)"
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
            facts.append("complete" if self.read.start == START else "these are the last")
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


def collection_text(
    resource: ResourceType,
    page: Page,
    cursor: CursorText | None = None,
    *,
    start: Position = START,
    view: View | None = None,
    resources: ResourceLookup = table_of_resources.resource_type,
) -> str:
    """The answer of a collection of which one page was read, the one at `start`."""
    answer = CollectionAnswer(resource, view, start=start, resources=resources)
    answer.add(start, page)
    return answer.text(cursor)


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


def _count(count: int, pages: PagesRead, after: Position | None, nouns: str) -> str:
    one = nouns[:-3] + "y" if nouns.endswith("ies") else nouns.removesuffix("s")
    if pages.start != START:
        return f"next {count:,} {one if count == 1 else nouns}"
    if after is None:
        return f"{count:,} {one if count == 1 else nouns}"
    if pages.total is not None:
        return f"{count:,} of {pages.total:,} {nouns}"
    read = len(pages.records)
    return f"{count:,} of {f'more than {read:,}' if pages.position(read) else f'{read:,}'} {nouns}"


def _hidden(names: Mapping[str, None]) -> str:
    shown = ", ".join(cell(name, 40) for name in list(names)[:8])
    rest = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"hidden by KLAVIYO_MCP_USER_CONTENT: {shown}{rest}"


def _marked(facts: str, body: str, strange: bool) -> str:
    text = mark_untrusted(body) if strange else body
    return f"{facts}\n{text}" if facts else text
