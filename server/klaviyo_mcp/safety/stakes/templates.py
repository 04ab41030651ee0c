"""What is at stake where the content of a template changes: the messages that show it and still go out.

A campaign's message has a copy of the template that was assigned to it, with an id of its own (source: Klaviyo's
reference of `assign_template_to_campaign_message`). A template in the library is thus in no campaign, while the copy of
a scheduled message can be updated by its id. The messages of flows name their template's id in their definition.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, run_together
from klaviyo_mcp.answers.wording import count_noun
from klaviyo_mcp.errors import UpstreamError
from klaviyo_mcp.safety.flow_definitions import template_ids
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_mcp.safety.stake import NOTHING_AT_STAKE, Stake
from klaviyo_mcp.safety.stakes.pending import names_words, pending_words, read_pending_campaigns
from klaviyo_tools.jsonapi.records import Record

CONTENT = {"html", "text", "amp", "definition", "replacements"}
MAX_CAMPAIGNS = 20
"""Campaigns whose messages are read; where more are scheduled, the template may be in one of them."""


async def assess_template(reads: AccountReads, arguments: Any) -> Stake:
    """Raises KlaviyoMcpError where the live flows or the scheduled campaigns cannot be read."""
    if CONTENT.isdisjoint(arguments.model_fields_set):
        return NOTHING_AT_STAKE
    id_ = arguments.template_id
    flows, campaigns = await run_together(partial(_live_flows, reads, id_), partial(_pending_campaigns, reads, id_))
    reasons = []
    if flows:
        verb = "uses" if len(flows) == 1 else "use"
        reasons.append(f"{count_noun(len(flows), 'live flow')} {verb} the template: {names_words(flows)}")
    if campaigns:
        reasons.append(f"the template is that of {pending_words(campaigns)}")
    facts = {record.id: stable_attributes(record) for record in (*flows, *campaigns)}
    return Stake(tuple(reasons), facts)


async def _live_flows(reads: AccountReads, template_id: str) -> list[Record]:
    """The live flows with a message that names a template."""
    filter_ = 'equals(status,"live")'
    flows = []
    for page in await reads.all_pages(
        "get_flows", filter=filter_, include=["flow-actions"], fields=("status", "updated")
    ):
        for flow in page.records:
            related = flow.related.get("flow-actions")
            actions = [page.included.get((related.type, id_)) for id_ in related.ids] if related is not None else []
            definitions = [action.attributes.get("definition") for action in actions if action is not None]
            if any(template_id in template_ids(definition) for definition in definitions):
                flows.append(flow)
    return flows


async def _pending_campaigns(reads: AccountReads, template_id: str) -> Sequence[Record]:
    """The e-mail campaigns with a message that has the template, and that are scheduled or being sent."""
    campaigns = await read_pending_campaigns(reads, ["email"])
    if len(campaigns) > MAX_CAMPAIGNS:
        raise UpstreamError("get_campaigns", f"more than {MAX_CAMPAIGNS} campaigns are scheduled")
    of_campaigns = await run_together(*(partial(_message_templates, reads, record.id) for record in campaigns))
    return [record for record, ids in zip(campaigns, of_campaigns, strict=True) if template_id in ids]


async def _message_templates(reads: AccountReads, campaign_id: str) -> set[str]:
    page = await reads.page("get_campaign", campaign_id=campaign_id, include=["campaign-messages"])
    messages = [record.id for record in page.included.values() if record.type == "campaign-message"]
    ids: set[str] = set()
    for found in await run_together(*(partial(_message_template, reads, id_) for id_ in messages)):
        ids |= found
    return ids


async def _message_template(reads: AccountReads, id_: str) -> set[str]:
    more = {"fields[template]": "name"}
    page = await reads.page("get_campaign_message", campaign_message_id=id_, include=["template"], more=more)
    related = page.records[0].related.get("template") if page.records else None
    return set(related.ids) if related is not None else set()
