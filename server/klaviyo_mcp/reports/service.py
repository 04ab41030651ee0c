"""Reports with the names that Klaviyo leaves out: metrics by name, ids joined to names, answers kept for minutes.

Klaviyo answers few reports (2 a minute, 225 a day): within some minutes the same report is answered from a cache, and
the answer says how old it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.account.directory import Directory
from klaviyo_mcp.account.reads import run_together
from klaviyo_mcp.answers.cursors import START, Position, decode_cursor, encode_cursor, fingerprint
from klaviyo_mcp.answers.record import document_text
from klaviyo_mcp.answers.view import View
from klaviyo_mcp.answers.wording import quote
from klaviyo_mcp.cache import ExpiringCache
from klaviyo_mcp.reports.content import ReportContent, arrange_report
from klaviyo_mcp.reports.groups import read_report
from klaviyo_mcp.reports.table import ReportTable
from klaviyo_mcp.reports.timeframe import takes_timezone
from klaviyo_mcp.threads import run_sized
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.records import Page
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.report import CHANNEL_GROUPING, Report
from klaviyo_tools.registry import resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.account.reads import AccountReads

CACHE_SECONDS = 300.0
"""Seconds for which a report is answered again without asking Klaviyo."""
MAX_CACHED_REPORTS = 32
_METRIC_IN_FILTER = re.compile(r'equals\(metric_id,"([^"\\]+)"\)')

SendReport = Callable[[Arguments], Awaitable[Page]]
"""Asks Klaviyo for a report."""


@dataclass
class ReportService:
    """The reports of one process. `account_key` tells one account from another."""

    reads: AccountReads
    directory: Directory
    account_key: Callable[[], str] = str
    cache: ExpiringCache[str, tuple[Page, str]] = field(
        default_factory=lambda: ExpiringCache(max_entries=MAX_CACHED_REPORTS)
    )
    """Reports, each with the account that it is of; empty while the account is unknown."""

    def forget(self) -> None:
        """The account may be another now."""
        self.cache.clear()

    async def with_metrics(self, operation: Operation, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of a report with the id of the metric that they name.

        Raises ArgumentsError for a name that no metric has, or several.
        """
        metric = operation.report.metric if operation.report else None
        name = arguments.get(metric.name) if metric else None
        if metric is None or not isinstance(name, str) or not name.strip():
            return arguments
        return {**arguments, metric.name: await self.directory.metric_id(name, metric.name)}

    async def filter_with_metrics(self, filter_: str) -> str:
        """A filter with the ids of the metrics that it names. Raises ArgumentsError as `with_metrics` does."""
        for name in dict.fromkeys(_METRIC_IN_FILTER.findall(filter_)):
            id_ = await self.directory.metric_id(name, "filter: metric_id")
            filter_ = filter_.replace(f'equals(metric_id,"{name}")', f'equals(metric_id,"{id_}")')
        return filter_

    async def answer(self, operation: Operation, arguments: Arguments, send: SendReport) -> str:
        """The answer of a report. Raises KlaviyoMcpError, CursorError."""
        report = operation.report or Report(())
        query = fingerprint(
            {"operation": operation.name, **arguments.model_dump(mode="json", exclude={"cursor"}, exclude_none=True)}
        )
        cursor = getattr(arguments, "cursor", None)
        start = decode_cursor(cursor, query) if cursor else START
        request = await self._complete(report, arguments, start)
        page, age = await self._page(operation, request, send, goes_on=start.skip > 0)
        data = read_report(page, getattr(request, report.groupings_argument, None) or ())
        if data is None:
            unknown = replace(resource_type(operation.resource), untrusted=("*",))
            return document_text(page, unknown, view=View(hide=self.reads.hide))
        keep_order = bool(getattr(request, "sort", None))
        arrange = partial(arrange_report, report, data, keep_order=keep_order, hide=self.reads.hide)
        content = await run_sized(page.size, arrange)
        names, account, metric = await run_together(
            partial(self._names, content), self.directory.account, partial(self._metric_note, report, request)
        )
        notes = [*([metric] if metric else []), *([f"cached {_age_text(age)} ago"] if age is not None else [])]
        table = ReportTable(content, request, names, account)
        write = partial(table.text, start, page.next_cursor, notes, lambda position: encode_cursor(position, query))
        return await run_sized(page.size, write)

    async def _complete(self, report: Report, arguments: Arguments, start: Position) -> Arguments:
        """The arguments that Klaviyo gets: its own cursor, the groupings that bring names, the account's timezone."""
        changes: dict[str, Any] = {}
        if getattr(arguments, "cursor", None):
            changes["cursor"] = start.cursor
        if report.added_groupings:
            groupings = getattr(arguments, report.groupings_argument, None) or report.default_groupings
            changes[report.groupings_argument] = list(dict.fromkeys((*groupings, *report.added_groupings)))
        if takes_timezone(arguments) and not getattr(arguments, "timezone", None):
            zone = (await self.directory.account()).timezone
            changes |= {"timezone": zone} if zone else {}
        return arguments.model_copy(update=changes)

    async def _page(
        self, operation: Operation, arguments: Arguments, send: SendReport, *, goes_on: bool
    ) -> tuple[Page, float | None]:
        """The report, and its age in seconds where it comes from the cache.

        A report without a daily limit comes from the cache only where the answer goes on after one that was full.
        """
        has_daily_limit = operation.limits.rate.day is not None
        key = json.dumps([operation.name, arguments.model_dump(mode="json", exclude_none=True)], sort_keys=True)
        cached = self.cache.get_with_age(key) if has_daily_limit or goes_on else None
        if cached and cached.value[1] in ("", self.account_key()):
            return cached.value[0], cached.age
        page = await send(arguments)
        self.cache.put(key, (page, self.account_key()), CACHE_SECONDS)
        return page, None

    async def _names(self, content: ReportContent) -> dict[str, Mapping[str, str]]:
        """Grouping -> id -> name, of the groupings whose names the report itself does not bring."""
        ids: dict[str, dict[str, None]] = {}
        groupings = [grouping for grouping in content.groupings if grouping.named_kind]
        kinds = {grouping.name: grouping.named_kind for grouping in groupings}
        for group in content.groups:
            for grouping in groupings:
                value = group.keys.get(grouping.name)
                if value and not group.keys.get(grouping.name_grouping):
                    ids.setdefault(grouping.name, {})[value] = None
        channels = {group.keys.get(CHANNEL_GROUPING, "") for group in content.groups} - {""}
        names = await run_together(*(partial(self.directory.names, kinds[name], ids[name], channels) for name in ids))
        return dict(zip(ids, names, strict=True))

    async def _metric_note(self, report: Report, arguments: Arguments) -> str:
        """`conversions are "Placed Order" (hFF1gn)`; empty where the report counts no metric."""
        id_ = getattr(arguments, report.metric.name, None) if report.metric else None
        if report.metric is None or not id_:
            return ""
        name = await self.directory.metric_name(id_)
        return f"{report.metric.words} {quote(name)} ({id_})" if name else f"{report.metric.words} {id_}"


def _age_text(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.0f} min"
