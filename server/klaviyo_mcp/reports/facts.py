"""The facts above the rows of a report: their number, timeframe, order and currency, and the omissions."""

from __future__ import annotations

from datetime import datetime

from klaviyo_mcp.account.directory import Account
from klaviyo_mcp.answers.budget import FITTING
from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_mcp.answers.wording import UNDECLARED, count_noun, hidden_note, quote_words
from klaviyo_mcp.reports.content import ReportContent
from klaviyo_mcp.reports.rows import TOTAL
from klaviyo_mcp.reports.timeframe import timeframe_text
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.report import CHANNEL_GROUPING

_INTERVALS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


def extent_facts(
    content: ReportContent, arguments: Arguments, start: Position, *, count: int, rows: int, totals: int
) -> list[str]:
    """How many rows there are, and how many of them are shown.

    Args:
        start: The row that the answer begins with.
        count: The number of rows in the answer, totals included.
        rows: The number of rows from `start` on, totals included.
        totals: The number of totals at the beginning of the report.
    """
    if content.times is not None:
        return _series_extent(content, arguments, start, count, rows)
    if start.skip == 0:
        count, rows = count - totals, rows - totals
    if start != START:
        return [f"next {count_noun(count, 'row')}"]
    return [count_noun(count, "row") if count == rows else f"{count:,} of {rows:,} rows ({FITTING})"]


def _series_extent(content: ReportContent, arguments: Arguments, start: Position, count: int, rows: int) -> list[str]:
    interval = getattr(arguments, "interval", None) or "day"
    unit = _INTERVALS.get(interval, interval)
    facts = [f"{count_noun(len(content.groups), 'group')} at {len(content.times or ()):,} times (by {unit})"]
    if start.skip:
        facts.append(f"next {count_noun(count, 'row')}")
    elif count < rows:
        facts.append(f"{count:,} of {rows:,} rows ({FITTING}), totals first")
    return facts


def content_facts(content: ReportContent, arguments: Arguments, account: Account, now: datetime) -> list[str]:
    """The timeframe, the groups that are left out, the order and the currency."""
    facts = []
    if timeframe := timeframe_text(arguments, getattr(arguments, "timezone", None) or account.timezone, now):
        facts.append(timeframe)
    if content.zero_groups:
        facts.append(f"{count_noun(content.zero_groups, 'group')} with zeros only left out")
    if len(content.groups) > 1 and content.sorted_by:
        facts.append(f"sorted by {quote_words(content.sorted_by[0].name)}")
    has_money = any(statistic.is_money for statistic in content.statistics)
    if account.currency and has_money and not any(grouping.is_currency for grouping in content.groupings):
        facts.append(f"money in {quote_words(account.currency, 10)}")
    return facts


def total_facts(content: ReportContent, *, has_totals: bool, is_page: bool) -> list[str]:
    """What the row of totals does not cover, or why there is none; `is_page`: Klaviyo answered with a part alone."""
    if len(content.groups) < 2:
        return []
    if content.overlapping:
        return [f"no {TOTAL}, for {content.overlapping} overlap"]
    facts = []
    if has_totals and (channels := _excluded_channels(content)):
        facts.append(f"open rates of {TOTAL} are without {' and '.join(channels)}")
    if has_totals and is_page:
        facts.append(f"{TOTAL} is of this page of the report")
    return facts


def hidden_facts(content: ReportContent) -> list[str]:
    """The groupings that a setting hides, in whole or in part."""
    names = [
        grouping.name if content.report.declares(grouping) else UNDECLARED
        for grouping in content.groupings
        if content.hides(grouping)
    ]
    return [hidden_note(dict.fromkeys(names))] if names else []


def _excluded_channels(content: ReportContent) -> list[str]:
    """The channels of rows that a statistic says nothing of."""
    excluded = {channel for statistic in content.statistics for channel in statistic.excluded_channels}
    return sorted({group.keys.get(CHANNEL_GROUPING, "") for group in content.groups} & excluded)
