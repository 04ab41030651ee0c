"""An answer is cut between two lines, as late as its budget allows, and its facts are those of the lines shown."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_mcp.answers.budget import ANSWER_BYTES, answer_text, fit_lines


def facts(count: int) -> str:
    """Facts whose length depends on the number of lines, as that of a cursor may."""
    return f"{count} rows; more: cursor={'c' * (count % 7) * 10}"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["x" * 10, "é" * 900, "x" * 5_000, "x" * 23_000]), min_size=1, max_size=60),
    st.sampled_from([[], ["id,name"], ["é" * 700]]),
    st.booleans(),
)
def test_as_many_lines_as_fit_are_shown(lines: list[str], header: list[str], marked: bool) -> None:
    count, text = fit_lines(lines, facts, header=header, marked=marked)
    assert 1 <= count <= len(lines)
    assert text == facts(count)
    if count > 1:
        assert len(answer_text(text, [*header, *lines[:count]], marked=marked).encode()) <= ANSWER_BYTES
    if count < len(lines):
        # The facts of one line more may be shorter by a cursor, and the marking by some bytes.
        larger = answer_text(facts(count + 1), [*header, *lines[: count + 1]], marked=marked)
        assert len(larger.encode()) > ANSWER_BYTES - 160 - 60


def test_no_lines_are_facts_alone() -> None:
    assert fit_lines([], facts) == (0, facts(0))
    assert answer_text("none", [], marked=True) == "none"
