"""Maton's connections."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import HEADERS, send

from klaviyo_mcp.sandbox.app import Sandbox

pytestmark = pytest.mark.anyio


async def test_a_new_connection_is_pending_until_its_second_read(sandbox: Sandbox) -> None:
    connection = (await send(sandbox, "POST", "/connections", json={"app": "klaviyo"})).json()["connection"]
    assert connection["status"] == "PENDING"
    assert connection["url"].startswith("https://")
    through_it = {**HEADERS, "maton-connection": connection["connection_id"]}
    assert (await send(sandbox, "GET", "/klaviyo/api/lists", through_it)).status_code == 400
    path = f"/connections/{connection['connection_id']}"
    statuses = [(await send(sandbox, "GET", path)).json()["connection"]["status"] for _ in range(2)]
    assert statuses == ["PENDING", "ACTIVE"]
    active = await send(sandbox, "GET", "/connections?app=klaviyo&status=ACTIVE")
    assert len(active.json()["connections"]) == 2


async def test_connections_of_other_apps_and_unknown_ones_are_not_there(sandbox: Sandbox) -> None:
    assert (await send(sandbox, "GET", "/connections?app=slack")).json() == {"connections": []}
    assert (await send(sandbox, "GET", "/connections/nope")).status_code == 404
    assert (await send(sandbox, "POST", "/connections", json={})).status_code == 400
