"""Sessions of Streamable HTTP: no request meets a dead end, and one client leaves room for the others."""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr
from tests.clients.server_processes import FAKE_SERVICE, http_server, initialize
from tests.server.transports.http_app import ACCEPT, OTHER, TOKEN, bearer, call, serve_app

pytestmark = pytest.mark.anyio
PING = {"jsonrpc": "2.0", "id": 2, "method": "ping"}


async def test_a_client_with_a_session_from_before_a_restart_initializes_anew() -> None:
    stale = ACCEPT | {"Mcp-Session-Id": "0" * 32}
    async with serve_app() as client:
        called = await client.post("/mcp", json=PING, headers=stale)
        opened = await client.post("/mcp", json=initialize(), headers=stale)
        session = ACCEPT | {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        pinged = await client.post("/mcp", json=PING, headers=session)
    assert (called.status_code, opened.status_code, pinged.status_code) == (404, 200, 200)
    assert opened.headers["mcp-session-id"] != "0" * 32


async def test_one_client_opens_at_most_its_share_of_the_sessions() -> None:
    async with serve_app(max_sessions=4, tokens=(SecretStr(TOKEN), SecretStr(OTHER))) as client:
        opened = [await client.post("/mcp", json=initialize(), headers=ACCEPT | bearer(TOKEN)) for _ in range(4)]
        other = await client.post("/mcp", json=initialize(), headers=ACCEPT | bearer(OTHER))
    assert [response.status_code for response in opened] == [200, 200, 200, 503]
    assert other.status_code == 200


async def test_a_stateless_server_keeps_no_session() -> None:
    async with serve_app(stateless=True) as client:
        opened = await client.post("/mcp", json=initialize(), headers=ACCEPT)
        called = await client.post("/mcp", json=call(word="hello"), headers=ACCEPT | {"Mcp-Session-Id": "0" * 32})
        streamed = await client.get("/mcp", headers={"Accept": "text/event-stream"})
        deleted = await client.delete("/mcp")
    assert opened.status_code == 200
    assert "mcp-session-id" not in opened.headers
    assert '"text":"hello"' in called.text
    assert (streamed.status_code, deleted.status_code) == (405, 405)


def test_a_stream_that_is_resumed_is_a_stream_or_a_refusal() -> None:
    with http_server([*FAKE_SERVICE, "http"]) as server:
        opened = httpx.post(f"{server.base}/mcp", json=initialize(), headers=ACCEPT)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "Accept": "text/event-stream"}
        with httpx.stream("GET", f"{server.base}/mcp", headers=session | {"Last-Event-ID": "x"}) as resumed:
            assert resumed.status_code == 200
            assert resumed.headers["content-type"].startswith("text/event-stream")
        without_session = httpx.get(f"{server.base}/mcp", headers={"Accept": "text/event-stream", "Last-Event-ID": "x"})
    assert 400 <= without_session.status_code < 500


def test_an_sse_stream_behind_a_prefix_announces_its_public_path() -> None:
    variables = {"KLAVIYO_MCP_PUBLIC_URL": "https://mcp.example.com/klaviyo"}
    with (
        http_server([*FAKE_SERVICE, "http"], **variables) as server,
        httpx.stream("GET", f"{server.base}/sse") as stream,
    ):
        announced = next(line for line in stream.iter_lines() if line.startswith("data: "))
    assert announced.startswith("data: /klaviyo/messages/?session_id=")
