"""Where the event loop waits neither for pipes nor for signals, the server reads and writes as elsewhere.

How it ends there stands in `test_exits`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.clients.server_processes import WINDOWS_BRANCHES, environment, initialize, stdio_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="Windows takes them itself")]

STDIO = [*WINDOWS_BRANCHES, "stdio"]


def test_all_that_a_file_holds_is_answered_in_a_file(tmp_path: Path) -> None:
    params = {"name": "brief", "arguments": {}}
    calls = [{"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params} for id_ in range(1, 11)]
    input_file, output_file = tmp_path / "input_file", tmp_path / "output_file"
    input_file.write_bytes(b"".join(json.dumps(message).encode() + b"\r\n" for message in [initialize(), *calls]))
    with input_file.open("rb") as source, output_file.open("wb") as target:
        subprocess.run(STDIO, stdin=source, stdout=target, stderr=subprocess.PIPE, env=environment(), check=True)
    answers = [json.loads(line) for line in output_file.read_bytes().splitlines()]
    assert sorted(answer["id"] for answer in answers) == list(range(11))
    assert all("result" in answer for answer in answers)


def test_long_answers_and_stray_prints_keep_to_their_streams() -> None:
    word = "ø" * 200_000
    with stdio_server(STDIO) as server:
        for id_ in range(1, 6):
            server.call(id_, "echo", word=word)
        server.call(6, "print")
        messages = [server.receive() for _ in range(6)]
        code, out, log = server.end()
    answers = {answer["id"]: answer["result"]["content"][0]["text"] for answer in messages}
    assert answers == {**dict.fromkeys(range(1, 6), word), 6: "printed"}
    assert (code, out) == (0, b"")
    assert b"astray" in log
