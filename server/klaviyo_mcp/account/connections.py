"""The Klaviyo account that a call goes to: it is never a guess, and a write says which account it changed.

Where several connections are active and a request names none, Maton picks one by itself. Unless `MATON_CONNECTION`
names a connection, the active ones are therefore listed: beside the first read, or before the first write. The list is
kept for some minutes, so that an account with one connection pays one request for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import cached_property
from typing import TYPE_CHECKING

import anyio

from klaviyo_mcp.answers.wording import describe, one_line, quote
from klaviyo_mcp.cache import ExpiringCache
from klaviyo_mcp.errors import (
    ConnectionMissingError,
    KeyMissingError,
    KeyRefusedError,
    KlaviyoMcpError,
    UnreachableError,
    UpstreamError,
)
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service

if TYPE_CHECKING:
    from klaviyo_mcp.account.directory import Directory
    from klaviyo_mcp.account.reads import AccountReads

SINGLE_CACHE_SECONDS = 600.0
"""Seconds for which a list of one connection is kept."""
OTHER_CACHE_SECONDS = 15.0
"""Seconds for which a list of none or several is kept: shorter, because a person is about to change that."""
GRACE_SECONDS = 0.9
"""Seconds that a finished call waits for the read that runs beside it."""
NAME_CHARACTERS = 60
MAX_CONNECTIONS_SHOWN = 5

SendCall = Callable[[], Awaitable[str]]
"""Sends a call, and answers with its text."""
_ACTIVE = "active"


class AccountConnections:
    """The connections of one process, and the account they lead to.

    Args:
        reads: Reads Maton and the account.
        connection: The id of the connection that the settings name; None where they name none.
    """

    def __init__(self, reads: AccountReads, connection: str | None = None) -> None:
        self.reads = reads
        self.connection = connection
        self.cache: ExpiringCache[str, tuple[str, ...]] = ExpiringCache(max_entries=1)
        self._active: tuple[str, ...] | None = None
        """The ids of the active connections as they were listed last; None where the last list failed."""

    @cached_property
    def directory(self) -> Directory:
        """The names of the account. Imported when first needed, to keep it off the start."""
        from klaviyo_mcp.account.directory import Directory

        return Directory(self.reads, lambda: self.account_key)

    async def run_read(self, read: SendCall) -> str:
        """Run a read while the connections are listed. Raises ConnectionMissingError where several are active.

        Where they cannot be listed the answer of the read stands: it changed nothing, and Maton accepted the request.
        """
        if self._is_listed:
            self._require_single()
            return await read()
        answer, error = await _run_beside(read, self._list_quietly)
        self._require_single()
        if error is not None:
            raise error
        return answer

    async def connection_for_write(self) -> str:
        """The id of the connection that a write goes to. Raises KlaviyoMcpError where that is not certain."""
        if self.connection:
            return self.connection
        try:
            await self._list()
        except (ConnectionMissingError, KeyMissingError, KeyRefusedError, UnreachableError):
            raise
        except KlaviyoMcpError as error:
            raise UpstreamError(
                "Finding the account",
                f"Maton's connections could not be listed, so nothing was sent: {_cause_of(error)}",
                then="Try again in a minute, or set MATON_CONNECTION to the connection meant.",
            ) from None
        self._require_single()
        if not self._active:
            raise ConnectionMissingError("none")
        return self._active[0]

    async def run_write(self, write: SendCall, connection: str) -> str:
        """Run a write that names this connection, and add to its answer the account that it changed."""
        answer, error = await _run_beside(write, lambda: self.read_name(connection))
        if error is not None:
            raise error
        return f"{answer}\n[account: {quote(self.display_name(connection), NAME_CHARACTERS)}]"

    async def read_name(self, connection: str) -> str:
        """The name of the account that a connection leads to: its organization, else that id. Never fails."""
        await self.directory.account(connection)
        return self.display_name(connection)

    def display_name(self, connection: str) -> str:
        """The name of the account as far as it was read by now."""
        return one_line(self.directory.account_name(connection), NAME_CHARACTERS) or connection

    @property
    def account_key(self) -> str:
        """Tells one account from another; empty while that is unknown."""
        return self.connection or ",".join(self._active or ())

    def forget(self) -> None:
        """Connections are being changed: list them anew, and read the account anew."""
        self.cache.clear()
        self.directory.forget()

    def may_change(self, operation: Operation) -> bool:
        """Whether an operation may change which connections are active: reading a pending one can find it active."""
        return operation.service is Service.MATON and operation.answer is not AnswerKind.COLLECTION

    @property
    def _is_listed(self) -> bool:
        return bool(self.connection) or self.cache.get(_ACTIVE) is not None

    def _require_single(self) -> None:
        if not self.connection and self._active is not None and len(self._active) > 1:
            rest = len(self._active) - MAX_CONNECTIONS_SHOWN
            ids = [describe(id_) for id_ in self._active[:MAX_CONNECTIONS_SHOWN]]
            shown = [*ids, *([f"{rest} more"] if rest > 0 else [])]
            raise ConnectionMissingError("several", connections=shown)

    async def _list(self) -> None:
        await self.cache.load(
            _ACTIVE,
            self._read_active,
            seconds=lambda active: SINGLE_CACHE_SECONDS if len(active) == 1 else OTHER_CACHE_SECONDS,
        )

    async def _read_active(self) -> tuple[str, ...]:
        page = await self.reads.page("list_connections", status="ACTIVE")
        self._active = tuple(record.id for record in page.records if record.attributes.get("status") == "ACTIVE")
        return self._active

    async def _list_quietly(self) -> None:
        try:
            await self._list()
        except KlaviyoMcpError:
            self._active = None


def _cause_of(error: KlaviyoMcpError) -> str:
    return error.cause if isinstance(error, UpstreamError) else str(error)


async def _run_beside(
    send: SendCall, read: Callable[[], Coroutine[None, None, object]]
) -> tuple[str, Exception | None]:
    """Send a call and, beside it, a read that never fails; once the call has ended, wait for the read a little.

    Returns:
        The answer of the call, and its error where it failed.
    """
    answer, error = "", None
    async with anyio.create_task_group() as group:
        group.start_soon(read)
        try:
            answer = await send()
        except Exception as failure:
            error = failure
        group.cancel_scope.deadline = anyio.current_time() + GRACE_SECONDS
    return answer, error
