"""What a client finds on the standard streams of the server, be they pipes, sockets or files."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.clients.server_processes import COMMAND, environment, initialize, stdio_server

pytestmark = pytest.mark.slow

_ASTRAY = """
import os, subprocess, sys
from klaviyo_mcp.transports import pipes
assert pipes.can_wait()
print("before astray")
with pipes.claim_streams() as (lines, writer):
    assert sys.stdin.read() == ""
    print("printed astray")
    os.write(1, b"written astray")
    subprocess.run(["echo", "echoed astray"], check=True)
print("given back")
"""


def test_only_the_protocol_reaches_the_wire() -> None:
    command = [COMMAND[0], "-c", _ASTRAY]
    buffered = environment(PYTHONUNBUFFERED="")
    done = subprocess.run(command, input=b"not for you", capture_output=True, env=buffered, check=True)
    assert done.stdout == b"given back\n"
    for word in (b"before", b"printed", b"written", b"echoed"):
        assert word + b" astray" in done.stderr


def test_closed_streams_are_told() -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=False)
    assert done.returncode == 2
    assert "standard input or output is closed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["pipe", "file", "socket"])
def test_the_server_answers_whatever_its_input_is(kind: str, tmp_path: Path) -> None:
    frames = "".join(
        json.dumps(frame) + "\n"
        for frame in (
            initialize(),
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        )
    ).encode()
    (tmp_path / "frames").write_bytes(frames)
    ours, theirs = socket.socketpair()
    with ours, theirs, (tmp_path / "frames").open("rb") as file:
        ours.sendall(frames)
        ours.shutdown(socket.SHUT_WR)
        sources: dict[str, dict[str, Any]] = {
            "pipe": {"input": frames},
            "file": {"stdin": file},
            "socket": {"stdin": theirs},
        }
        done = subprocess.run(COMMAND, capture_output=True, env=environment(), timeout=60, check=True, **sources[kind])
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [0, 1]
    assert answers[1]["result"]["tools"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts threads as Linux tells them")
def test_messages_over_pipes_need_no_threads() -> None:
    with stdio_server(COMMAND) as server:
        for id_ in range(1, 4):
            server.send({"jsonrpc": "2.0", "id": id_, "method": "ping"})
            assert server.receive()["id"] == id_
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1
