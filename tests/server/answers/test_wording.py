"""Nouns and counts read as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_mcp.answers.wording import NAME_CHARACTERS, count_noun, hidden_note, plural, quote, singular


@pytest.mark.parametrize(
    ("type_", "one", "several"),
    [
        ("catalog-category", "catalog category", "catalog categories"),
        ("list", "list", "lists"),
        ("metric-property", "metric property", "metric properties"),
        ("images", "images", "images"),
        ("survey", "survey", "surveys"),
        ("template-universal-content", "universal content", "universal content"),
    ],
)
def test_a_type_is_called_as_people_call_it(type_: str, one: str, several: str) -> None:
    assert (singular(type_), plural(singular(type_))) == (one, several)


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (0, "row", "0 rows"),
        (1, "row", "1 row"),
        (1_250, "profile", "1,250 profiles"),
        (2, "address", "2 addresses"),
        (2, "category", "2 categories"),
        (None, "profile", "an unknown number of profiles"),
    ],
)
def test_a_count_stands_with_its_noun(count: int | None, noun: str, words: str) -> None:
    assert count_noun(count, noun) == words


def test_hidden_attributes_beyond_the_first_are_counted() -> None:
    assert hidden_note(["email"]) == "hidden by KLAVIYO_MCP_USER_CONTENT: email"
    assert hidden_note(f"a{n}" for n in range(10)) == (
        "hidden by KLAVIYO_MCP_USER_CONTENT: a0, a1, a2, a3, a4, a5, a6, a7 and 2 more"
    )


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_a_quoted_name_is_one_line_that_closes_once(name: str) -> None:
    text = quote(name)
    assert (text.count('"'), text[0], text[-1]) == (2, '"', '"')
    assert len(text.splitlines()) == 1
    assert len(text) <= NAME_CHARACTERS + 2
