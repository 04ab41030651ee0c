"""What a client finds on the standard streams of the server, be they pipes, sockets or files."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import mcp_types
import pytest
from tests.clients.server_processes import COMMAND, FAKE_SERVICE, environment, initialize, stdio_server

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


def test_closed_streams_are_reported_at_the_start() -> None:
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


def test_every_line_with_an_id_is_answered_whatever_is_wrong_with_it() -> None:
    call = b'{"jsonrpc": "2.0", "id": %d, "method": "tools/call", "params": {"name": "echo", "arguments": %s}}'
    depths = range(150, 250, 7)
    lines = [
        call % (1, rb'{"word": "\ud83d"}'),
        b"\xef\xbb\xbf" + call % (2, b'{"word": "hat"}'),
        (call % (3, b"{}"))[:60],
        b"[" + call % (4, b"{}") + b"]",
        call % (5, rb'"{\"word\": \"hat\"}"'),
        call % (6, b'"hat"'),
        call % (7, b"[1]"),
        b"\xff\xff",
        *(call % (depth, b'{"word": %s}' % (b"[" * depth + b"]" * depth)) for depth in depths),
    ]
    with stdio_server([*FAKE_SERVICE, "stdio"]) as server:
        for line in lines:
            server.send(line)
        answers = {answer["id"]: answer for answer in (server.receive() for _ in lines)}
    words = {id_: answers[id_]["result"]["content"][0]["text"] for id_ in (1, 2, 5)}
    codes = {id_: answers[id_]["error"]["code"] for id_ in (3, 4, 6, 7, None)}
    assert words == {1: "\ufffd", 2: "hat", 5: "hat"}
    assert codes == {
        3: mcp_types.PARSE_ERROR,
        4: mcp_types.INVALID_REQUEST,
        6: mcp_types.INVALID_PARAMS,
        7: mcp_types.INVALID_PARAMS,
        None: mcp_types.PARSE_ERROR,
    }
    assert answers[6]["error"]["message"] == "arguments must be a JSON object, not a string that holds none"
    assert answers[7]["error"]["message"] == "arguments must be a JSON object, not an array"
    assert answers.keys() >= set(depths)


def test_requests_whose_id_no_message_can_have_are_answered() -> None:
    with stdio_server(COMMAND) as server:
        for id_ in ("null", "1.5", "true"):
            server.send(b'{"jsonrpc": "2.0", "id": %s, "method": "ping"}' % id_.encode())
            answer = server.receive()
            assert answer["error"]["code"] == mcp_types.INVALID_REQUEST
            assert answer["id"] == (1.5 if id_ == "1.5" else None)


def test_what_is_being_read_at_the_end_of_the_input_is_answered() -> None:
    reference = {"type": "ref/prompt", "name": "flow_health"}
    reads: list[tuple[str, dict[str, Any]]] = [
        ("resources/read", {"uri": "klaviyo://list/Y6nRLr"}),
        (
            "completion/complete",
            {"ref": reference, "argument": {"name": "metric", "value": "Pl"}},
        ),
        ("prompts/get", {"name": "account_audit"}),
    ]
    frames = [initialize(), {"jsonrpc": "2.0", "method": "notifications/initialized"}]
    frames += [
        {"jsonrpc": "2.0", "id": n, "method": name, "params": params} for n, (name, params) in enumerate(reads, 1)
    ]
    lines = "".join(json.dumps(frame) + "\n" for frame in frames).encode()
    done = subprocess.run(
        [*COMMAND, "--sandbox"], input=lines, capture_output=True, env=environment(), timeout=60, check=True
    )
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert answers.keys() == {0, 1, 2, 3}
    assert answers[2]["result"]["completion"]["values"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="counts threads as Linux tells them")
def test_messages_over_pipes_need_no_threads() -> None:
    with stdio_server(COMMAND) as server:
        for id_ in range(1, 4):
            server.send({"jsonrpc": "2.0", "id": id_, "method": "ping"})
            assert server.receive()["id"] == id_
        assert len(list(Path(f"/proc/{server.process.pid}/task").iterdir())) == 1
