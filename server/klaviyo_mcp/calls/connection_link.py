"""Hands the address that authorizes a new connection to the person, past the model where the client can.

The address holds a session token: where a client can send a person to it, no answer carries it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from klaviyo_mcp.account.reads import AccountReads, attribute_of
from klaviyo_mcp.answers.values import cell
from klaviyo_mcp.answers.wording import in_words
from klaviyo_tools.jsonapi.records import Flat, Page

OPERATION = "create_connection"
MESSAGE = "Open Maton's page to sign in to Klaviyo and allow the connection."
_NOTE = "connection "


class OpensAddresses(Protocol):
    """The part of a call's context that can send a person to an address."""

    @property
    def can_open(self) -> bool:
        """Whether the client can send a person to a web address."""

    @property
    def note(self) -> str:
        """What was noted when a question ended this call's last attempt; empty on a first."""

    async def open(self, message: str, url: str, note: str = "") -> bool:
        """Have a person open an address; True once they agreed to."""


def connection_was_made(context: OpensAddresses) -> bool:
    """Whether an earlier attempt of this call made the connection: it must not be made again."""
    return context.note.startswith(_NOTE)


async def create_and_open(
    create: Callable[[], Awaitable[Page]], context: OpensAddresses, reads: AccountReads
) -> str | Flat | None:
    """Make a connection and have a person open its address; where the client cannot, the connection as it was made."""
    if connection_was_made(context):
        id_, _, url = context.note.removeprefix(_NOTE).partition(" ")
    else:
        page = await create()
        url = attribute_of(page, "url")
        flat = page.records[0] if page.records else None
        if flat is None or not isinstance(url, str) or not url.startswith("https://") or not context.can_open:
            return flat
        id_ = flat.id
    opened = await context.open(MESSAGE, url, f"{_NOTE}{id_} {url}")
    follow = f"get_connection(connection_id={cell(id_)})"
    if not opened:
        return (
            f"Connection {cell(id_)} was made, but the person did not open its address: it stays pending. "
            f"{follow} shows the address; delete_connection removes the connection."
        )
    now = attribute_of(await reads.one("get_connection", connection_id=id_), "status")
    if now == "ACTIVE":
        return f"Connection {cell(id_)} is ACTIVE: the person has authorized it."
    return (
        f"Connection {cell(id_)} was made (status {in_words(now or 'unknown')}), and the person was sent to its "
        "address "
        f"to authorize it. Next: {follow}, until it is ACTIVE."
    )
