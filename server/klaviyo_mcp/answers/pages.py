"""Reading a collection page by page, and the position of each record that was read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_tools.jsonapi.records import DocumentError, Page, Record

MAX_RESULTS = 1_000
"""The most records that one answer reads."""

FetchPage = Callable[[str | None, int | None], Awaitable[Page]]
"""Fetches one page: Klaviyo's cursor (None is the beginning) and the page size (None where none is taken)."""
ReportProgress = Callable[[float, float | None, str], Awaitable[None]]
"""Reports progress: the amount done, the total (None where it is unknown), and both in words."""


def page_size(max_results: int, largest: int | None, smallest: int = 1) -> int | None:
    """The page size that reads `max_results` records in the fewest requests, and the fewest records beyond them.

    `largest` is the most that Klaviyo takes, None where it takes no page size.
    """
    if largest is None:
        return None
    requests = -(-max(max_results, 1) // largest)
    return max(smallest, min(largest, -(-max(max_results, 1) // requests)))


async def read_pages(
    fetch: FetchPage,
    start: Position = START,
    *,
    size: int | None,
    max_pages: int | None = None,
    report: ReportProgress | None = None,
    total: int | None = None,
) -> AsyncGenerator[tuple[Position, Page], None]:
    """Yield the pages of a collection in order, each with the position that it was fetched from.

    The reader decides when it has enough: it leaves the loop, and closes the generator (`contextlib.aclosing`).
    Progress is reported after each page but the last.

    Args:
        start: The position of the first record; the page that is fetched there holds the records to skip as well.
        size: The page size to ask for, None where the operation takes none.
        max_pages: The pages after which reading ends.
        report: Takes the number of records read; `total` is the number that the reader wants.

    Raises:
        DocumentError: The cursors lead in a circle, or an answer is no document.
    """
    place = first_place(start, size)
    circles = _CircleCheck(place.cursor)
    pages, records = 0, 0
    while True:
        page = await fetch(place.cursor, place.size)
        yield place, page
        pages += 1
        next_position = next_place(place, page, size)
        if next_position is None or pages == max_pages:
            return
        circles.check(place.cursor, next_position.cursor)
        if report:
            records += max(0, len(page.records) - place.skip)
            of = f" of at most {total:,}" if total is not None else ""
            await report(records, total, f"{records:,}{of} records read")
        place = next_position


_CIRCLE = "its next cursor leads back to a page that was already read"


class _CircleCheck:
    """Finds a circle of cursors, of any length, in constant memory (Brent's algorithm).

    Each cursor is compared with one earlier cursor, which is replaced after 1, 2, 4, 8 … pages.
    """

    def __init__(self, first: str | None) -> None:
        self._earlier, self._pages = first, 0

    def check(self, cursor: str | None, next_cursor: str | None) -> None:
        """Raises DocumentError where the cursor after this one leads back to the earlier one."""
        if next_cursor == self._earlier:
            raise DocumentError(_CIRCLE)
        self._pages += 1
        if self._pages & (self._pages - 1) == 0:
            self._earlier = cursor


def first_place(start: Position, size: int | None) -> Position:
    """The position to fetch first: the records to skip were counted in pages of the size that the cursor holds."""
    return Position(start.cursor, start.size if start.skip and size is not None else size, start.skip)


def next_place(place: Position, page: Page, size: int | None) -> Position | None:
    """The position of the page after this one, None after the last. Raises DocumentError where it is the same page."""
    if page.next_cursor is None:
        return None
    if page.next_cursor == place.cursor:
        raise DocumentError(_CIRCLE)
    # A page may be shorter than the number of records to skip: the rest of them is in the next.
    return Position(page.next_cursor, size, max(0, place.skip - len(page.records)))


@dataclass(slots=True)
class PagesRead:
    """The records that were read, in order, `max_results` at most, and the position of each in the collection."""

    start: Position = START
    max_results: int = MAX_RESULTS
    records: list[Record] = field(default_factory=list)
    total: int | None = None
    """The number of records in the whole collection, where Klaviyo answers with it."""
    _firsts: list[int] = field(default_factory=list)
    _places: list[Position] = field(default_factory=list)
    _end: Position | None = None

    def add(self, place: Position, page: Page) -> Sequence[Record]:
        """Add the records of a page, and return those that were new; records beyond `max_results` stay reachable."""
        fresh = page.records[place.skip :]
        room = self.max_results - len(self.records)
        self._firsts.append(len(self.records))
        self._places.append(place)
        if len(fresh) > room:
            self._end = Position(place.cursor, place.size, place.skip + room)
            fresh = fresh[:room]
        else:
            self._end = next_place(place, page, None)
        self.records += fresh
        if page.total is not None:
            self.total = page.total
        return fresh

    def position(self, count: int) -> Position | None:
        """The position of the record after the first `count`; None when there is none."""
        if count >= len(self.records):
            return self._end
        page = bisect_right(self._firsts, count) - 1
        place = self._places[page]
        return Position(place.cursor, place.size, place.skip + count - self._firsts[page])
