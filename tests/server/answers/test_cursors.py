"""A cursor reads back as its position, and is refused where it is damaged or belongs to another query."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.cursors import CursorError, Position, decode_cursor, encode_cursor, fingerprint

QUERY = fingerprint({"operation": "get_lists", "filter": 'equals(name,"VIP")', "sort": "-created"})


@pytest.mark.parametrize(
    "text",
    ["", "next page", "https://a.klaviyo.com/api/lists?page[cursor]=x", "HTTP://x", "a\nb", "é", "x" * 2001],
)
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
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
def test_a_cursor_reads_back_as_its_position(cursor: str | None, size: int | None, skip: int) -> None:
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


def test_a_cursor_of_klaviyo_is_accepted_unchanged() -> None:
    assert decode_cursor("bmV4dDo6aWQ6OjE=", QUERY) == Position("bmV4dDo6aWQ6OjE=")


def test_the_fingerprint_does_not_depend_on_the_order_of_arguments() -> None:
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
