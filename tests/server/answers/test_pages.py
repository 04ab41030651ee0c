"""Pages are read in order, each record once, and none is fetched in vain."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.cursors import START, Position, decode_cursor, encode_cursor, fingerprint
from klaviyo_mcp.answers.pages import MAX_RESULTS, FetchPage, PagesRead, next_place, page_size, read_pages
from klaviyo_tools.jsonapi.records import DocumentError, Page, Record

QUERY = fingerprint({"operation": "get_lists"})


class Collection:
    """A paged collection as Klaviyo serves it: its cursor is the number of the record it begins with."""

    def __init__(self, total: int, own_size: int = 10) -> None:
        self.records = [Record("list", f"L{number}", {}, {}) for number in range(total)]
        self.own_size = own_size
        self.requests: list[tuple[str | None, int | None]] = []

    async def fetch(self, cursor: str | None, size: int | None) -> Page:
        self.requests.append((cursor, size))
        start = int(cursor.removeprefix("at")) if cursor else 0
        end = start + (size or self.own_size)
        next_cursor = f"at{end}" if end < len(self.records) else None
        return Page(self.records[start:end], {}, next_cursor, False)


def ids(read: PagesRead) -> list[str]:
    return [record.id for record in read.records]


async def read_records(
    fetch: FetchPage, start: Position = START, *, max_results: int, size: int | None, **options: Any
) -> PagesRead:
    """Read pages until there are `max_results` records, as an answer does."""
    read = PagesRead(start, max_results)
    async with aclosing(read_pages(fetch, start, size=size, **options)) as pages:
        async for place, page in pages:
            read.add(place, page)
            if len(read.records) >= max_results:
                break
    return read


@pytest.mark.parametrize(
    ("max_results", "largest", "size"),
    [
        (50, 100, 50),
        (1, 100, 1),
        (100, 100, 100),
        (120, 100, 60),
        (1000, 100, 100),
        (7, 5, 4),
        (50, None, None),
        (0, 10, 1),
    ],
)
def test_the_page_size_reads_the_records_in_the_fewest_requests(
    max_results: int, largest: int | None, size: int | None
) -> None:
    assert page_size(max_results, largest) == size


@pytest.mark.anyio
async def test_a_cursor_that_leads_back_to_its_own_page_is_an_error() -> None:
    async def fetch(cursor: str | None, size: int | None) -> Page:
        return Page([Record("list", "L", {}, {})], {}, "same", False)

    with pytest.raises(DocumentError, match="leads back to a page that was already read"):
        await read_records(fetch, max_results=10, size=None)
    assert next_place(Position("a"), Page([], {}, "b", False), 5) == Position("b", 5)


@pytest.mark.anyio
async def test_an_error_on_a_later_page_is_raised_and_is_not_the_end() -> None:
    collection = Collection(30)

    async def fetch(cursor: str | None, size: int | None) -> Page:
        if cursor == "at20":
            raise DocumentError("the answer has no data member")
        return await collection.fetch(cursor, size)

    with pytest.raises(DocumentError):
        await read_records(fetch, max_results=30, size=10)


@pytest.mark.anyio
async def test_reading_is_cancelled_between_pages() -> None:
    collection = Collection(100)

    async def fetch(cursor: str | None, size: int | None) -> Page:
        if cursor == "at20":
            await anyio.sleep_forever()
        return await collection.fetch(cursor, size)

    with anyio.move_on_after(0.01) as scope:
        await read_records(fetch, max_results=100, size=10)
    assert scope.cancelled_caught
    assert collection.requests == [(None, 10), ("at10", 10)]


@pytest.mark.anyio
async def test_no_page_is_fetched_beyond_the_last_record() -> None:
    collection = Collection(100)
    read = await read_records(collection.fetch, max_results=20, size=10)
    assert collection.requests == [(None, 10), ("at10", 10)]
    assert ids(read) == [f"L{n}" for n in range(20)]
    assert read.position(20) == Position("at20", None, 0)


@pytest.mark.anyio
@pytest.mark.parametrize("length", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("before", [0, 1, 5])
async def test_a_circle_of_any_length_is_found(length: int, before: int) -> None:
    fetched = 0

    async def fetch(cursor: str | None, size: int | None) -> Page:
        nonlocal fetched
        fetched += 1
        number = int(cursor or 0)
        next_cursor = number + 1 if number < before + length else before + 1
        return Page([], {}, str(next_cursor), False)

    with pytest.raises(DocumentError, match="leads back to a page that was already read"):
        await read_records(fetch, max_results=10, size=None)
    assert fetched <= 3 * (before + length)


@pytest.mark.anyio
async def test_reading_ends_where_the_reader_leaves_the_loop() -> None:
    collection = Collection(100)
    async with aclosing(read_pages(collection.fetch, size=10)) as pages:
        async for place, page in pages:
            assert (place.cursor, len(page.records)) in [(None, 10), ("at10", 10)]
            if place.cursor == "at10":
                break
    assert collection.requests == [(None, 10), ("at10", 10)]


@pytest.mark.anyio
async def test_no_more_pages_are_read_than_the_most() -> None:
    collection = Collection(100)
    read = await read_records(collection.fetch, max_results=100, size=10, max_pages=3)
    assert (len(collection.requests), len(read.records)) == (3, 30)
    assert read.position(30) == Position("at30", None, 0)


@pytest.mark.anyio
async def test_records_beyond_the_most_stay_reachable() -> None:
    collection = Collection(5000)
    read = await read_records(collection.fetch, max_results=MAX_RESULTS, size=300)
    assert len(read.records) == 1000
    assert len(collection.requests) == 4
    assert read.position(1000) == Position("at900", 300, 100)


@pytest.mark.anyio
async def test_progress_is_reported_after_each_page_but_the_last() -> None:
    reports: list[tuple[float, float | None, str]] = []

    async def report(done: float, total: float | None, message: str) -> None:
        reports.append((done, total, message))

    await read_records(Collection(25).fetch, max_results=100, size=10, report=report, total=100)
    assert reports == [
        (10, 100, "10 of at most 100 records read"),
        (20, 100, "20 of at most 100 records read"),
    ]


@pytest.mark.anyio
async def test_a_collection_without_pages_goes_on_where_it_was_cut() -> None:
    collection = Collection(30, own_size=1000)
    first = await read_records(collection.fetch, max_results=12, size=None)
    assert first.position(12) == Position(None, None, 12)
    rest = await read_records(collection.fetch, Position(None, None, 12), max_results=100, size=None)
    assert ids(first) + ids(rest) == [record.id for record in collection.records]
    assert rest.position(len(rest.records)) is None


@pytest.mark.anyio
async def test_records_to_skip_are_counted_in_pages_of_the_size_they_were_cut_from() -> None:
    collection = Collection(100)
    read = await read_records(collection.fetch, Position("at10", 10, 4), max_results=50, size=50)
    assert collection.requests == [("at10", 10), ("at20", 50)]
    assert ids(read) == [f"L{n}" for n in range(14, 64)]


@pytest.mark.anyio
async def test_records_to_skip_beyond_a_page_are_skipped_in_the_next() -> None:
    collection = Collection(30)
    read = await read_records(collection.fetch, Position(None, 10, 13), max_results=5, size=10)
    assert ids(read) == ["L13", "L14", "L15", "L16", "L17"]


@pytest.mark.anyio
async def test_an_empty_page_before_the_end_is_not_the_end() -> None:
    pages = {None: Page([], {}, "b", False), "b": Page([Record("list", "L", {}, {})], {}, None, False)}

    async def fetch(cursor: str | None, size: int | None) -> Page:
        return pages[cursor]

    assert ids(await read_records(fetch, max_results=5, size=None)) == ["L"]


@given(
    total=st.integers(0, 60),
    own_size=st.integers(1, 20),
    sized=st.booleans(),
    calls=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=6),
)
def test_following_the_cursors_reaches_every_record_once_and_in_order(
    total: int, own_size: int, sized: bool, calls: list[tuple[int, int]]
) -> None:
    """Each call asks for some number of results, and its answer is cut after some of them."""

    async def follow() -> list[str]:
        collection = Collection(total, own_size)
        ids_read: list[str] = []
        text: str | None = None
        for turn in range(200):
            max_results, cut = calls[turn % len(calls)]
            start = decode_cursor(text, QUERY) if text else START
            read = await read_records(
                collection.fetch,
                start,
                max_results=max_results,
                size=page_size(max_results, own_size) if sized else None,
            )
            count = min(cut, len(read.records))
            ids_read += ids(read)[:count]
            position = read.position(count)
            if position is None:
                return ids_read
            text = encode_cursor(position, QUERY)
        raise AssertionError("the cursors never came to an end")

    assert anyio.run(follow) == [f"L{n}" for n in range(total)]
