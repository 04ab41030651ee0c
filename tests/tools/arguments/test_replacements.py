"""Replacements in a text: made exactly where they were meant, or refused with how often the text was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.replacements import Replacement, TextChange, replace_in_texts


def replace(find: str, by: str, count: int = 1, **texts: str) -> list[TextChange]:
    return list(replace_in_texts("replacements.0", Replacement(find=find, replace=by, count=count), texts))


def refusal(find: str, count: int = 1, **texts: str) -> str:
    with pytest.raises(ArgumentsError) as refused:
        replace(find, "", count, **texts)
    return str(refused.value)


def test_a_find_that_stands_nowhere_is_refused() -> None:
    assert refusal("Sale", html="<p>Spring</p>") == (
        'replacements.0: find "Sale" does not stand in html (13 characters). Read the text again'
    )
    assert "; it stands in html with other capitals." in refusal("Sale", html="SALE")


def test_a_find_that_stands_more_often_than_it_says_is_refused_with_its_places() -> None:
    assert refusal("Sale", html="<h1>Sale</h1><p>Sale</p>") == (
        'replacements.0: find "Sale" stands 2 times in html (24 characters), not 1: '
        'html: "<h1>Sale</h1><p>Sale</p>"; html: "<h1>Sale</h1><p>Sale</p>". Give count=2, or a longer find'
    )
    text = refusal("a", subject="a" * 9)
    assert "; and 6 more. Give count=9, or a longer find" in text
    assert " stands once in " in refusal("a", 2, subject="a")


def test_an_error_stays_short_however_long_the_texts_are() -> None:
    assert len(refusal("x" * 5000, html="y" * 90_000).encode()) < 400
    assert len(refusal("x" * 5000, 9, html="x" * 90_000).encode()) < 600


def test_the_number_counts_over_all_texts() -> None:
    changes = replace("Sale", "Deal", 3, subject="Sale", body="Sale, sale, Sale")
    assert [(one.name, one.times, one.text) for one in changes] == [
        ("subject", 1, "Deal"),
        ("body", 2, "Deal, sale, Deal"),
    ]


def test_a_change_shows_the_surroundings_of_its_first_place() -> None:
    (change,) = replace("Sale", "Deal", html=f"{'a' * 50}\nSale {'b' * 50}")
    assert change.before == f'"…{"a" * 23}\\nSale {"b" * 23}…"'
    assert change.after == f'"…{"a" * 23}\\nDeal {"b" * 23}…"'


@pytest.mark.parametrize(
    ("stored", "find", "expected"),
    [
        ("a\r\nb\r\nc", "a\nb", "X\r\nc"),
        ("Su\u00admmer sale", "Summer", "X sale"),
        ("a\u200b \u200bb", "a b", "X"),
        ("\ufeff<p>❤\ufe0f</p>", "<p>❤</p>", "\ufeffX"),
        ("a\u2028b", "a\nb", "X"),
    ],
)
def test_a_find_as_an_answer_showed_it_fits_a_text_with_invisible_characters(
    stored: str, find: str, expected: str
) -> None:
    assert [change.text for change in replace(find, "X", html=stored)] == [expected]


def test_what_consists_of_invisible_characters_alone_is_not_found_everywhere() -> None:
    assert "does not stand in html" in refusal("\u200b", html="abc")


def test_a_character_of_ours_in_the_stored_text_is_text() -> None:
    assert [change.text for change in replace("Enter", "Return", html="Press Enter ⏎ …(+12)")] == [
        "Press Return ⏎ …(+12)"
    ]


TEXTS = st.text(st.sampled_from("ab\r\n\u200b⏎…é👩\u200d🍳\ufe0f<>&"), max_size=40)


@given(TEXTS, TEXTS, TEXTS.filter(bool))
def test_everything_around_the_place_stays_as_it_is(head: str, tail: str, by: str) -> None:
    find = "§needle§"
    (change,) = replace(find, by, html=f"{head}{find}{tail}")
    assert change.text == f"{head}{by}{tail}"


@given(TEXTS, TEXTS.filter(bool), TEXTS)
def test_as_many_places_are_replaced_as_the_text_has(text: str, find: str, by: str) -> None:
    count = text.count(find)
    if count:
        (change,) = replace(find, by, count, html=text)
        assert (change.text, change.times) == (text.replace(find, by), count)
