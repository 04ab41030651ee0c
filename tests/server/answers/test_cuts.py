"""A text is cut where its parts, cleaned each by itself, are still the text."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.cuts import cut_position
from klaviyo_mcp.untrusted import clean


@pytest.mark.parametrize(
    ("text", "limit", "position"),
    [
        ("abc", 5, 3),
        ("abc", 2, 2),
        ("abc", 0, 0),
        ("abc", -1, 0),
        ("ab👩\u200d🚀cd", 3, 2),
        ("ab👩\u200d🚀cd", 5, 5),
        ("🇳🇴🇸🇪", 3, 2),
        ("e\u0301x", 1, 0),
        ("e\u0301x", 2, 2),
        ("1️⃣1️⃣", 4, 3),
    ],
)
def test_a_cut_is_between_two_graphemes(text: str, limit: int, position: int) -> None:
    assert cut_position(text, limit) == position


@pytest.mark.parametrize("limit", [900, 5_000])
def test_what_no_person_writes_is_cut_all_the_same(limit: int) -> None:
    assert 0 < cut_position("a" + "\u0301" * 9_000, limit) <= limit


@given(
    st.text(
        st.sampled_from("ab 😀👩❤م\u0650\u200c\u200d\ufe0f🏴\U000e0067\U000e0062\U000e007fकष\u094d1\u20e3🇳🇴"),
        max_size=60,
    ),
    st.integers(0, 60),
)
def test_both_parts_stay_what_they_are(text: str, limit: int) -> None:
    text = clean(text)
    position = cut_position(text, limit)
    assert position <= max(limit, 0)
    ends = {0, *(match.end() for match in regex.finditer(r"\X", text))}
    assert position in ends
    assert clean(text[:position]) + clean(text[position:]) == text
