"""Lines of CSV read back as the rows that they were made of."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.csv import csv_lines, filled_columns

cell_texts = st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=20)


@given(st.lists(st.lists(cell_texts, min_size=1, max_size=5), max_size=5))
def test_lines_read_back_as_their_rows(rows: list[list[str]]) -> None:
    lines = csv_lines(rows)
    assert len(lines) == len(rows)
    assert [next(csv.reader([line], strict=True)) for line in lines] == rows


def test_only_what_needs_quotes_is_quoted() -> None:
    assert csv_lines([["a b", "a,b", 'a"b', "", "c\u2028d"]]) == ['a b,"a,b","a""b",,c\u2028d']


@pytest.mark.parametrize(
    ("rows", "filled"),
    [
        ([], []),
        ([["", ""]], []),
        ([["a", "", ""], ["", "", "c"]], [0, 2]),
        ([["a"], ["", "b"]], [0, 1]),
        ([["a", "b", "c", "beyond the width"]], [0, 1, 2]),
    ],
)
def test_columns_without_a_value_are_left_out(rows: list[list[str]], filled: list[int]) -> None:
    assert filled_columns(rows, 3) == filled
