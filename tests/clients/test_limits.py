"""Sessions over HTTP are counted, and end when their clients have long been silent."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from tests.clients.server_processes import FAKE_SERVICE, HttpServer, http_server, initialize
from tests.server.transports.http_app import OTHER, TOKEN, bearer

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


def test_one_client_leaves_room_for_the_calls_of_others_over_sse_too() -> None:
    tokens = {"KLAVIYO_MCP_TOKENS": f"{TOKEN},{OTHER}", "KLAVIYO_MCP_MAX_CONCURRENT": "8"}
    with http_server([*FAKE_SERVICE, "http"], **tokens) as server, ExitStack() as stack:
        places, streams = {}, []
        for token in (TOKEN, OTHER):
            headers = bearer(token)
            stream = stack.enter_context(httpx.stream("GET", f"{server.base}/sse", headers=headers))
            streams.append(lines := stream.iter_lines())  # an iterator that is dropped closes its stream
            places[token] = next(line for line in lines if line.startswith("data: ")).removeprefix("data: ")
            httpx.post(server.base + places[token], json=initialize(), headers=headers)

        def post(token: str, count: int) -> Counter[bytes]:
            """How often each status answered calls that were sent at once."""
            host, port = server.base.removeprefix("http://").split(":")
            connections = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(count)]
            for id_, connection in enumerate(connections, 1):
                message = {"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": {"name": "wait"}}
                body = json.dumps(message)
                connection.sendall(
                    f"POST {places[token]} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
                )
            return Counter(connection.recv(1_024)[9:12] for connection in connections)

        assert post(TOKEN, 60) == {b"202": 6, b"503": 54}
        assert post(OTHER, 1) == {b"202": 1}
