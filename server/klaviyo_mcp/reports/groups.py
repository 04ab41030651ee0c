"""The document of a report, read into groups: one combination of groupings each, with its statistics at every time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from klaviyo_mcp.answers.values import cell
from klaviyo_mcp.reports.statistics import total
from klaviyo_tools.jsonapi.records import Page
from klaviyo_tools.operation.report import Statistic

MAX_FIGURE = 1e15
"""The largest statistic that is added up: whole numbers are exact as far as this."""
NO_FIGURE = "(no number)"
_FIGURE_TEXT = re.compile(r"[\w.,%+-]{1,24}")
"""A statistic that Klaviyo wrote as text."""


@dataclass(frozen=True)
class Group:
    """One combination of groupings.

    Attributes:
        keys: Grouping -> its value.
        values: Statistic -> its value at every time; a list of one where the report has no times.
    """

    keys: Mapping[str, str]
    values: Mapping[str, Sequence[Any]]

    def steps(self) -> list[dict[str, Any]]:
        """The statistics at every time."""
        count = max(map(len, self.values.values()), default=0)
        return [
            {name: series[at] if at < len(series) else None for name, series in self.values.items()}
            for at in range(count)
        ]

    def is_zero(self) -> bool:
        """Whether every statistic is zero or null at every time."""
        return not any(any(series) for series in self.values.values())

    def weight(self, statistic: Statistic) -> float:
        """The total over time of a statistic, or its latest value where it has no total."""
        whole = total(statistic, self.steps())
        if whole is not None:
            return whole
        numbers = [value for value in self.values.get(statistic.name, ()) if isinstance(value, int | float)]
        return numbers[-1] if numbers else 0.0


class ReportData(NamedTuple):
    """A report as Klaviyo answered it; `times` is None where it has none."""

    times: Sequence[str] | None
    groups: Sequence[Group]


def sort_groups(groups: Sequence[Group], statistics: Sequence[Statistic]) -> list[Group]:
    """The groups, those with the largest value of the first statistic first; equal ones by the next statistic."""
    return sorted(groups, key=lambda group: [-group.weight(statistic) for statistic in statistics])


def read_report(page: Page, dimensions: Sequence[str]) -> ReportData | None:
    """The groups of a report or an aggregate; None where the document is neither.

    `dimensions` are the names of an aggregate's groupings, whose values stand in the same order.
    """
    if not page.single or not page.records:
        return None
    attributes = page.records[0].attributes
    times = attributes.get("date_times") or attributes.get("dates")
    times = [str(time) for time in times] if isinstance(times, list) else None
    results, data = attributes.get("results"), attributes.get("data")
    if isinstance(results, list):
        rows = [Group(_texts(_object(row, "groupings")), _series(_object(row, "statistics"))) for row in results]
        return ReportData(times, rows)
    if isinstance(data, list) and times is not None:
        rows = [Group(_dimension_values(row, dimensions), _series(_object(row, "measurements"))) for row in data]
        return ReportData(times, rows)
    return None


def _object(row: Any, name: str) -> Mapping[str, Any]:
    value = row.get(name) if isinstance(row, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _series(values: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    return {
        name: [_figure(item) for item in (value if isinstance(value, list) else [value])]
        for name, value in values.items()
    }


def _figure(value: Any) -> Any:
    """A statistic that can be added up; anything but a finite number is text, so that no sum or rate fails on it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return value if -MAX_FIGURE <= value <= MAX_FIGURE else NO_FIGURE
    if value is None:
        return None
    return value if isinstance(value, str) and _FIGURE_TEXT.fullmatch(value) else NO_FIGURE


def _texts(groupings: Mapping[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else cell(value) for name, value in groupings.items()}


def _dimension_values(row: Any, names: Sequence[str]) -> dict[str, str]:
    values = row.get("dimensions") if isinstance(row, Mapping) else None
    values = values if isinstance(values, list) else []
    return _texts({names[at] if at < len(names) else f"dimension_{at + 1}": value for at, value in enumerate(values)})
