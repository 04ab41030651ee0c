"""The limit of requests at once, whichever way they come."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from klaviyo_mcp.transports.asgi import ConcurrencyLimit

pytestmark = pytest.mark.anyio


async def test_calls_that_came_over_sse_count_as_well() -> None:
    seen: list[int] = []

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(1)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            seen.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    limited = ConcurrencyLimit(2, 1_000, lambda: Counter({None: 2}), lambda: False).wrap(serve)
    await limited({"type": "http", "method": "POST", "headers": []}, receive, send)
    await limited({"type": "http", "method": "GET"}, receive, send)
    assert seen == [503, 1]
