"""The content of a report in the order in which it is shown: its columns, and its groups with the largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from klaviyo_mcp.reports.groups import Group, ReportData, sort_groups
from klaviyo_mcp.reports.statistics import sort_statistics
from klaviyo_tools.operation.report import Grouping, Report, Statistic


@dataclass(frozen=True, slots=True)
class ReportContent:
    """What a report shows.

    Attributes:
        report: The declaration of the report.
        times: The times of a series; None where the report has totals alone.
        groups: The groups that are shown, in their order.
        zero_groups: The number of groups that are left out because all their statistics are zero.
        statistics: The columns of numbers.
        groupings: All groupings of the rows.
        hidden: The groupings that are left out, because people outside the account can write their values.
        hide: Whether values that strangers may have written are left out, also of the groupings that are shown.
        sorted_by: The statistics that the groups are sorted by; none where the call chose an order.
    """

    report: Report
    times: Sequence[str] | None
    groups: Sequence[Group]
    zero_groups: int
    statistics: Sequence[Statistic]
    groupings: Sequence[Grouping]
    hidden: Sequence[Grouping]
    sorted_by: Sequence[Statistic]
    hide: bool = False

    @property
    def columns(self) -> list[Grouping]:
        """The groupings that are columns: a grouping of names stands beside its ids instead."""
        beside = {grouping.name_grouping for grouping in self.groupings}
        return [grouping for grouping in self.groupings if grouping.name not in beside and grouping not in self.hidden]

    @property
    def overlapping(self) -> str:
        """What overlaps, so that rows do not add up; empty where they do."""
        return next((grouping.overlapping for grouping in self.groupings if grouping.overlapping), "")

    @property
    def untrusted(self) -> bool:
        """Whether people outside the account can write a value or a name that is shown."""
        if self.hide:
            return False
        undeclared = any(not self.report.declares(statistic) for statistic in self.statistics)
        return undeclared or any(grouping.untrusted for grouping in self.groupings)

    def hides(self, grouping: Grouping) -> bool:
        """Whether it leaves out a value of a grouping."""
        values = {group.keys.get(grouping.name, "") for group in self.groups} - {""}
        return self.hide and not all(map(grouping.is_trusted, values))


def arrange_report(report: Report, data: ReportData, *, keep_order: bool = False, hide: bool = False) -> ReportContent:
    """The content of a report.

    Args:
        keep_order: Keep the order in which Klaviyo answered.
        hide: Leave out what people outside the account can write.
    """
    groups = data.groups
    statistics = [report.statistic(name) for name in dict.fromkeys(name for group in groups for name in group.values)]
    groupings = [report.grouping(name) for name in (groups[0].keys if groups else ())]
    if hide:
        statistics = [statistic for statistic in statistics if report.declares(statistic)]
    if data.times is not None and groupings:
        groups = [group for group in groups if not group.is_zero()]
    sorted_by = [] if keep_order else sort_statistics(statistics)
    return ReportContent(
        report,
        data.times,
        sort_groups(groups, sorted_by) if sorted_by else groups,
        len(data.groups) - len(groups),
        statistics,
        groupings,
        [grouping for grouping in groupings if hide and not grouping.shows_some_values],
        sorted_by,
        hide,
    )
