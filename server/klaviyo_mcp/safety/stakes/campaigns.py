"""What is at stake where a campaign or one of its messages changes: whether the campaign goes out to people."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.account.reads import AccountReads, included_record
from klaviyo_mcp.answers.wording import describe, label_of, quote
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_mcp.safety.stake import Stake
from klaviyo_mcp.safety.stakes.pending import is_pending
from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.registry import resource_type


async def assess_campaign(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such campaign, KlaviyoMcpError where it cannot be read."""
    id_ = arguments.campaign_id
    fields = ("name", *resource_type("campaign").stable_attributes)
    page = await reads.record("get_campaign", "campaign_id", "campaign", campaign_id=id_, fields=fields)
    return _assess(page.records[0])


async def assess_message(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such message, KlaviyoMcpError where it cannot be read."""
    id_ = arguments.campaign_message_id
    page = await reads.record(
        "get_campaign_message",
        "campaign_message_id",
        "campaign message",
        campaign_message_id=id_,
        include=["campaign"],
    )
    campaign = included_record(page, "campaign", "get_campaign_message")
    return _assess(campaign)


def _assess(campaign: Record) -> Stake:
    status = campaign.attributes.get("status")
    facts = {"campaign": {campaign.id: stable_attributes(campaign)}}
    if not is_pending(status):
        return Stake((), facts)
    name = quote(label_of(campaign) or campaign.id)
    return Stake((f"the campaign {name} is {describe(status or 'in an unknown status').lower()}",), facts)
