"""Which Klaviyo account a call goes to: never a guess, and a write says which it was.

Maton picks a connection by itself where several are active and none is named. So, unless `MATON_CONNECTION` names one,
the connections are listed once, beside the first read or before the first write, and kept for a while: an account with
one connection pays one request for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from klaviyo_mcp.answers.wording import one_line
from klaviyo_mcp.errors import (
    ConnectionMissingError,
    KeyMissingError,
    KeyRefusedError,
    KlaviyoMcpError,
    UnreachableError,
    UpstreamError,
)
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation

if TYPE_CHECKING:
    from klaviyo_mcp.account.reads import AccountReads

SINGLE_CACHE_SECONDS = 600.0
"""Seconds for which one connection is taken to be the only one."""
SEVERAL_CACHE_SECONDS = 15.0
"""Seconds for which several are: shorter, for a person is about to change that."""
UNNAMED_CACHE_SECONDS = 300.0
"""Seconds after which an account whose name could not be read is asked again."""
GRACE_SECONDS = 0.9
"""Seconds that a finished call waits for what was asked beside it."""
NAME_CHARACTERS = 60

Clock = Callable[[], float]
Work = Callable[[], Awaitable[str]]
_SHOWN = 5


@dataclass
class AccountConnections:
    """The connections and the account of one process. `connection` is the one set; `clock` is in seconds."""

    reads: AccountReads
    connection: str | None = None
    clock: Clock = anyio.current_time
    _active: tuple[str, ...] | None = None
    _until: float = float("-inf")
    _name: str = ""
    _named_until: float = float("-inf")
    _listing: anyio.Lock = field(default_factory=anyio.Lock)
    _naming: anyio.Lock = field(default_factory=anyio.Lock)

    async def beside(self, work: Work) -> str:
        """Run a read while the connections are listed. Raises ConnectionMissingError where several are active.

        Where they cannot be listed the read stands: it changes nothing, and the gateway has judged it.
        """
        if self._known():
            self._single()
            return await work()
        answer, failure = await _beside(work, self._listed_quietly)
        self._single()
        if failure is not None:
            raise failure
        return answer

    async def connection_for_write(self) -> str:
        """The id of the connection that a write goes to. Raises where that is not known for certain."""
        if self.connection:
            return self.connection
        try:
            await self._list()
        except (ConnectionMissingError, KeyMissingError, KeyRefusedError, UnreachableError):
            raise
        except KlaviyoMcpError as error:
            raise UpstreamError(
                "Finding the account",
                "Maton's connections could not be listed, so nothing was sent",
                detail=str(error),
                then="Try again in a minute, or set MATON_CONNECTION to the connection meant.",
            ) from None
        self._single()
        if not self._active:
            raise ConnectionMissingError("none")
        return self._active[0]

    async def with_account_name(self, work: Work) -> str:
        """Run a write, and say in its answer which account it went to."""
        answer, failure = await _beside(work, self.name)
        if failure is not None:
            raise failure
        return f"{answer}\n[account: {self.display_name}]"

    async def name(self) -> str:
        """What the account is called: its organization, else the id of its connection. Never fails."""
        async with self._naming:
            if self.clock() >= self._named_until:
                found = await self.reads.rows("get_accounts")
                told = found[0].attributes.get("contact_information") if found else None
                name = told.get("organization_name") if isinstance(told, dict) else None
                self._name = one_line(name, NAME_CHARACTERS) if isinstance(name, str) else ""
                self._named_until = float("inf") if self._name else self.clock() + UNNAMED_CACHE_SECONDS
        return self.display_name

    @property
    def display_name(self) -> str:
        """The account's name as far as it is known by now."""
        only = self._active[0] if self._active and len(self._active) == 1 else ""
        return self._name or self.connection or only or "unknown"

    @property
    def key(self) -> str:
        """What tells this account from another, empty while that is unknown."""
        return self.connection or ",".join(self._active or ())

    def forget(self) -> None:
        """Connections are being changed: list them anew before they are relied on again."""
        self._until = float("-inf")

    def changes(self, operation: Operation) -> bool:
        """Whether an operation may change which connections are active: reading a pending one can find it active."""
        return operation.area == "connections" and (
            operation.effect is not Effect.READ or operation.name == "get_connection"
        )

    def _known(self) -> bool:
        return bool(self.connection) or (self._active is not None and self.clock() < self._until)

    def _single(self) -> None:
        if not self.connection and self._active is not None and len(self._active) > 1:
            rest = len(self._active) - _SHOWN
            shown = [*self._active[:_SHOWN], *([f"{rest} more"] if rest > 0 else [])]
            raise ConnectionMissingError("several", connections=shown)

    async def _list(self) -> None:
        async with self._listing:
            if self._known():
                return
            found = await self.reads.page("list_connections", status="ACTIVE")
            active = tuple(flat.id for flat in found.records if flat.attributes.get("status") == "ACTIVE")
            if active != self._active:
                self._name, self._named_until = "", float("-inf")  # another connection may be another account
            self._active = active
            self._until = self.clock() + (SINGLE_CACHE_SECONDS if len(self._active) == 1 else SEVERAL_CACHE_SECONDS)

    async def _listed_quietly(self) -> None:
        try:
            await self._list()
        except KlaviyoMcpError:
            self._active = None


async def _beside(work: Work, other: Callable[[], Coroutine[None, None, object]]) -> tuple[str, Exception | None]:
    """Run `work`, and beside it what never fails, for which a finished call waits a little; its answer or failure."""
    answer, failure = "", None
    async with anyio.create_task_group() as group:
        group.start_soon(other)
        try:
            answer = await work()
        except Exception as error:
            failure = error
        group.cancel_scope.deadline = anyio.current_time() + GRACE_SECONDS
    return answer, failure
