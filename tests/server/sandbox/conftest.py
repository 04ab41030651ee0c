"""A sandbox of one record of each type, and a client that speaks to it in process."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from klaviyo_mcp.sandbox.api.engine import complete
from klaviyo_mcp.sandbox.app import Sandbox
from klaviyo_mcp.sandbox.contract.contract import load_contract
from klaviyo_mcp.sandbox.faults import Faults
from klaviyo_mcp.sandbox.state.store import Record, Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
REVISION = "2026-01-15"
KLAVIYO = Path(__file__).parents[3].parent / "shared" / "klaviyo"


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


_IDS = {"mapped-metric": "revenue", "campaign-send-job": "campaign-1", "tracking-setting": "tracking-setting-1"}


_ATTRIBUTES: Mapping[str, Mapping[str, Any]] = {
    "event": {"timestamp": 1780272000, "datetime": "2026-06-01T00:00:00+00:00", "event_properties": {}},
    **{type_: {"name": f"A {type_}"} for type_ in ("flow", "list", "metric", "segment")},
}


def _one_of_each(revision: str) -> Store:
    store = Store(now=NOW)
    known = load_contract(revision)
    assert known is not None
    for type_, resource in known.resource_types.items():
        links: dict[str, Any] = {}
        for name in resource.relationships:
            if (type_, name) in (
                ("list", "profiles"),
                ("segment", "profiles"),
                ("profile", "lists"),
                ("profile", "segments"),
            ):
                continue
            target = f"{resource.target(name)}-1"
            links[name] = [target] if resource.is_to_many(name) else target
        if type_ == "form-version":
            links["form"] = "form-1"
        record = Record(type_, _IDS.get(type_, f"{type_}-1"), dict(_ATTRIBUTES.get(type_, {})), links)
        complete(known, store, record)
        store.add(record)
    profile = store.get("profile", "profile-1")
    assert profile is not None
    profile.attributes.pop("joined_group_at")
    profile.attributes["email"] = "one@example.com"
    store.touch(profile)
    for group in ("list", "segment"):
        store.join(group, f"{group}-1", "profile-1")
    return store


@pytest.fixture
def one_of_each() -> Callable[[str], Store]:
    """A store, for a revision, of a record of every type, each related to all that its type may be related to."""
    return _one_of_each


@pytest.fixture(scope="session")
def klaviyo() -> Path:
    """Where Klaviyo's documents are; the test is skipped where they are absent, unless CI is set."""
    if not KLAVIYO.exists() and not os.environ.get("CI"):
        pytest.skip("Klaviyo's OpenAPI documents are not here")
    assert KLAVIYO.exists(), "CI needs Klaviyo's OpenAPI documents at ../shared/klaviyo"
    return KLAVIYO
