"""An empty sandbox, and a client that calls it in process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from klaviyo_mcp.sandbox.app import Sandbox
from klaviyo_mcp.sandbox.faults import Faults
from klaviyo_mcp.sandbox.state.store import Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REVISION = "2026-01-15"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sandbox() -> Sandbox:
    """An empty sandbox whose clock stands still."""
    return Sandbox(Store(now=NOW), key="sandbox", faults=Faults(), rate_limits=None, seed=1)


class Api:
    """Klaviyo behind the gateway: each call returns what was answered, and fails the test on another status."""

    def __init__(self, client: httpx.AsyncClient, sandbox: Sandbox) -> None:
        self.client = client
        self.sandbox = sandbox

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Any:
        response = await self.client.request(
            method,
            path,
            params=query.get("params") or query,
            content=None if body is None else json.dumps(body),
            headers={"content-type": "application/vnd.api+json", **(headers or {})} if body is not None else headers,
        )
        assert response.status_code == status, (method, path, response.status_code, response.text)
        return response.json() if response.content else None

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return await self.send("GET", f"/klaviyo/api/{path}", None, status, **query)

    async def ids(self, path: str, **query: Any) -> list[str]:
        return [one["id"] for one in (await self.get(path, **query))["data"]]

    async def post(self, path: str, body: Any, status: int = 201, **query: Any) -> Any:
        return await self.send("POST", f"/klaviyo/api/{path}", body, status, **query)

    async def patch(self, path: str, body: Any, status: int = 200, **query: Any) -> Any:
        return await self.send("PATCH", f"/klaviyo/api/{path}", body, status, **query)

    async def delete(self, path: str, body: Any = None, status: int = 204, **query: Any) -> Any:
        return await self.send("DELETE", f"/klaviyo/api/{path}", body, status, **query)

    async def make(self, type_: str, path: str, status: int = 201, **attributes: Any) -> Any:
        """Create a resource of these attributes; returns the resource."""
        answered = await self.post(path, {"data": {"type": type_, "attributes": attributes}}, status)
        return answered["data"]


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    headers = {"authorization": "Bearer sandbox", "revision": REVISION}
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        yield Api(client, sandbox)
