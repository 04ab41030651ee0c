"""Previews of calls: what a call will do, to what and to how many. A person reads it before they agree.

A value that cannot be read is shown as unknown, and fails nothing. But nobody is asked about a call that cannot
succeed, because the record is not there or its state forbids it: such a call is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, MissingRecord, run_together
from klaviyo_mcp.answers.wording import quote
from klaviyo_mcp.errors import KlaviyoMcpError, NotFoundError
from klaviyo_mcp.safety.previews import campaigns, consent, flows, lists, profiles, records
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.preview import Preview, PreviewKind
from klaviyo_tools.operation.request import Service

logger = logging.getLogger(__name__)

ReadPreview = Callable[[AccountReads, Any], Awaitable[CallPreview]]
"""Makes a preview from the reads of the account and the checked arguments.

Raises MissingRecord, or a KlaviyoMcpError, where the call cannot succeed.
"""
READERS: Mapping[PreviewKind, ReadPreview] = {
    PreviewKind.CAMPAIGN_CHANGE: campaigns.preview_change,
    PreviewKind.CAMPAIGN_SEND: campaigns.preview_send,
    PreviewKind.CAMPAIGN_STOP: campaigns.preview_stop,
    PreviewKind.FLOW_STATUS: flows.preview_status,
    PreviewKind.LIST_MEMBERS: lists.preview_members,
    PreviewKind.PROFILE_ERASURE: profiles.preview_erasure,
    PreviewKind.PROFILE_IMPORT: lists.preview_import,
    PreviewKind.PROFILE_MERGE: profiles.preview_merge,
    PreviewKind.SUBSCRIPTION: consent.preview_subscription,
    PreviewKind.UNSUBSCRIPTION: consent.preview_unsubscription,
    PreviewKind.SUPPRESSION: consent.preview_suppression,
    PreviewKind.UNSUPPRESSION: consent.preview_unsuppression,
}


async def read_facts(reads: AccountReads, operation: Operation, arguments: Arguments) -> CallPreview:
    """What the account says about a call: the lines that a person reads, and the facts behind them.

    Args:
        reads: Read the account; without its counts, the reads for the facts alone are made.
        operation: The operation that is called.
        arguments: Its checked arguments.

    Raises:
        NotFoundError: A record that the call acts on is not there.
        ConfirmationError: The state of a record forbids the call.
    """
    try:
        if isinstance(operation.preview, PreviewKind):
            return await READERS[operation.preview](reads, arguments)
        return await records.preview_record(reads, operation, arguments)
    except MissingRecord as missing:
        cause = f"{missing.argument}: {missing}; nothing was changed"
        raise NotFoundError(operation.name, arguments=(missing.argument,), cause=cause) from None
    except KlaviyoMcpError:
        raise
    except Exception:  # an answer whose shape nobody expected
        logger.exception("no preview of %s", operation.name)
        return CallPreview((f"{operation.title.lower()}; the details could not be read.",))


async def read_preview(
    reads: AccountReads, operation: Operation, arguments: Arguments, account_name: Callable[[], Awaitable[str]]
) -> CallPreview:
    """The preview of a call.

    Args:
        reads: Read the account.
        operation: The operation that is called.
        arguments: Its checked arguments.
        account_name: Reads the name of the account.

    Raises:
        NotFoundError: A record that the call acts on is not there.
        ConfirmationError: The state of a record forbids the call.
    """
    if operation.service is Service.MATON:
        preview, account = await read_facts(reads, operation, arguments), "Maton"
    else:
        preview, name = await run_together(lambda: read_facts(reads, operation, arguments), account_name)
        account = f"Klaviyo account {quote(name)}"
    declared = operation.preview.consequence if isinstance(operation.preview, Preview) else None
    return preview.ended(account, declared or "")
