"""Statistics of reports: rates as percentages, money to the cent, and totals only where they are true.

The total of a quotient is the quotient of the totals; it is never the mean of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from klaviyo_tools.operation.report import Kind, Statistic

RowValues = Mapping[str, Any]
"""The statistics of one row, by name."""


def format_statistic(statistic: Statistic, value: Any) -> str:
    """A value as text: `42.3%`, `0.25%`, `1234.50`, `17`; text as it is, and nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if statistic.kind is Kind.RATE:
        percent = 100 * value
        return f"{percent:.1f}%" if abs(percent) >= 1 else f"{percent:.2f}%" if percent else "0%"
    if statistic.kind is Kind.MONEY:
        return f"{value:.2f}" if value else "0"
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def total(statistic: Statistic, rows: Sequence[RowValues], channels: Sequence[str] = ()) -> float | None:
    """The value of a statistic for all rows together; None where it does not follow from the rows.

    `channels` are the channels of the rows; without them, every channel counts.
    """
    if statistic.adds_up:
        numbers = [number for row in rows if (number := _number(row.get(statistic.name))) is not None]
        return sum(numbers) if numbers else None
    if statistic.quotient is None:
        return None
    if statistic.excluded_channels and channels:
        pairs = zip(rows, channels, strict=True)
        rows = [row for row, channel in pairs if channel not in statistic.excluded_channels]
    return _quotient(statistic, statistic.quotient, rows)


def _quotient(statistic: Statistic, terms: tuple[str, str], rows: Sequence[RowValues]) -> float | None:
    above = below = 0.0
    for row in rows:
        quotient, numerator, denominator = (_number(row.get(name)) for name in (statistic.name, *terms))
        if denominator is None or (quotient is None and numerator is None):
            return None
        if numerator is None or statistic.derives_numerator:
            numerator = (quotient or 0.0) * denominator
        above += numerator
        below += denominator
    return above / below if below else None


def totals(
    statistics: Sequence[Statistic], rows: Sequence[RowValues], channels: Sequence[str] = ()
) -> dict[str, float | None]:
    """`total` of each statistic, by name."""
    return {statistic.name: total(statistic, rows, channels) for statistic in statistics}


def sort_statistics(statistics: Sequence[Statistic]) -> list[Statistic]:
    """The statistics to sort rows by: those that are declared for it, or else the first."""
    ranked = [statistic for statistic in statistics if statistic.sort_rank]
    return sorted(ranked, key=lambda statistic: statistic.sort_rank) or list(statistics[:1])


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
