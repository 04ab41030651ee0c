"""The answer that counts records by a value instead of showing them, in constant memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from typing import Any

from klaviyo_mcp.answers.budget import answer_text
from klaviyo_mcp.answers.columns import Included, Joins
from klaviyo_mcp.answers.csv import csv_lines
from klaviyo_mcp.answers.cursors import CursorText, Position
from klaviyo_mcp.answers.pages import next_place
from klaviyo_mcp.answers.values import cell, is_empty, timestamp, value_at
from klaviyo_mcp.answers.view import FieldError, ResourceLookup, View, is_untrusted, relationship_of
from klaviyo_mcp.answers.wording import count_noun, singular
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import resource_type
from klaviyo_tools.resource_types import ResourceType

MAX_RECORDS = 200_000
"""The most records that one count reads."""
MAX_VALUES = 10_000
"""The most distinct values that are counted apart; new ones after them are counted together."""
MAX_ROWS = 50
"""The most values that the answer lists."""
MAX_PERIODS = 366
"""The most periods that the answer lists: the days of a year."""
VALUE_CHARACTERS = 80
NONE = "(none)"
OTHER = "(other)"
NO_DATE = "(no date)"


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


PERIODS: Mapping[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": _week,
    "month": lambda day: day.isoformat()[:7],
    "year": lambda day: day.isoformat()[:4],
}
"""Period -> how a day is written in it."""


def parse_count_by(count_by: str) -> tuple[str, str | None]:
    """`datetime:month` -> (`datetime`, `month`); `status` -> (`status`, None). Raises FieldError for no such period."""
    path, colon, period = count_by.strip().rpartition(":")
    if not colon:
        return period, None
    if period.lower() in PERIODS:
        return path, period.lower()
    # A custom property may have a colon in its name; elsewhere an unknown period is a mistake.
    if path.startswith(("properties.", "event_properties.")):
        return count_by.strip(), None
    raise FieldError(f"{period[:40]!r} is no period to count by: use {', '.join(PERIODS)}, as in {path[:60]}:month")


class CountsAnswer:
    """The answer that counts records by the value at a path: an attribute, a relationship, `relationship.attribute`.

    Add pages while it wants more (`max_records` at most), then ask for its text. Each element of an array counts; null,
    empty and missing count as "(none)". Beyond `max_values` distinct values, new ones count as "(other)", so that
    memory stays bounded.
    """

    def __init__(
        self,
        resource: ResourceType,
        count_by: str,
        view: View | None = None,
        *,
        resources: ResourceLookup = resource_type,
        max_records: int = MAX_RECORDS,
        max_values: int = MAX_VALUES,
    ) -> None:
        self.resource = resource
        self.count_by = count_by
        self.path, self.period = parse_count_by(count_by)
        self.records = 0
        self.counts: Counter[str] = Counter()
        self.max_records = max_records
        self.max_values = max_values
        self.end: Position | None = None
        """The first record that was not counted; None when all were."""
        hide = bool(view and view.hide)
        self._relationship = relationship_of(resource, self.path)
        self._keys = tuple(self.path.split("."))
        self._joins = Joins(hide, resources)
        self._untrusted = self._is_untrusted(resources)
        if self._untrusted and hide:
            raise FieldError(f"{self.path} is written by people outside the account and hidden by a setting")

    def add(self, place: Position, page: Page) -> bool:
        """Count the records of a page. Returns whether more may be counted."""
        room = self.max_records - self.records
        records = page.records[place.skip :]
        self._count(records[:room], page.included)
        if len(records) > room:
            self.end = Position(place.cursor, place.size, place.skip + room)
        else:
            self.end = next_place(place, page, place.size)
        return self.records < self.max_records

    def text(self, cursor: CursorText | None = None) -> str:
        """The counts: the total, the most frequent values with their share, the others in one line.

        Periods are in the order of time. `cursor` makes the text of the cursor to go on with after the ceiling.
        """
        facts = "; ".join(self._facts(cursor))
        if not self.records:
            return facts
        listed, others = self._split_by_count()
        if others:
            listed.append((f"({len(others):,} more values)", sum(count for _, count in others)))
        rows = [(value, str(count), f"{100 * count / self.records:.1f}%") for value, count in listed]
        lines = csv_lines([(cell(self.path, 100), "count", "share"), *rows])
        return answer_text(facts, lines, marked=self._untrusted or bool(self._joins.untrusted_types))

    def _count(self, records: Sequence[Record], included: Included) -> None:
        counts, most = self.counts, self.max_values
        self.records += len(records)
        for record in records:
            for value in self._values(record, included):
                if value in counts or len(counts) < most:
                    counts[value] += 1
                else:
                    counts[OTHER] += 1

    def _values(self, record: Record, included: Included) -> Iterator[str]:
        if self._relationship is None:
            value = value_at(record.attributes, self._keys) if self._keys != ("id",) else record.id
        else:
            relationship, path = self._relationship
            value = self._joins.values(record, relationship, path.split(".") if path else (), included)
        if isinstance(value, list):
            yield from map(self._text, value or [None])
        else:
            yield self._text(value)

    def _text(self, value: Any) -> str:
        if is_empty(value):
            return NONE
        if self.period is not None:
            return _period_of(value, self.period)
        text = cell(value, VALUE_CHARACTERS)
        if isinstance(value, str) and len(value) > VALUE_CHARACTERS:
            # Two long texts may begin alike.
            text += f"#{blake2b(value.encode('utf-8', 'surrogatepass'), digest_size=3).hexdigest()}"
        return text

    def _is_untrusted(self, resources: ResourceLookup) -> bool:
        """Whether people outside the account can write the values, names of related records aside."""
        if self._relationship is None:
            return self.period is None and is_untrusted(self.resource, self.path)
        relationship, path = self._relationship
        related = resources(self.resource.relationships[relationship])
        # Whether a name is a stranger's is decided one by one.
        return bool(path) and is_untrusted(related, path)

    def _facts(self, cursor: CursorText | None) -> list[str]:
        values = sum(value not in (NONE, OTHER) for value in self.counts)
        records = count_noun(self.records, singular(self.resource.type))
        facts = [f"{records} by {cell(self.count_by, 100)}: {count_noun(values, 'value')}"]
        if OTHER in self.counts:
            facts.append(f"only the first {self.max_values:,} values are counted apart, later ones are {OTHER}")
        if sum(self.counts.values()) > self.records:
            facts.append("one record may have several values")
        if self.end is None:
            return [*facts, "complete"]
        facts.append(f"NOT ALL: reading ended at the ceiling of {self.records:,} records; narrow it with filter")
        return [*facts, f"or go on counting from cursor={cursor(self.end)}"] if cursor else facts

    def _split_by_count(self) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """The values with their counts that are listed, and the others."""
        ordered = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        most = MAX_PERIODS if self.period else MAX_ROWS
        listed, others = ordered[:most], ordered[most:]
        if self.period:
            listed.sort()
        return listed, others


def _period_of(value: Any, period: str) -> str:
    """The period of a timestamp, a date, or seconds since 1970."""
    moment: str | None = None
    if isinstance(value, str):
        moment = timestamp(value) or (value if timestamp(f"{value}T00:00:00") else None)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC).isoformat()
        return PERIODS[period](date.fromisoformat(moment[:10])) if moment else NO_DATE
    except (ValueError, OverflowError, OSError):
        return NO_DATE
