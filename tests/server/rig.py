"""The server over an empty sandbox in process, with what was sent upstream in plain sight, and people who answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import mcp_types
from mcp.client.client import Client
from mcp.client.session import ClientRequestContext, ElicitationFnT

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server
from klaviyo_mcp.sandbox import Faults, Sandbox
from klaviyo_mcp.sandbox.state.store import Record, Store
from klaviyo_mcp.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ERAS = ("legacy", "2026-07-28")
ONLY = "21fd90f9-5935-43cd-b6c8-bde9d915ca80"
"""The connection that a sandbox begins with."""
_READS = ("/klaviyo/api/campaign-recipient-estimation-jobs",)


class Alone:
    """The context of a call whose client can ask nobody."""

    note = ""
    can_ask = False
    can_open = False

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Nobody listens."""

    async def ask(self, question: str, note: str = "") -> bool:
        raise AssertionError("nobody can be asked")

    async def open(self, message: str, url: str, note: str = "") -> bool:
        raise AssertionError("nobody can be sent anywhere")


@dataclass
class Rig:
    """Calls over a sandbox."""

    sandbox: Sandbox
    calls: CallService

    def put(self, type_: str, id_: str, links: dict[str, Any] | None = None, **attributes: Any) -> str:
        """A record in the store; returns its id."""
        self.sandbox.store.add(Record(type_, id_, attributes, links or {}))
        return id_

    def sent(self, method: str | None = None) -> list[str]:
        """Every request upstream so far: `DELETE /klaviyo/api/lists/L1`."""
        return [f"{seen.method} {seen.path}" for seen in self.sandbox.requests if method in (None, seen.method)]

    def wrote(self) -> list[str]:
        """The requests that change something."""
        return [
            f"{seen.method} {seen.path}"
            for seen in self.sandbox.requests
            if seen.method != "GET" and seen.path not in _READS
        ]

    async def run(self, name: str, /, **arguments: Any) -> str:
        """Call a tool as a client that can ask nobody; an error's text begins with `ERROR: `."""
        return told(await self.calls.call(name, arguments, Alone()))


def rig(account: str | None = "Fjord Outdoor", **settings: Any) -> Rig:
    """A rig whose clock stands still. `account` is what the account is called, None for one that cannot be read."""
    sandbox = Sandbox(Store(now=NOW), key="sandbox", faults=Faults(), rate_limits=None, seed=1)
    given = Settings(**{"sandbox": True, "toolsets": ("all",), **settings})
    maton = GatewayClient(
        key="sandbox",
        base_url="http://127.0.0.1",
        transport=httpx.ASGITransport(sandbox),
        pacer=Pacer(enabled=False),
        connection=given.connection,
        backoff=0.001,
    )
    made = Rig(sandbox, CallService(given, lambda: maton))
    if account is not None:
        made.put("account", "Acc1", contact_information={"organization_name": account})
    return made


def told(result: mcp_types.CallToolResult) -> str:
    """The text of an answer."""
    text = "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))
    return f"ERROR: {text}" if result.is_error else text


def code_in(answer: str) -> str:
    """The code that an answer gives out."""
    return answer.split('confirmation="')[1].partition('"')[0]


@dataclass
class Person:
    """Somebody at the client who answers what they are asked, and keeps it."""

    action: str
    tick: bool = True
    asked: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    async def __call__(
        self, context: ClientRequestContext, params: mcp_types.ElicitRequestParams
    ) -> mcp_types.ElicitResult:
        if isinstance(params, mcp_types.ElicitRequestURLParams):
            self.opened.append(params.url)
            return mcp_types.ElicitResult(action=self.action)
        self.asked.append(params.message)
        content = {"confirm": self.tick} if self.action == "accept" else None
        return mcp_types.ElicitResult(action=self.action, content=content)


@asynccontextmanager
async def client(calls: CallService, era: str, person: ElicitationFnT | None = None) -> AsyncIterator[Client]:
    """The official client of the protocol, in one of its eras."""
    async with Client(server.create_server(calls), mode=era, elicitation_callback=person) as connected:
        yield connected
