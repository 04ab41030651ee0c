"""A report as a table: a line of facts, then CSV, cut to the budget of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from klaviyo_mcp.account.directory import Account
from klaviyo_mcp.answers.budget import answer_text, fit_lines
from klaviyo_mcp.answers.csv import csv_lines, filled_columns
from klaviyo_mcp.answers.cursors import START, CursorText, Position
from klaviyo_mcp.reports import facts
from klaviyo_mcp.reports.content import ReportContent
from klaviyo_mcp.reports.rows import ReportRows
from klaviyo_mcp.reports.timeframe import zone_of
from klaviyo_tools.arguments.types import Arguments


@dataclass(frozen=True)
class ReportTable:
    """One report as text.

    Attributes:
        content: The report.
        arguments: The arguments of its request.
        names: Grouping -> id -> name, where the report does not bring the names itself.
        account: The account's timezone and currency.
        now: The time from which the days of a timeframe such as `last_month` are counted.
    """

    content: ReportContent
    arguments: Arguments
    names: Mapping[str, Mapping[str, str]]
    account: Account
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def text(self, start: Position, next_cursor: str | None, notes: Sequence[str], cursor: CursorText) -> str:
        """The answer.

        Args:
            start: The row to begin with.
            next_cursor: Klaviyo's cursor of the page after this one.
            notes: Further facts.
            cursor: Makes the text of the cursor to go on with.
        """
        header, lines, totals = self._lines()
        lines = lines[start.skip :]
        marked = bool(lines) and self.content.untrusted
        middle = [
            *facts.content_facts(self.content, self.arguments, self.account, self.now()),
            *facts.total_facts(self.content, has_totals=totals > 0, is_page=bool(next_cursor or start.cursor)),
            *facts.hidden_facts(self.content),
            *notes,
        ]

        def head(count: int) -> str:
            extent = facts.extent_facts(
                self.content, self.arguments, start, count=count, rows=len(lines), totals=totals
            )
            rest = Position(start.cursor, None, start.skip + count) if count < len(lines) else None
            after = rest or (Position(next_cursor) if next_cursor else None)
            end = "complete" if start == START else "these are the last"
            return "; ".join([*extent, *middle, f"more: cursor={cursor(after)}" if after else end])

        count, first_line = fit_lines(lines, head, header=[header], marked=marked)
        return answer_text(first_line, [header, *lines[:count]] if lines else [], marked=marked)

    def _lines(self) -> tuple[str, list[str], int]:
        """The header, the lines of the rows, totals first, and the number of totals."""
        zone_name = getattr(self.arguments, "timezone", None) or self.account.timezone
        maker = ReportRows(self.content, self.names, zone_of(zone_name))
        header, totals = maker.header(), maker.totals()
        rows = [*totals, *maker.rows()]
        indexes = filled_columns(rows, len(header)) or range(len(header))
        first, *lines = csv_lines([row[index] for index in indexes] for row in [header, *rows])
        return first, lines, len(totals)
