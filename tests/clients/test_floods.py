"""Hundreds of connections without a complete request leave the server answering, small and quiet."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.clients.server_processes import ENVELOPE, FAKE_SERVICE, HttpServer, http_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

TOKEN = "token-of-an-honest-client"
FLOOD = 500
MAX_MEMORY_BYTES = 30_000_000
MAX_LOG_BYTES = 100_000
GENEROUS_SECONDS = 2.0
"""Far above the 100 ms that are measured, for a machine that runs other things."""
HEAD = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
AUTHORIZED = HEAD + f"Authorization: Bearer {TOKEN}\r\nAccept: application/json, text/event-stream\r\n".encode()


@pytest.fixture(scope="module", params=[256, 2_048], ids=["few files", "many files"])
def server(request: pytest.FixtureRequest) -> Iterator[HttpServer]:
    limited = ["sh", "-c", f'ulimit -n {request.param} && exec "$@"', "sh", *FAKE_SERVICE, "http"]
    with http_server(limited, KLAVIYO_MCP_TOKENS=TOKEN) as started:
        yield started


def check_health(server: HttpServer) -> float:
    """Seconds until a new connection has the answer of /healthz."""
    began = time.perf_counter()
    [connection] = open_connections(server, 1, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    with connection, connection.makefile("rb") as answer:
        assert answer.readline().startswith(b"HTTP/1.1 200 ")
    return time.perf_counter() - began


def memory(server: HttpServer) -> int:
    """Resident bytes of the server's process."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1_024


def open_connections(server: HttpServer, count: int, sent: bytes) -> list[socket.socket]:
    host, port = server.base.removeprefix("http://").split(":")
    opened = []
    for _ in range(count):
        connection = socket.create_connection((host, int(port)))
        with contextlib.suppress(ConnectionError):
            connection.sendall(sent)
        opened.append(connection)
    return opened


def trickle(connections: list[socket.socket]) -> None:
    for connection in connections:
        with contextlib.suppress(ConnectionError):
            connection.send(b"x")


def call(server: HttpServer) -> str:
    """What the tool `echo` answers to a client of its own."""
    params = {"name": "echo", "arguments": {"word": "served"}, "_meta": ENVELOPE}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "echo",
    }
    answer = httpx.post(f"{server.base}/mcp", json=message, headers=headers)
    text: str = answer.json()["result"]["content"][0]["text"]
    return text


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        HEAD + b"X-Half: ",
        HEAD + b"Content-Length: 100000\r\n\r\n",
        AUTHORIZED + b"Content-Length: 100000\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
    ids=["silent", "half-sent headers", "slow bodies", "slow bodies of a client", "nonsense"],
)
def test_a_flood_keeps_nobody_out(server: HttpServer, sent: bytes) -> None:
    call(server)
    memory_before = memory(server)
    longest = 0.0
    flood: list[socket.socket] = []
    try:
        for _ in range(10):
            flood += open_connections(server, FLOOD // 10, sent)
            trickle(flood if sent else [])
            longest = max(longest, *(check_health(server) for _ in range(5)))
            assert call(server) == "served"
        assert memory(server) - memory_before < MAX_MEMORY_BYTES
    finally:
        for connection in flood:
            connection.close()
    assert longest < GENEROUS_SECONDS


def test_the_log_of_the_floods_is_short(server: HttpServer) -> None:
    server.process.terminate()
    assert len(server.log()) < MAX_LOG_BYTES
