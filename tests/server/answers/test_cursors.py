"""Cursors go on at exactly the next record, refuse what they do not fit, and nothing is fetched in vain."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.cursors import START, CursorError, Position, decode_cursor, encode_cursor, fingerprint
from klaviyo_mcp.answers.pages import MAX_RESULTS, FetchPage, PagesRead, next_place, page_size, read_pages
from klaviyo_tools.jsonapi.records import DocumentError, Flat, Page

QUERY = fingerprint({"operation": "get_lists", "filter": 'equals(name,"VIP")', "sort": "-created"})


class Collection:
    """A paged collection as Klaviyo serves it: its cursor is the number of the record it begins with."""

    def __init__(self, total: int, own_size: int = 10) -> None:
        self.records = [Flat("list", f"L{number}", {}, {}) for number in range(total)]
        self.own_size = own_size
        self.asked: list[tuple[str | None, int | None]] = []

    async def fetch(self, cursor: str | None, size: int | None) -> Page:
        self.asked.append((cursor, size))
        start = int(cursor.removeprefix("at")) if cursor else 0
        end = start + (size or self.own_size)
        following = f"at{end}" if end < len(self.records) else None
        return Page(self.records[start:end], {}, following, False)


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
    "text",
    ["", "next page", "https://a.klaviyo.com/api/lists?page[cursor]=x", "HTTP://x", "a\nb", "é", "x" * 2001],
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(CursorError) as error:
        decode_cursor(text, QUERY)
    assert str(error.value) == (
        "this is not a cursor: copy it whole from the last answer, or start again without cursor"
    )


def test_a_cursor_of_another_query_is_refused() -> None:
    other = fingerprint({"operation": "get_lists", "sort": "name"})
    with pytest.raises(CursorError) as error:
        decode_cursor(encode_cursor(Position("abc"), other), QUERY)
    assert str(error.value) == (
        "the cursor belongs to another call: keep the tool, its ids, filter and sort the same, "
        "or start again without cursor"
    )


@given(st.data())
def test_a_damaged_cursor_is_refused(data: st.DataObject) -> None:
    text = encode_cursor(Position("bmV4dDo6aWQ6OjE=", 20, 7), QUERY)
    place = data.draw(st.integers(2, len(text) - 1))
    change = data.draw(st.sampled_from(["cut", "swap", "double"]))
    if change == "cut":
        damaged = text[:place]
    elif change == "double":
        damaged = text[:place] + text[place] + text[place:]
    else:
        damaged = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
    # The last character of the header stands for four bits of which two are spare.
    try:
        position = decode_cursor(damaged, QUERY)
    except CursorError as error:
        assert "start again without cursor" in str(error)
    else:
        assert position == Position("bmV4dDo6aWQ6OjE=", 20, 7)


@given(
    st.none() | st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
    st.none() | st.integers(1, 1000),
    st.integers(0, 100_000),
)
def test_a_cursor_reads_back_as_the_position_it_was_made_of(cursor: str | None, size: int | None, skip: int) -> None:
    position = Position(cursor, size, skip)
    text = encode_cursor(position, QUERY)
    assert decode_cursor(text, QUERY) == position
    assert decode_cursor(f' "{text}" ', QUERY) == position
    assert re.fullmatch(r"[A-Za-z0-9_.~=%-]+", text)


def test_a_cursor_is_short_and_always_the_same() -> None:
    assert encode_cursor(Position("bmV4dDo6aWQ6OjE=", 20, 7), QUERY) == encode_cursor(
        Position("bmV4dDo6aWQ6OjE=", 20, 7), QUERY
    )
    assert len(encode_cursor(Position("bmV4dDo6aWQ6OjE=", 20, 7), QUERY)) == len("bmV4dDo6aWQ6OjE=") + 20


def test_a_cursor_of_klaviyos_own_is_taken_as_it_is() -> None:
    assert decode_cursor("bmV4dDo6aWQ6OjE=", QUERY) == Position("bmV4dDo6aWQ6OjE=")


def test_the_fingerprint_does_not_depend_on_the_order_of_arguments() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


@pytest.mark.parametrize(
    ("wanted", "largest", "size"),
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
def test_the_page_size_brings_what_is_wanted_in_the_fewest_requests(
    wanted: int, largest: int | None, size: int | None
) -> None:
    assert page_size(wanted, largest) == size


@pytest.mark.anyio
async def test_paging_that_leads_in_a_circle_is_an_error() -> None:
    async def fetch(cursor: str | None, size: int | None) -> Page:
        return Page([Flat("list", "L", {}, {})], {}, "same", False)

    with pytest.raises(DocumentError, match="leads back to a page that was already read"):
        await read_records(fetch, max_results=10, size=None)
    assert next_place(Position("a"), Page([], {}, "b", False), 5) == Position("b", 5)


@pytest.mark.anyio
async def test_an_error_on_a_later_page_is_raised_and_not_taken_for_the_end() -> None:
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
    assert collection.asked == [(None, 10), ("at10", 10)]


@pytest.mark.anyio
async def test_no_page_is_asked_for_beyond_what_is_wanted() -> None:
    collection = Collection(100)
    read = await read_records(collection.fetch, max_results=20, size=10)
    assert collection.asked == [(None, 10), ("at10", 10)]
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
        following = number + 1 if number < before + length else before + 1
        return Page([], {}, str(following), False)

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
    assert collection.asked == [(None, 10), ("at10", 10)]


@pytest.mark.anyio
async def test_no_more_pages_are_read_than_the_most() -> None:
    collection = Collection(100)
    read = await read_records(collection.fetch, max_results=100, size=10, max_pages=3)
    assert (len(collection.asked), len(read.records)) == (3, 30)
    assert read.position(30) == Position("at30", None, 0)


@pytest.mark.anyio
async def test_records_beyond_the_most_stay_reachable() -> None:
    collection = Collection(5000)
    read = await read_records(collection.fetch, max_results=MAX_RESULTS, size=300)
    assert len(read.records) == 1000
    assert len(collection.asked) == 4
    assert read.position(1000) == Position("at900", 300, 100)


@pytest.mark.anyio
async def test_progress_is_told_after_each_page_but_the_last() -> None:
    told: list[tuple[float, float | None, str]] = []

    async def report(done: float, total: float | None, message: str) -> None:
        told.append((done, total, message))

    await read_records(Collection(25).fetch, max_results=100, size=10, report=report, total=100)
    assert told == [
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
    assert collection.asked == [("at10", 10), ("at20", 50)]
    assert ids(read) == [f"L{n}" for n in range(14, 64)]


@pytest.mark.anyio
async def test_a_page_that_became_shorter_than_what_was_skipped_is_passed_over() -> None:
    collection = Collection(30)
    read = await read_records(collection.fetch, Position(None, 10, 13), max_results=5, size=10)
    assert ids(read) == ["L13", "L14", "L15", "L16", "L17"]


@pytest.mark.anyio
async def test_an_empty_page_before_the_end_is_not_the_end() -> None:
    pages = {None: Page([], {}, "b", False), "b": Page([Flat("list", "L", {}, {})], {}, None, False)}

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
        found: list[str] = []
        text: str | None = None
        for turn in range(200):
            wanted, cut = calls[turn % len(calls)]
            start = decode_cursor(text, QUERY) if text else START
            read = await read_records(
                collection.fetch, start, max_results=wanted, size=page_size(wanted, own_size) if sized else None
            )
            shown = min(cut, len(read.records))
            found += ids(read)[:shown]
            position = read.position(shown)
            if position is None:
                return found
            text = encode_cursor(position, QUERY)
        raise AssertionError("the cursors never came to an end")

    assert anyio.run(follow) == [f"L{n}" for n in range(total)]
