"""Server processes for the tests: started, talked to, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FAKE_SERVICE = [sys.executable, str(Path(__file__).with_name("fake_service.py"))]
WINDOWS_BRANCHES = [sys.executable, str(Path(__file__).with_name("windows_branches.py"))]
COMMAND = [sys.executable, "-m", "klaviyo_mcp"]
CLIENT = {"name": "test", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without settings of its own, and what the package needs to be found."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MATON_", "KLAVIYO_"))}
    root = Path(__file__).parents[2]
    places = os.pathsep.join(str(place) for place in (root, root / "tools", root / "server"))
    return {**clean, "PYTHONPATH": places, **variables}


def initialize(id_: int = 0) -> dict[str, Any]:
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": CLIENT}
    return {"jsonrpc": "2.0", "id": id_, "method": "initialize", "params": params}


class StdioServer:
    """A server on stdio, spoken to in lines of JSON."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def send(self, message: dict[str, Any] | bytes) -> None:
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        received: dict[str, Any] = json.loads(self.process.stdout.readline())
        return received

    def call(self, id_: int, tool: str, **arguments: Any) -> None:
        params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": id_}}
        self.send({"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params})

    def end(self) -> tuple[int, bytes, bytes]:
        """Close its input; its exit code, what was left on stdout, and its log."""
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@contextmanager
def stdio_server(command: Sequence[str], **variables: str) -> Iterator[StdioServer]:
    """A server on stdio whose handshake is done."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment(**variables)) as process:
        server = StdioServer(process)
        try:
            server.send(initialize())
            assert server.receive()["id"] == 0
            server.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
            yield server
        finally:
            process.kill()


@dataclass(frozen=True)
class HttpServer:
    """A server on a port."""

    process: subprocess.Popen[bytes]
    base: str

    def log(self) -> str:
        """Its log from here to its end."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()


@contextmanager
def http_server(command: Sequence[str], **variables: str) -> Iterator[HttpServer]:
    """A server that answers on loopback, on a free port unless the variables name one."""
    settings = environment(**{"KLAVIYO_MCP_PORT": "0", **variables})
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=settings) as process:
        try:
            assert process.stderr is not None
            listening = {"event": ""}
            while listening["event"] != "listening":
                listening = json.loads(process.stderr.readline())
            yield HttpServer(process, listening["health"].removesuffix("/healthz"))
        finally:
            process.kill()
