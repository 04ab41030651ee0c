"""An empty sandbox, its API, and the store of the seeded account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from tests.server.sandbox.sandbox_api import Api, api_of

from klaviyo_mcp.sandbox.app import Sandbox
from klaviyo_mcp.sandbox.faults import Faults
from klaviyo_mcp.sandbox.state.store import Store

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def sandbox() -> Sandbox:
    """An empty sandbox whose clock stands still."""
    return Sandbox(Store(now=NOW), key="sandbox", faults=Faults(), rate_limits=None, seed=1)


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Api]:
    """The API of the empty sandbox, at the oldest revision."""
    async with api_of(sandbox) as api:
        yield api
