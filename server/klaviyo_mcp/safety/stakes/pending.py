"""The campaigns that are scheduled or being sent, and what is at stake in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, run_together
from klaviyo_mcp.answers.wording import count_noun, label_of, list_names
from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.registry import resource_type

PENDING_STATUSES = (
    "Scheduled",
    "Preparing to schedule",
    "Preparing to send",
    "Queued without Recipients",
    "Adding Recipients",
    "Sending Segments",
    "Sending",
    "Variations Sent",
)
"""The statuses of a campaign that still goes out to people."""
QUIET_STATUSES = ("draft", "sent", "cancelled")
"""The first word of the statuses of a campaign that goes out to nobody any more, or not yet."""


def is_pending(status: Any) -> bool:
    """Whether a campaign of this status goes out to people; unknown statuses do."""
    return str(status or "").lower().partition(":")[0] not in QUIET_STATUSES


async def read_pending_campaigns(reads: AccountReads, channels: Sequence[str] = ()) -> list[Record]:
    """The campaigns of some channels, or of all, that are scheduled or being sent. Raises KlaviyoMcpError."""
    parts = reads.registry["get_campaigns"].reading.parts
    assert parts is not None
    statuses = json.dumps(PENDING_STATUSES)
    fields = ("name", *resource_type("campaign").stable_attributes)

    def reader(channel: str) -> Any:
        async def read() -> list[Record]:
            filter_ = f'equals({parts.filter_field},"{channel}"),any(status,{statuses})'
            pages = await reads.all_pages("get_campaigns", filter=filter_, fields=fields)
            return [record for page in pages for record in page.records]

        return read

    of_channels = await run_together(*(reader(channel) for channel in channels or parts.values))
    return [record for campaigns in of_channels for record in campaigns]


def starts_words(what: str, flows: Sequence[Record]) -> str:
    """`the list "Newsletter" starts 1 live flow: "Welcome"`."""
    return f"{what} starts {count_noun(len(flows), 'live flow')}: {names_words(flows)}"


def pending_words(campaigns: Sequence[Record]) -> str:
    """`1 campaign that is scheduled or being sent: "Sale"`."""
    verb = "is" if len(campaigns) == 1 else "are"
    return f"{count_noun(len(campaigns), 'campaign')} that {verb} scheduled or being sent: {names_words(campaigns)}"


def names_words(records: Sequence[Record]) -> str:
    """The names of records, the first of them in quotes."""
    return list_names([label_of(record) or record.id for record in records])
