"""What is at stake where the members of a list or segment change, or how people join a list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, attribute_of, run_together
from klaviyo_mcp.answers.wording import count_noun, label_of, quote
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_mcp.safety.stake import NOTHING_AT_STAKE, Stake
from klaviyo_mcp.safety.stakes.pending import pending_words, read_pending_campaigns, starts_words
from klaviyo_mcp.safety.triggers import TRIGGERS, is_live, joined_flows
from klaviyo_tools.jsonapi.records import Page, Record

MANY_PROFILES = 100
"""An import of more profiles than this is confirmed: what it overwrites in them is lost."""


async def assess_joined_list(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such list, KlaviyoMcpError where it cannot be read."""
    return await _assess_groups(reads, "list", [arguments.list_id], "list_id", sides=("included",))


async def assess_import(reads: AccountReads, arguments: Any) -> Stake:
    """As `assess_joined_list` for each list; the import of many profiles is at stake as well."""
    count = len(arguments.profiles)
    reasons = (f"it may overwrite what {count_noun(count, 'profile')} hold",) if count > MANY_PROFILES else ()
    if not arguments.list_ids:
        return Stake(reasons)
    joined = await _assess_groups(reads, "list", arguments.list_ids, "list_ids", sides=("included",))
    return Stake((*joined.reasons, *reasons), joined.facts)


async def assess_left_list(reads: AccountReads, arguments: Any) -> Stake:
    """Those who leave a list that a campaign excludes get the campaign."""
    excluding = _with_group(await read_pending_campaigns(reads), arguments.list_id, ("excluded",))
    reasons = (f"the list is excluded by {pending_words(excluding)}",) if excluding else ()
    return Stake(reasons, {"campaigns": _facts(excluding)})


async def assess_segment(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such segment, KlaviyoMcpError where it cannot be read."""
    if arguments.model_fields_set.isdisjoint({"definition", "is_active"}):
        return NOTHING_AT_STAKE
    return await _assess_groups(reads, "segment", [arguments.segment_id], "segment_id", sides=("included", "excluded"))


async def assess_opt_in(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such list, KlaviyoMcpError where it cannot be read."""
    if arguments.opt_in_process != "single_opt_in":
        return NOTHING_AT_STAKE
    if list_id := getattr(arguments, "list_id", None):
        page = await reads.record("get_list", "list_id", "list", list_id=list_id, fields=("opt_in_process",))
        if attribute_of(page, "opt_in_process") == "single_opt_in":
            return NOTHING_AT_STAKE
    return Stake(("people who join the list are subscribed without a confirming click",))


async def _assess_groups(
    reads: AccountReads, kind: str, ids: Sequence[str], argument: str, *, sides: Sequence[str]
) -> Stake:
    """The live flows that lists or segments start, and the campaigns that they are an audience of."""
    *pages, campaigns = await run_together(
        *(_group_reader(reads, kind, id_, argument) for id_ in ids), partial(read_pending_campaigns, reads)
    )
    reasons, facts = [], {}
    for id_, page in zip(ids, pages, strict=True):
        group = page.records[0]
        flows = joined_flows(page, group)
        audience_of = _with_group(campaigns, id_, sides)
        words = f"the {kind} {quote(label_of(group) or id_)}"
        if live := [flow for flow in flows if is_live(flow)]:
            reasons.append(starts_words(words, live))
        if audience_of:
            reasons.append(f"{words} is an audience of {pending_words(audience_of)}")
        facts[id_] = {"flows": _facts(flows), "campaigns": _facts(audience_of)}
    return Stake(tuple(reasons), facts)


def _group_reader(reads: AccountReads, kind: str, id_: str, argument: str) -> Callable[[], Awaitable[Page]]:
    query: dict[str, Any] = {f"{kind}_id": id_}
    return partial(reads.record, f"get_{kind}", argument, kind, include=[TRIGGERS], **query)


def _with_group(campaigns: Sequence[Record], id_: str, sides: Sequence[str]) -> list[Record]:
    """The campaigns that have a list or segment among their audiences, on one of the sides."""
    return [record for record in campaigns if any(id_ in _audience_ids(record, side) for side in sides)]


def _audience_ids(campaign: Record, side: str) -> Sequence[Any]:
    audiences = campaign.attributes.get("audiences")
    ids = audiences.get(side) if isinstance(audiences, dict) else None
    return ids if isinstance(ids, list) else ()


def _facts(records: Sequence[Record]) -> dict[str, Any]:
    return {record.id: stable_attributes(record) for record in records}
