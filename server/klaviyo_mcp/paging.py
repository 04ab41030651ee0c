"""Reading page after page, and cursors that go on at exactly the next record."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from klaviyo_tools.records import LONGEST_CURSOR, DocumentError, Flat, Page

CEILING = 1_000
"""The most records that one answer reads."""

Fetch = Callable[[str | None, int | None], Awaitable[Page]]
"""Asks for one page: Klaviyo's cursor (None is the beginning) and the page size (None where none is taken)."""
Report = Callable[[float, float | None, str], Awaitable[None]]
"""Tells progress: how much is done, of how much, and in words."""


class CursorError(ValueError):
    """A cursor that cannot be gone on from. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a collection: after so many records of the page that a cursor of Klaviyo's begins."""

    cursor: str | None = None
    size: int | None = None
    skip: int = 0


START = Position()

# Ours: "k~", then fingerprint (4 bytes), checksum (4), page size (2; 0 is none) and records to skip (3) in base64, then
# Klaviyo's own cursor.
_MARK = "k~"
_HEADER = 18
_LARGEST_SKIP = 2**24 - 1
_RAW = re.compile(r"[!-~]+")


def fingerprint(query: Mapping[str, Any]) -> bytes:
    """A short digest of all that must stay the same from one answer to the next: operation, ids, filter, sort …"""
    text = json.dumps(query, sort_keys=True, separators=(",", ":"), default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4, person=b"cursor").digest()


def encode(position: Position, query: bytes) -> str:
    """The cursor text of a position in this query: URL-safe, 20 characters longer than Klaviyo's own."""
    tail = quote(position.cursor or "", safe="=")
    numbers = (position.size or 0).to_bytes(2, "big") + min(position.skip, _LARGEST_SKIP).to_bytes(3, "big")
    header = query + _checksum(query + numbers, tail) + numbers
    return f"{_MARK}{urlsafe_b64encode(header).decode().rstrip('=')}{tail}"


def decode(text: str, query: bytes) -> Position:
    """The position that a cursor text stands for in this query. A cursor of Klaviyo's own is taken as it is.

    Raises CursorError for a cursor of another query, and for one that was damaged on its way.
    """
    text = text.strip().strip("\"'`").removeprefix("cursor=")
    if not text.startswith(_MARK):
        if len(text) > LONGEST_CURSOR or not _RAW.fullmatch(text) or text.lower().startswith(("http:", "https:")):
            raise CursorError("this is not a cursor: copy it whole from the last answer, or start again without cursor")
        return Position(text)
    head, tail = text[len(_MARK) : len(_MARK) + _HEADER], text[len(_MARK) + _HEADER :]
    try:
        header = urlsafe_b64decode(head + "==") if head.isascii() else b""
    except ValueError:
        header = b""
    if len(header) != 13 or _checksum(header[:4] + header[8:], tail) != header[4:8]:
        raise CursorError("the cursor is damaged: copy it whole from the last answer, or start again without cursor")
    if header[:4] != query:
        raise CursorError(
            "the cursor belongs to another call: keep the tool, its ids, filter and sort the same, "
            "or start again without cursor"
        )
    size = int.from_bytes(header[8:10], "big")
    return Position(unquote(tail) or None, size or None, int.from_bytes(header[10:], "big"))


def _checksum(header: bytes, tail: str) -> bytes:
    return blake2b(header + tail.encode("utf-8", "replace"), digest_size=4, person=b"checksum").digest()


def page_size(wanted: int, largest: int | None, smallest: int = 1) -> int | None:
    """The page size that brings `wanted` records in the fewest requests, and in those the fewest records too many."""
    if largest is None:
        return None
    requests = -(-max(wanted, 1) // largest)
    return max(smallest, min(largest, -(-max(wanted, 1) // requests)))


@dataclass(slots=True)
class Harvest:
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
            self._end = after(place, page, None)

    def position(self, count: int) -> Position | None:
        """Where the record after the first `count` stands; None when there is none."""
        if count >= len(self.records):
            return self._end
        page = bisect_right(self._firsts, count) - 1
        place = self._places[page]
        return Position(place.cursor, place.size, place.skip + count - self._firsts[page])


def first(start: Position, size: int | None) -> Position:
    """Where to ask from: the records to skip were counted in pages of the size that the cursor tells."""
    return Position(start.cursor, start.size if start.skip and size is not None else size, start.skip)


def after(place: Position, page: Page, size: int | None) -> Position | None:
    """The place of the page behind this one, None behind the last. Raises DocumentError where it leads in a circle."""
    if page.next_cursor is None:
        return None
    if page.next_cursor == place.cursor:
        raise DocumentError("its next cursor leads back to the same page")
    # A page may be shorter than what was to be skipped: the rest goes over to the next.
    return Position(page.next_cursor, size, max(0, place.skip - len(page.records)))


async def read(
    fetch: Fetch,
    start: Position = START,
    *,
    max_results: int,
    size: int | None,
    report: Report | None = None,
    take: Callable[[Page, list[Flat]], bool] | None = None,
) -> Harvest:
    """Read pages one after another until there are `max_results` records (at most CEILING).

    `take` sees each page with the records taken from it, and ends the reading by answering False (the answer is full).
    Progress is told after each page but the last.
    """
    most = min(max_results, CEILING)
    harvest = Harvest(start)
    place: Position | None = first(start, size)
    while place is not None:
        page = await fetch(place.cursor, place.size)
        before = len(harvest.records)
        harvest.add(page, place, most)
        goes_on = take is None or take(page, harvest.records[before:])
        if not goes_on or len(harvest.records) >= most:
            break
        place = after(place, page, size)
        if place is not None and report:
            await report(len(harvest.records), most, f"{len(harvest.records):,} of at most {most:,} records read")
    return harvest
