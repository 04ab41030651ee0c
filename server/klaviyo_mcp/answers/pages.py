"""Reading page after page, and where each record that was read stands."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_tools.jsonapi.records import DocumentError, Flat, Page

MAX_RESULTS = 1_000
"""The most records that one answer reads."""

FetchPage = Callable[[str | None, int | None], Awaitable[Page]]
"""Asks for one page: Klaviyo's cursor (None is the beginning) and the page size (None where none is taken)."""
ReportProgress = Callable[[float, float | None, str], Awaitable[None]]
"""Tells progress: how much is done, of how much, and in words."""


def page_size(wanted: int, largest: int | None, smallest: int = 1) -> int | None:
    """The page size that brings `wanted` records in the fewest requests, and in those the fewest records too many."""
    if largest is None:
        return None
    requests = -(-max(wanted, 1) // largest)
    return max(smallest, min(largest, -(-max(wanted, 1) // requests)))


@dataclass(slots=True)
class PagesRead:
    """What was read: the records in order, and where each of them stands in the collection."""

    start: Position
    records: list[Flat] = field(default_factory=list)
    included: dict[tuple[str, str], Flat] = field(default_factory=dict)
    total: int | None = None
    _firsts: list[int] = field(default_factory=list)
    _places: list[Position] = field(default_factory=list)
    _end: Position | None = None

    def add(self, page: Page, place: Position, most: int) -> None:
        """Take in the records of a page from `place` on, `most` in all; what is left over stays reachable."""
        fresh = page.records[place.skip :] if place.skip else page.records
        room = most - len(self.records)
        self._firsts.append(len(self.records))
        self._places.append(place)
        self.records.extend(fresh[:room])
        if page.included:
            self.included.update(page.included)
        if page.total is not None:
            self.total = page.total
        if len(fresh) > room:
            self._end = Position(place.cursor, place.size, place.skip + room)
        else:
            self._end = next_place(place, page, None)

    def position(self, count: int) -> Position | None:
        """Where the record after the first `count` stands; None when there is none."""
        if count >= len(self.records):
            return self._end
        page = bisect_right(self._firsts, count) - 1
        place = self._places[page]
        return Position(place.cursor, place.size, place.skip + count - self._firsts[page])


def first_place(start: Position, size: int | None) -> Position:
    """Where to ask from: the records to skip were counted in pages of the size that the cursor tells."""
    return Position(start.cursor, start.size if start.skip and size is not None else size, start.skip)


def next_place(place: Position, page: Page, size: int | None) -> Position | None:
    """The place of the page behind this one, None behind the last. Raises DocumentError where it leads in a circle."""
    if page.next_cursor is None:
        return None
    if page.next_cursor == place.cursor:
        raise DocumentError("its next cursor leads back to the same page")
    # A page may be shorter than what was to be skipped: the rest goes over to the next.
    return Position(page.next_cursor, size, max(0, place.skip - len(page.records)))


async def read_pages(
    fetch: FetchPage,
    start: Position = START,
    *,
    max_results: int,
    size: int | None,
    report: ReportProgress | None = None,
    take: Callable[[Page, list[Flat]], bool] | None = None,
) -> PagesRead:
    """Read pages one after another until there are `max_results` records (at most CEILING).

    `take` sees each page with the records taken from it, and ends the reading by answering False (the answer is full).
    Progress is told after each page but the last.
    """
    most = min(max_results, MAX_RESULTS)
    harvest = PagesRead(start)
    place: Position | None = first_place(start, size)
    while place is not None:
        page = await fetch(place.cursor, place.size)
        before = len(harvest.records)
        harvest.add(page, place, most)
        goes_on = take is None or take(page, harvest.records[before:])
        if not goes_on or len(harvest.records) >= most:
            break
        place = next_place(place, page, size)
        if place is not None and report:
            await report(len(harvest.records), most, f"{len(harvest.records):,} of at most {most:,} records read")
    return harvest
