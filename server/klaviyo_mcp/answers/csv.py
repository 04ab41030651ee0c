"""CSV: rows of values as lines."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence


class _Lines(list[str]):
    """A list that the csv module can write to as to a file: it writes each row in one piece."""

    write = list.append


def csv_lines(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as CSV lines without line ends; a value with a comma or a quote is quoted. No value may hold a line feed."""
    return [_line(row) for row in rows]


def _line(row: Sequence[str]) -> str:
    line = ",".join(row)
    # The csv module takes seven times as long, and few rows have a value to quote.
    if len(row) > 1 and '"' not in line and line.count(",") < len(row) and line.isprintable():
        return line
    lines = _Lines()
    csv.writer(lines, lineterminator="\n").writerow(row)
    return lines[0][:-1]


def filled_columns(rows: Iterable[Sequence[str]], width: int) -> list[int]:
    """The indexes, below `width`, of the columns in which any row has a value; a row may be shorter than others."""
    empty = list(range(width))
    for row in rows:
        length = len(row)
        empty = [index for index in empty if index >= length or not row[index]]
        if not empty:
            break
    return [index for index in range(width) if index not in empty]
