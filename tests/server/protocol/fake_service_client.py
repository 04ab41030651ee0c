"""Clients of a fake service, and people who answer what it asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import mcp_types
from mcp.client.client import Client
from tests.clients.fake_service import FakeService

from klaviyo_mcp.protocol import server

ERAS = ["legacy", "2026-07-28"]

Elicit = Callable[[Any, mcp_types.ElicitRequestParams], Awaitable[mcp_types.ElicitResult]]


def person(action: str, *, tick: bool | None = True, questions: list[str] | None = None) -> Elicit:
    async def answer(_: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        if questions is not None:
            questions.append(params.message)
        content = {"confirm": tick} if action == "accept" and tick is not None else None
        return mcp_types.ElicitResult(action=action, content=content)

    return answer


@asynccontextmanager
async def connected(era: str, service: FakeService, **options: Any) -> AsyncIterator[Client]:
    async with Client(server.server_of(server.Handlers(service)), mode=era, **options) as client:
        yield client


def result_text(result: mcp_types.CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))
