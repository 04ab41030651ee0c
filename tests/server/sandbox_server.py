"""The server over an empty sandbox in the test's process, and a person at the client who answers questions."""

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

from klaviyo_mcp.calls.answer import Answer
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol.server import create_server
from klaviyo_mcp.safety.questions import Resumption
from klaviyo_mcp.sandbox.app import Sandbox
from klaviyo_mcp.sandbox.faults import Faults
from klaviyo_mcp.sandbox.state.store import Record, Store
from klaviyo_mcp.settings import Settings

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ERAS = ("legacy", "2026-07-28")
CONNECTION_ID = "21fd90f9-5935-43cd-b6c8-bde9d915ca80"
"""The connection that a sandbox begins with."""
_READS = ("/klaviyo/api/campaign-recipient-estimation-jobs",)


class UnattendedContext:
    """The context of a call whose client cannot ask a person."""

    principal = "test"
    resumption = None
    can_ask = False
    can_open = False

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Progress goes nowhere."""

    async def ask(self, question: str, resumption: Resumption | None = None) -> bool:
        raise AssertionError("this client cannot ask a person")

    async def open(self, message: str, url: str, resumption: Resumption | None = None) -> bool:
        raise AssertionError("this client cannot open an address")


@dataclass
class SandboxServer:
    """The call service, the sandbox behind it, and the requests that reached the sandbox."""

    sandbox: Sandbox
    calls: CallService

    def put(self, type_: str, id_: str, links: dict[str, Any] | None = None, **attributes: Any) -> str:
        """Add a record to the store; returns its id."""
        self.sandbox.store.add(Record(type_, id_, attributes, links or {}))
        return id_

    def requests(self, method: str | None = None) -> list[str]:
        """Every request so far, as `DELETE /klaviyo/api/lists/L1`."""
        return [
            f"{request.method} {request.path}" for request in self.sandbox.requests if method in (None, request.method)
        ]

    def writes(self) -> list[str]:
        """The requests that change something, in the same form."""
        return [
            f"{request.method} {request.path}"
            for request in self.sandbox.requests
            if request.method != "GET" and request.path not in _READS
        ]

    async def run(self, name: str, /, **arguments: Any) -> str:
        """Call a tool in an `UnattendedContext`; the text of an error begins with `ERROR: `."""
        return answer_text(await self.calls.call(name, arguments, UnattendedContext()))


def sandbox_server(account: str | None = "Fjord Outdoor", **settings: Any) -> SandboxServer:
    """A server whose clock stands still. `account` is the name of the account, None for one that cannot be read."""
    sandbox = Sandbox(Store(now=NOW), key="sandbox", faults=Faults(), rate_limits=None, seed=1)
    merged = Settings(**{"sandbox": True, "toolsets": ("all",), **settings})
    maton = GatewayClient(
        key="sandbox",
        base_url="http://127.0.0.1",
        transport=httpx.ASGITransport(sandbox),
        pacer=Pacer(enabled=False),
        revision=merged.revision,
        connection=merged.connection,
        backoff_seconds=0.001,
    )
    server = SandboxServer(sandbox, CallService(merged, lambda: maton, clock=NOW.timestamp))
    if account is not None:
        server.put("account", "Acc1", contact_information={"organization_name": account})
    return server


def answer_text(result: mcp_types.CallToolResult | Answer) -> str:
    """The text of an answer; that of an error begins with `ERROR: `."""
    if isinstance(result, Answer):
        text = result.text
    else:
        text = "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))
    return f"ERROR: {text}" if result.is_error else text


def confirmation_code(answer: str) -> str:
    """The confirmation code in an answer."""
    return answer.split('confirmation="')[1].partition('"')[0]


@dataclass
class Person:
    """Answers every question with `action`; keeps the questions and the addresses to open."""

    action: str
    tick: bool = True
    questions: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    async def __call__(
        self, context: ClientRequestContext, params: mcp_types.ElicitRequestParams
    ) -> mcp_types.ElicitResult:
        if isinstance(params, mcp_types.ElicitRequestURLParams):
            self.urls.append(params.url)
            return mcp_types.ElicitResult(action=self.action)
        self.questions.append(params.message)
        content = {"confirm": self.tick} if self.action == "accept" else None
        return mcp_types.ElicitResult(action=self.action, content=content)


@asynccontextmanager
async def client(calls: CallService, era: str, person: ElicitationFnT | None = None) -> AsyncIterator[Client]:
    """The SDK's own client, connected in one era of the protocol."""
    async with Client(create_server(calls), mode=era, elicitation_callback=person) as connected:
        yield connected
