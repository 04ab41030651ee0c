"""What is at stake in calls that are assessed by their arguments alone."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.account.reads import AccountReads
from klaviyo_mcp.safety.stake import NOTHING_AT_STAKE, Stake


async def assess_campaign_stop(reads: AccountReads, arguments: Any) -> Stake:
    """To cancel is final; to make a draft of the campaign again only stops it."""
    return Stake(("the campaign is cancelled for good",)) if arguments.action == "cancel" else NOTHING_AT_STAKE


async def assess_form(reads: AccountReads, arguments: Any) -> Stake:
    """A live form is shown to visitors."""
    return Stake(("visitors of the site see the form at once",)) if arguments.status == "live" else NOTHING_AT_STAKE


async def assess_webhook(reads: AccountReads, arguments: Any) -> Stake:
    """Where a webhook posts to, what it posts and whether it is on decide which data leaves the account."""
    changes = arguments.model_dump(exclude_unset=True, exclude={"webhook_id", "name", "description"})
    leaves = {name for name, value in changes.items() if (name, value) != ("enabled", False)}
    return Stake(("data of people leaves the account",)) if leaves else NOTHING_AT_STAKE


async def assess_universal_content(reads: AccountReads, arguments: Any) -> Stake:
    """All messages that show it change with it, and Klaviyo does not tell which these are."""
    return _content(arguments, {"definition", "replacements"})


async def assess_web_feed(reads: AccountReads, arguments: Any) -> Stake:
    """As for universal content."""
    return _content(arguments, {"url", "request_method", "content_type"})


def _content(arguments: Any, names: set[str]) -> Stake:
    if names.isdisjoint(arguments.model_fields_set):
        return NOTHING_AT_STAKE
    return Stake(("every message that shows it changes; which of them are live cannot be read",))
