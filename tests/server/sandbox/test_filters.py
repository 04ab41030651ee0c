"""The filter language: parsed, and evaluated over values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.filters import Comparison, matches, parse_filter


@pytest.mark.parametrize(
    "text",
    [
        "", "equals", "equals(", "equals(email)", "equals(email,)", "equals(email,a@example.com)",
        'like(email,"a")', 'equals(email,"a"', 'equals(email,"a"))', 'equals(email,"a") equals(id,"b")',
        'any(email,["a" "b"])', 'equals(email,"a",)', "equals(email,'a)", 'or(equals(email,"a"),equals(id,"b"))',
        'equals(email,"a\\")', "equals(email,'a\\')", "equals(email,'a\")", "any(email,[",
        "greater-than(created,2026-99-99)",
    ],
)  # fmt: skip
def test_a_filter_that_breaks_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(KlaviyoError) as raised:
        parse_filter(text)
    assert raised.value.status == 400
    assert raised.value.parameter == "filter"


def test_a_filter_is_read_as_its_comparisons() -> None:
    assert parse_filter('and(equals(name,"a \\"b\\", c)"),any(id,["x","y"])),has(profile), greater-than(rating,3)') == [
        Comparison("equals", "name", 'a "b", c)'),
        Comparison("any", "id", ["x", "y"]),
        Comparison("has", "profile"),
        Comparison("greater-than", "rating", 3),
    ]


def test_strings_stand_in_single_quotes_too() -> None:
    assert parse_filter("""equals(name,'a \\'b\\', "c"'),any(id,['x',"it's"])""") == [
        Comparison("equals", "name", """a 'b', "c\""""),
        Comparison("any", "id", ["x", "it's"]),
    ]


PRINTABLE_CHARACTERS = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
"""The characters that `str.isprintable` knows."""


@given(st.text(PRINTABLE_CHARACTERS))
def test_the_strings_of_pythons_repr_are_read(text: str) -> None:
    """Klaviyo's own server writes the values of its filters so; it escapes what does not print, as Klaviyo does not."""
    assert parse_filter(f"equals(name,{text!r})") == [Comparison("equals", "name", text)]


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_filter(text)
    except KlaviyoError as error:
        assert error.status == 400


@pytest.mark.parametrize(
    ("text", "actual", "expected"),
    [
        ('equals(a,"x")', "x", True),
        ('equals(a,"x")', "X", False),
        ('equals(email,"A@example.com")', "a@example.com", True),
        ("equals(a,true)", True, True),
        ("equals(a,1)", True, False),
        ('any(a,["x","y"])', "y", True),
        ('contains(a,"ell")', "Hello", True),
        ('contains(a,"x")', ["x", "y"], True),
        ('contains-any(a,["q","x"])', ["x", "y"], True),
        ('contains-all(a,["x","q"])', ["x", "y"], False),
        ('starts-with(a,"he")', "Hello", True),
        ('ends-with(a,"LO")', "Hello", True),
        ("greater-than(a,2026-01-01)", "2026-01-01T00:00:00+00:00", False),
        ("greater-or-equal(a,2026-01-01T00:00:00Z)", "2026-01-01T00:00:00+00:00", True),
        ("less-than(a,2026-01-01T00:00:00Z)", "2025-12-31T23:30:00-02:00", False),
        ("less-or-equal(a,5)", 5, True),
        ("less-than(a,5)", None, False),
        ("greater-than(a,2026-01-01)", 1_800_000_000, True),
        ("has(a)", [], False),
    ],
)
def test_operators_mean_what_klaviyo_says(text: str, actual: Any, expected: bool) -> None:
    (comparison,) = parse_filter(text)
    assert matches(comparison, actual) is expected
