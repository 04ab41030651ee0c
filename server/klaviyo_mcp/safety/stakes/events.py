"""What is at stake where an event is recorded: the live flows that start with its metric."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.account.reads import AccountReads
from klaviyo_mcp.answers.wording import quote
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_mcp.safety.stake import NOTHING_AT_STAKE, Stake
from klaviyo_mcp.safety.stakes.pending import starts_words
from klaviyo_mcp.safety.triggers import TRIGGERS, is_live, joined_flows
from klaviyo_tools.jsonapi.records import Record


async def assess_events(reads: AccountReads, arguments: Any) -> Stake:
    """Live flows of any metric with the name: several integrations may have one. Raises KlaviyoMcpError."""
    names = _metric_names(arguments)
    if not names:
        return NOTHING_AT_STAKE
    live: dict[str, dict[str, Record]] = {}
    facts = {}
    for page in await reads.all_pages("get_metrics", include=[TRIGGERS]):
        for metric in page.records:
            name = _folded(metric.attributes.get("name"))
            if name in names:
                joined = joined_flows(page, metric)
                facts[metric.id] = {flow.id: stable_attributes(flow) for flow in joined}
                live.setdefault(name, {}).update({flow.id: flow for flow in joined if is_live(flow)})
    reasons = [
        starts_words(f"the metric {quote(names[name])}", list(flows.values())) for name, flows in live.items() if flows
    ]
    return Stake(tuple(reasons), {"metrics": facts})


def _metric_names(arguments: Any) -> dict[str, str]:
    """The names of the metrics whose events may start flows, as they are compared -> as they are written."""
    batches = getattr(arguments, "events_bulk_create", None)
    if batches is None:
        events = [arguments]
    else:
        events = [event for batch in batches if not batch.backfill for event in batch.events]
    return {_folded(event.metric.name): event.metric.name for event in events if not event.backfill}


def _folded(name: object) -> str:
    return str(name or "").strip().casefold()
