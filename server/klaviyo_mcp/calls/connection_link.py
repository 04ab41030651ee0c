"""Sends a person to the address that authorizes a new connection, without the model seeing it where the client can.

The address holds a session token: where a client can send a person to it, no answer carries it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from klaviyo_mcp.account.reads import AccountReads, attribute_of
from klaviyo_mcp.answers.wording import describe
from klaviyo_mcp.calls.context import CallContext
from klaviyo_mcp.safety.questions import CreatedConnection, QuestionFailedError
from klaviyo_tools.areas.connections import authorization_url
from klaviyo_tools.jsonapi.records import DocumentError, Page, Record

OPERATION = "create_connection"
MESSAGE = "Open Maton's page to sign in to Klaviyo and allow the connection."


async def create_connection_text(
    create: Callable[[], Awaitable[Page]],
    context: CallContext,
    reads: AccountReads,
    *,
    how_to_follow: Callable[[str], str],
    record_text: Callable[[Record], str],
) -> str:
    """Create a connection, have a person open its address where the client can, and write the answer.

    Args:
        create: Creates the connection; not called where an earlier attempt of this call has created it.
        context: Opens the address, and holds the connection of an earlier attempt.
        reads: Reads the connection after the person came back.
        how_to_follow: The call that reads the connection of an id, as a model writes it.
        record_text: The connection as a model reads it, for clients that open no address: with the address.
    """
    connection = context.resumption
    if not isinstance(connection, CreatedConnection):
        page = await create()
        if not page.records:
            raise DocumentError("the answer holds no connection")
        record, url = page.records[0], authorization_url(attribute_of(page, "url"))
        follow = how_to_follow(record.id)
        if not url:
            return (
                f"{record_text(record)}\n"
                f"Maton gave no https address that a person could open: {follow} may show one, or "
                "delete_connection removes the connection."
            )
        if not context.can_open:
            return (
                f"{record_text(record)}\n"
                f"Next: a person opens that url in a browser and authorizes; then {follow}, until it is ACTIVE."
            )
        connection = CreatedConnection(record.id, url)
    try:
        opened = await context.open(MESSAGE, connection.url, connection)
    except QuestionFailedError:
        opened = False  # The connection exists: the answer must say so.
    return await _opened_text(connection, opened, reads, how_to_follow)


async def _opened_text(
    connection: CreatedConnection, opened: bool, reads: AccountReads, how_to_follow: Callable[[str], str]
) -> str:
    id_ = describe(connection.id)
    follow = how_to_follow(id_)
    if not opened:
        return (
            f"Connection {id_} was made, but the person did not open its address: it stays pending. "
            f"{follow} shows the address; delete_connection removes the connection."
        )
    status = attribute_of(await reads.page_or_none("get_connection", connection_id=connection.id), "status")
    if status == "ACTIVE":
        return f"Connection {id_} is ACTIVE: the person has authorized it."
    return (
        f"Connection {id_} was made (status {describe(status or 'unknown')}), and the person was sent to its address "
        f"to authorize it. Next: {follow}, until it is ACTIVE."
    )
