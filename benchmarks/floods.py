"""`python -m benchmarks.floods`: how long /healthz takes while hundreds of connections send half of a request.

Prints a line for each kind of flood. The floods and the health checks run in processes of their own, on this machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import server_environment

CONNECTIONS = 500
SECONDS = 5.0
LEAD_SECONDS = 0.5
"""Time from the first health check to the flood."""
TRICKLE_SECONDS = 0.5
"""Time between two bytes of each connection."""
CHECK_SECONDS = 0.01
"""Time between two health checks."""
MAX_MILLISECONDS = 100.0
"""Bar for the longest health check of a flood, on a machine that does nothing else."""
TOKEN = secrets.token_hex(16)

_HEAD = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
_CLIENT = f"{_HEAD}Authorization: Bearer {TOKEN}\r\nAccept: application/json, text/event-stream\r\n"
FLOODS = {
    "silent sockets": "",
    "half-sent headers": f"{_HEAD}X-Half: ",
    "slow bodies": f"{_HEAD}Content-Length: 100000\r\n\r\n",
    "slow bodies of a client": f"{_CLIENT}Content-Length: 100000\r\n\r\n",
    "slow chunks of a client": f"{_CLIENT}Transfer-Encoding: chunked\r\n\r\n100000\r\n",
}
"""What each connection of a flood sends before it sends single bytes; nothing more where that is nothing."""


class Server(NamedTuple):
    """A running server."""

    process: subprocess.Popen[str]
    port: int

    def memory_bytes(self) -> int:
        """Resident bytes; 0 where the system does not tell."""
        status = Path(f"/proc/{self.process.pid}/status")
        match = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
        return int(match[1]) * 1_024 if match else 0


@dataclass(frozen=True)
class FloodResult:
    """Health checks under one flood, in milliseconds, and what the server's memory grew by, in bytes."""

    checks: tuple[float, ...]
    memory_growth: int

    def line(self, name: str) -> str:
        """One line for a person."""
        return (
            f"{name}: /healthz median {statistics.median(self.checks):.1f} ms, longest {max(self.checks):.0f} ms of"
            f" {len(self.checks)} checks; memory +{self.memory_growth / 1e6:.1f} MB"
        )


@contextmanager
def sandbox_server(variables: Mapping[str, str]) -> Iterator[Server]:
    """Our server over HTTP with its sandbox."""
    command = (sys.executable, "-m", "klaviyo_mcp", "http", "--sandbox", "--port", "0")
    environment = server_environment(variables)
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True) as process:
        try:
            assert process.stderr is not None
            line = next(line for line in process.stderr if '"listening"' in line)
            yield Server(process, int(json.loads(line)["health"].rsplit(":", 1)[1].removesuffix("/healthz")))
        finally:
            process.kill()


def flood(port: int, sent: str, connections: int, seconds: float) -> None:
    """Open connections as fast as this machine can, then send a byte on each now and then."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(connections):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            with contextlib.suppress(ConnectionError):
                connection.sendall(sent.encode())
            sockets.append(connection)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(TRICKLE_SECONDS)
            for connection in sockets if sent else ():
                with contextlib.suppress(ConnectionError):
                    connection.send(b"x")


def check_health(port: int, seconds: float) -> list[float]:
    """Milliseconds of each health check, each on a connection of its own."""
    request = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    checks = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)
            answer = connection.recv(1_024)
        checks.append((time.perf_counter() - began) * 1_000)
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        time.sleep(CHECK_SECONDS)
    return checks


def measure(sent: str, connections: int = CONNECTIONS, seconds: float = SECONDS) -> FloodResult:
    """The health checks of a new server while one flood comes in."""
    with (
        sandbox_server({"KLAVIYO_MCP_TOKENS": TOKEN}) as server,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool,
    ):
        check_health(server.port, 0.1)
        memory = server.memory_bytes()
        checks = pool.submit(check_health, server.port, seconds)
        time.sleep(LEAD_SECONDS)
        flooding = pool.submit(flood, server.port, sent, connections, seconds - 2 * LEAD_SECONDS)
        milliseconds = tuple(checks.result())
        growth = server.memory_bytes() - memory
        flooding.result()
    return FloodResult(milliseconds, growth)


def main() -> int:
    """Measure all floods; 1 where a health check took longer than the bar."""
    longest = 0.0
    for name, sent in FLOODS.items():
        result = measure(sent)
        longest = max(longest, *result.checks)
        sys.stdout.write(result.line(name) + "\n")
    if hasattr(os, "getloadavg"):
        sys.stdout.write(f"load at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    return int(longest > MAX_MILLISECONDS)


if __name__ == "__main__":
    sys.exit(main())
