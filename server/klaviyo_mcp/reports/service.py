"""Reports that read themselves: metrics by name, answers kept for some minutes, names joined to ids.

Reports are few (2 a minute, 225 a day): while the answer of one is fresh, it is given again, and told to be kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.account.directory import Directory
from klaviyo_mcp.account.reads import run_together
from klaviyo_mcp.answers.cursors import START, Position, decode_cursor, encode_cursor, fingerprint
from klaviyo_mcp.answers.record import document_text
from klaviyo_mcp.answers.values import cell
from klaviyo_mcp.cache import ExpiringCache
from klaviyo_mcp.reports.table import ID_GROUPINGS, Group, ReportTable, read_report, sort_groups
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.records import Page
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.account.reads import AccountReads

CACHE_SECONDS = 300.0
"""Seconds for which a report is answered again without asking Klaviyo."""
MAX_CACHED_REPORTS = 32
METRIC_ARGUMENTS = {"conversion_metric_id": "conversions are ", "metric_id": "metric "}
"""Arguments that take a metric, and what the facts say before it."""
_NAMED_METRIC = re.compile(r'equals\(metric_id,"([^"\\]+)"\)')
NAME_GROUPINGS: Mapping[str, tuple[str, ...]] = {
    "campaign-values-report": ("campaign_message_name",),
    "flow-values-report": ("flow_name", "flow_message_name"),
    "flow-series-report": ("flow_name", "flow_message_name"),
}
"""Groupings that are added: they split no row, and bring names without another request."""
DEFAULT_GROUPINGS: Mapping[str, tuple[str, ...]] = {
    "campaign-values-report": ("campaign_id", "campaign_message_id", "send_channel"),
    "flow-values-report": ("flow_id", "flow_message_id", "send_channel"),
    "flow-series-report": ("flow_id", "flow_message_id", "send_channel"),
}
"""What Klaviyo groups by when nothing is asked for."""

SendReport = Callable[[Arguments], Awaitable[Page]]
"""Asks Klaviyo for a report."""


@dataclass
class ReportService:
    """The reports of one process. `account_key` tells when the account is another."""

    reads: AccountReads
    directory: Directory
    account_key: Callable[[], str] = str
    cache: ExpiringCache[str, tuple[Page, str]] = field(
        default_factory=lambda: ExpiringCache(max_entries=MAX_CACHED_REPORTS)
    )
    """Reports with the account that each is of, empty where that was not known yet."""

    def forget(self) -> None:
        """The account may be another now."""
        self.cache.clear()

    async def with_metrics(self, operation: Operation, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of a report with the ids of the metrics that it names.

        Raises ArgumentsError for a name that no metric or several have.
        """
        known = operation.arguments.model_fields
        found = {}
        for name in METRIC_ARGUMENTS:
            value = given.get(name)
            if name in known and isinstance(value, str) and value.strip():
                found[name] = await self.directory.metric_id(value, name)
        return {**given, **found} if found else given

    async def filtered(self, filter_: str) -> str:
        """A filter with the ids of the metrics that it names. Raises ArgumentsError as `with_metrics` does."""
        for name in dict.fromkeys(_NAMED_METRIC.findall(filter_)):
            found = await self.directory.metric_id(name, "filter: metric_id")
            filter_ = filter_.replace(f'equals(metric_id,"{name}")', f'equals(metric_id,"{found}")')
        return filter_

    async def answer(self, operation: Operation, arguments: Arguments, send: SendReport) -> str:
        """The answer of a report. Raises KlaviyoMcpError, CursorError."""
        asked = arguments.model_dump(mode="json", exclude={"cursor"}, exclude_none=True)
        print_ = fingerprint({"operation": operation.name, **asked})
        cursor = getattr(arguments, "cursor", None)
        start = decode_cursor(cursor, print_) if cursor else START
        sent = await self._sent(operation, arguments, start)
        page, age = await self._page(operation, sent, send, going_on=start.skip > 0)
        found = read_report(page, getattr(sent, "by", None) or ())
        if found is None:
            return document_text(page, resource_type(operation.resource))
        times, groups = found
        names, account, metric = await run_together(
            partial(self._named, groups), self.directory.account, partial(self._metric, sent)
        )
        table = ReportTable(sent, times, groups, names, account, self.reads.hide)
        asides = [metric] if metric else []
        asides += [f"cached {_told(age)} ago"] if age is not None else []
        return table.text(start, page.next_cursor, asides, lambda position: encode_cursor(position, print_))

    async def _sent(self, operation: Operation, arguments: Arguments, start: Position) -> Arguments:
        """The arguments as Klaviyo gets them: its own cursor, names among the groupings, the account's zone."""
        changes: dict[str, Any] = {}
        if getattr(arguments, "cursor", None):
            changes["cursor"] = start.cursor
        if operation.resource in NAME_GROUPINGS:
            groupings = getattr(arguments, "group_by", None) or DEFAULT_GROUPINGS[operation.resource]
            changes["group_by"] = list(dict.fromkeys((*groupings, *NAME_GROUPINGS[operation.resource])))
        if "timezone" in type(arguments).model_fields and not getattr(arguments, "timezone", None):
            zone = (await self.directory.account()).timezone
            changes |= {"timezone": zone} if zone else {}
        return arguments.model_copy(update=changes)

    async def _page(
        self, operation: Operation, arguments: Arguments, send: SendReport, *, going_on: bool
    ) -> tuple[Page, float | None]:
        """The report, and its age in seconds where it was kept.

        What has no daily limit is asked for anew, but to go on where an answer was full.
        """
        scarce = operation.limits.rate.day is not None
        asked = arguments.model_dump(mode="json", exclude_none=True)
        key = json.dumps([operation.name, asked], sort_keys=True)
        cached = self.cache.get_with_age(key) if scarce or going_on else None
        if cached and cached.value[1] in ("", self.account_key()):
            return cached.value[0], cached.age
        page = await send(arguments)
        self.cache.put(key, (page, self.account_key()), CACHE_SECONDS)
        return page, None

    async def _named(self, groups: Sequence[Group]) -> dict[str, Mapping[str, str]]:
        """Grouping -> id -> name, of the groupings that the report itself does not name."""
        ids: dict[str, dict[str, None]] = {}
        for group in sort_groups(groups):
            for key, value in group.keys.items():
                named = ID_GROUPINGS.get(key)
                if named and named.kind and value and not group.keys.get(named.beside):
                    ids.setdefault(key, {})[value] = None
        channels = {group.keys.get("send_channel", "") for group in groups} - {""}
        found = await run_together(
            *(partial(self.directory.names, ID_GROUPINGS[key].kind, ids[key], channels) for key in ids)
        )
        return dict(zip(ids, found, strict=True))

    async def _metric(self, arguments: Arguments) -> str:
        """`conversions are Placed Order (hFF1gn)`."""
        for argument, words in METRIC_ARGUMENTS.items():
            if id_ := getattr(arguments, argument, None):
                name = await self.directory.metric_name(id_)
                return f"{words}{cell(name, 80)} ({id_})" if name else f"{words}{id_}"
        return ""


def _told(age: float) -> str:
    return f"{age:.0f} s" if age < 60 else f"{age / 60:.0f} min"
