"""Sessions over HTTP are counted, and end when their clients have long been silent."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest
from tests.clients.server_processes import FAKE_SERVICE, HttpServer, http_server, initialize

pytestmark = pytest.mark.slow

ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with http_server([*FAKE_SERVICE, "http"], KLAVIYO_MCP_SESSION_IDLE="2", KLAVIYO_MCP_MAX_SESSIONS="1") as started:
        yield started


def test_sse_streams_are_counted_and_a_silent_one_ends(server: HttpServer) -> None:
    with httpx.stream("GET", f"{server.base}/sse") as stream:
        refused = httpx.get(f"{server.base}/sse")
        events = stream.read().decode()  # until the server ends it
    assert refused.status_code == 503
    assert refused.json() == {"error": "too many open sessions; try again later"}
    assert events.startswith("event: endpoint\r\ndata: /messages/?session_id=")
    with httpx.stream("GET", f"{server.base}/sse") as stream:
        assert stream.status_code == 200


def test_a_silent_streamable_session_ends_and_makes_room(server: HttpServer) -> None:
    opened = httpx.post(f"{server.base}/mcp", json=initialize(), headers=ACCEPT)
    session = {**ACCEPT, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert httpx.post(f"{server.base}/mcp", json=ping, headers=session).status_code == 200
    give_up = time.monotonic() + 20
    while (second := httpx.post(f"{server.base}/mcp", json=initialize(), headers=ACCEPT)).status_code != 200:
        assert second.status_code == 503
        assert time.monotonic() < give_up
    assert httpx.post(f"{server.base}/mcp", json=ping, headers=session).status_code == 404


def test_a_message_to_no_session_is_refused(server: HttpServer) -> None:
    url = f"{server.base}/messages/"
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    unknown = {"session_id": "0" * 32}
    assert httpx.post(url, json=ping).status_code == 400
    assert httpx.post(url, json=ping, params={"session_id": "none"}).status_code == 400
    assert httpx.post(url, json=ping, params=unknown).status_code == 404
    assert httpx.get(url, params=unknown).status_code == 405
