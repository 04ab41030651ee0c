"""The rows of a report as text: totals first, names beside ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any

from klaviyo_mcp.answers.values import cell
from klaviyo_mcp.reports.content import ReportContent
from klaviyo_mcp.reports.groups import Group
from klaviyo_mcp.reports.statistics import RowValues, format_statistic, totals
from klaviyo_mcp.reports.timeframe import time_labels
from klaviyo_tools.operation.report import CHANNEL_GROUPING, Grouping

HIDDEN = "(hidden)"
"""A value that a stranger may have written, where their text is hidden."""
TOTAL = "TOTAL"
"""The name of the row of all groups together."""
NAME_CHARACTERS = 80
"""Characters of a name beside an id."""


class ReportRows:
    """Makes the rows of a report.

    Args:
        content: The report.
        names: Grouping -> id -> name, where the report does not bring the names itself.
        zone: The timezone in which times are written.
    """

    def __init__(self, content: ReportContent, names: Mapping[str, Mapping[str, str]], zone: tzinfo) -> None:
        self._content, self._names, self._zone = content, names, zone
        self._columns = content.columns
        self._is_series = content.times is not None

    def header(self) -> list[str]:
        """The names of the columns."""
        groupings = [grouping.column for grouping in self._columns]
        return [*self._time("time"), *groupings, *(statistic.name for statistic in self._content.statistics)]

    def totals(self) -> list[list[str]]:
        """A row for all groups together, where they add up; in a series, also a row for each group."""
        content, rows = self._content, []
        if len(content.groups) > 1 and not content.overlapping:
            steps = [(step, group) for group in content.groups for step in group.steps()]
            has_channels = any(grouping.name == CHANNEL_GROUPING for grouping in content.groupings)
            channels = [group.keys.get(CHANNEL_GROUPING, "") for _, group in steps] if has_channels else []
            name = [TOTAL, *[""] * (len(self._columns) - 1)]
            rows += self._total(name, [step for step, _ in steps], channels)
        if len(content.times or ()) > 1:
            for group in content.groups:
                rows += self._total(self._keys(group), group.steps())
        return rows

    def rows(self) -> Iterator[list[str]]:
        """A row for each group, in a series for each group and time."""
        labels = time_labels(self._content.times or (), self._zone)
        for group in self._content.groups:
            keys = self._keys(group)
            for at, step in enumerate(group.steps()):
                yield [*self._time(labels[at] if at < len(labels) else ""), *keys, *self._numbers(step)]

    def _time(self, text: str) -> list[str]:
        return [text] if self._is_series else []

    def _total(self, keys: Sequence[str], steps: Sequence[RowValues], channels: Sequence[str] = ()) -> list[list[str]]:
        """One row, or none where no statistic has a total."""
        values = totals(self._content.statistics, steps, channels)
        if all(value is None for value in values.values()):
            return []
        return [[*self._time("total"), *keys, *self._numbers(values)]]

    def _keys(self, group: Group) -> list[str]:
        return [self._key(group, grouping) for grouping in self._columns]

    def _key(self, group: Group, grouping: Grouping) -> str:
        """The value of a grouping; of an id, the name and the id: `Spring sale (01HX…)`."""
        value = group.keys.get(grouping.name, "")
        if not value:
            return self._content.report.missing_value
        if self._content.hide and not grouping.is_trusted(value):
            return HIDDEN
        name = group.keys.get(grouping.name_grouping, "") or self._name(grouping.name, value)
        whole = self._name(grouping.part_of, group.keys.get(grouping.part_of, ""))
        if not name or name in (value, whole):
            return cell(value)
        return f"{cell(name, NAME_CHARACTERS)} ({cell(value)})"

    def _name(self, grouping: str, id_: str) -> str:
        return self._names.get(grouping, {}).get(id_, "")

    def _numbers(self, values: Mapping[str, Any]) -> list[str]:
        return [cell(format_statistic(statistic, values.get(statistic.name))) for statistic in self._content.statistics]
