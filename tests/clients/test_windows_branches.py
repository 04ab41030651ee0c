"""Where the event loop waits neither for pipes nor for signals, the server ends as cleanly as elsewhere."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from mcp.client.client import Client
from tests.clients.server_processes import environment, http_server, initialize, stdio_server

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="sends signals")]

PROGRAM = [sys.executable, str(Path(__file__).with_name("windows_branches.py"))]
STDIO = [*PROGRAM, "stdio"]


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_stdio_though_its_input_stays_open(number: signal.Signals, expected: int) -> None:
    with stdio_server(STDIO) as server:
        server.call(1, "wait")
        server.receive()
        server.process.send_signal(number)
        assert server.process.wait(timeout=20) == expected
        _, out, log = server.end()
    assert json.loads(out)["result"]["content"][0]["text"].startswith("The server is shutting down and ended wait.")
    assert b"Traceback" not in log


def test_a_call_under_way_may_end_after_the_input() -> None:
    with stdio_server(STDIO) as server:
        server.call(1, "brief")
        assert server.receive()["method"] == "notifications/progress"
        code, out, log = server.end()
    assert code == 0
    assert json.loads(out)["result"]["content"][0]["text"] == "done"
    assert json.loads(log.splitlines()[-1])["status"] == "ok"


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


@pytest.mark.anyio
async def test_a_signal_lets_calls_over_http_end_and_leaves_no_traceback() -> None:
    begun = anyio.Event()
    answers: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    with http_server([*PROGRAM, "http"]) as server:
        async with Client(f"{server.base}/mcp") as client, anyio.create_task_group() as group:

            async def brief() -> None:
                result = await client.call_tool("brief", {}, progress_callback=note)
                answers.append(result.content[0].text)  # type: ignore[union-attr]

            await client.list_tools()
            group.start_soon(brief)
            await begun.wait()
            server.process.send_signal(signal.SIGINT)
        assert await anyio.to_thread.run_sync(server.process.wait) == 0
        log = server.log()
    assert answers == ["done"]
    assert "Traceback" not in log
    assert '"event": "stopping", "signal": "SIGINT"' in log
