"""The server ends cleanly however it is ended, and stdout is protocol and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import anyio
import anyio.to_thread
import pytest
from mcp.client.client import Client
from tests.clients.server_processes import (
    ENVELOPE,
    FAKE_SERVICE,
    WINDOWS_BRANCHES,
    StdioServer,
    environment,
    http_server,
    initialize,
    stdio_server,
)

pytestmark = pytest.mark.slow

STDIO = [*FAKE_SERVICE, "stdio"]
HTTP = [*FAKE_SERVICE, "http"]


BOTH_PROGRAMS = pytest.mark.parametrize("program", [FAKE_SERVICE, WINDOWS_BRANCHES], ids=["posix", "windows"])
"""The test service as it is, and on the branches that Windows takes."""
ENDED = "The server is shutting down and ended wait. If it changes something, check whether the change"


@BOTH_PROGRAMS
def test_a_call_under_way_may_end_after_the_input(program: list[str]) -> None:
    with stdio_server([*program, "stdio"]) as server:
        server.call(1, "brief")
        assert server.receive()["method"] == "notifications/progress"
        code, out, log = server.end()
    assert code == 0
    assert json.loads(out)["result"]["content"][0]["text"] == "done"
    assert json.loads(log.splitlines()[-1])["status"] == "ok"


def test_the_server_ends_after_its_input_even_while_a_call_waits() -> None:
    with stdio_server(STDIO) as server:
        server.call(1, "wait")
        assert server.receive()["method"] == "notifications/progress"
        code, out, log = server.end()
    assert code == 0
    assert json.loads(out)["result"]["content"][0]["text"].startswith(ENDED)
    assert b"Traceback" not in log
    assert json.loads(log.splitlines()[-1])["status"] == "stopped"


def test_what_is_piped_in_at_once_is_answered_in_full() -> None:
    calls = [
        {
            "jsonrpc": "2.0",
            "id": id_,
            "method": "tools/call",
            "params": {"name": "echo", "arguments": {"word": f"{id_}"}},
        }
        for id_ in range(1, 51)
    ]
    frames = "".join(json.dumps(frame) + "\n" for frame in [initialize(), *calls])
    done = subprocess.run(STDIO, input=frames.encode(), capture_output=True, env=environment(), check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(answer["id"] for answer in answers) == list(range(51))
    assert all("result" in answer for answer in answers)


@BOTH_PROGRAMS
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_server_with_the_exit_code_of_shells_though_its_input_stays_open(
    program: list[str], number: signal.Signals, expected: int
) -> None:
    with stdio_server([*program, "stdio"]) as server:
        server.call(1, "wait")
        server.receive()
        server.process.send_signal(number)
        assert server.process.wait(timeout=20) == expected
        _, out, log = server.end()
    assert json.loads(out)["result"]["content"][0]["text"].startswith(ENDED)
    assert b"Traceback" not in log


@contextmanager
def unread(ids: Iterable[int]) -> Iterator[StdioServer]:
    """A server whose input has ended, and which waits for somebody to read its answers."""
    with stdio_server(STDIO) as server:
        for id_ in ids:
            server.call(id_, "echo", word="x" * 10_000)
        assert server.process.stdin is not None
        server.process.stdin.close()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(timeout=1)
        yield server


def test_every_answer_is_written_after_the_input_however_late_the_client_reads() -> None:
    with unread(range(1, 31)) as server:
        assert server.process.stdout is not None
        answers = [json.loads(line) for line in server.process.stdout]
        assert server.process.wait(timeout=20) == 0
    assert sorted(answer["id"] for answer in answers) == list(range(1, 31))
    assert all("result" in answer for answer in answers)


def test_a_signal_ends_the_server_though_its_client_reads_nothing() -> None:
    with unread(range(1, 101)) as server:
        server.process.terminate()
        assert server.process.wait(timeout=20) == 143


def test_stray_prints_and_broken_messages_do_not_disturb_the_protocol() -> None:
    with stdio_server(STDIO) as server:
        server.call(1, "print")
        assert server.receive()["result"]["content"][0]["text"] == "printed"
        for ruin in (b"not json", b"[]", b'{"jsonrpc":"2.0"}', b"\xff\xfe", b'{"id":1}', b""):
            server.send(ruin)
        server.send({"jsonrpc": "2.0", "id": "2", "method": "ping"})
        while (answer := server.receive())["id"] != "2":
            assert "error" in answer
        assert answer == {"jsonrpc": "2.0", "id": "2", "result": {}}
        code, out, log = server.end()
    assert (code, out) == (0, b"")
    assert b"astray" in log


def test_a_modern_client_needs_no_handshake_but_an_envelope() -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": ENVELOPE}}
    pipe = subprocess.PIPE
    with subprocess.Popen(STDIO, stdin=pipe, stdout=pipe, stderr=pipe, env=environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(timeout=20) == 0
    assert answer["result"]["resultType"] == "complete"
    assert answer["result"]["ttlMs"] == 300_000


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("program", "number"), [(FAKE_SERVICE, signal.SIGTERM), (WINDOWS_BRANCHES, signal.SIGINT)], ids=["posix", "windows"]
)
async def test_http_lets_a_call_end_before_it_stops(program: list[str], number: signal.Signals) -> None:
    begun = anyio.Event()
    answers: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    with http_server([*program, "http"]) as server:
        async with Client(f"{server.base}/mcp") as client, anyio.create_task_group() as group:

            async def brief() -> None:
                result = await client.call_tool("brief", {}, progress_callback=note)
                answers.append(result.content[0].text)  # type: ignore[union-attr]

            await client.list_tools()  # or the client lists them after the call, to check its answer
            group.start_soon(brief)
            await begun.wait()
            server.process.send_signal(number)
        assert await anyio.to_thread.run_sync(server.process.wait) == 0
        log = server.log()
    assert answers == ["done"]
    assert "Traceback" not in log
    assert f'"event": "stopping", "signal": "{number.name}"' in log


@pytest.mark.anyio
async def test_a_second_signal_ends_calls_at_once_and_tells_their_clients() -> None:
    begun = anyio.Event()
    answers: list[str] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        begun.set()

    with http_server(HTTP) as server:
        async with Client(f"{server.base}/mcp", mode="legacy") as client, anyio.create_task_group() as group:

            async def wait() -> None:
                result = await client.call_tool("wait", {}, progress_callback=note)
                assert result.is_error
                answers.append(result.content[0].text)  # type: ignore[union-attr]

            await client.list_tools()
            group.start_soon(wait)
            await begun.wait()
            server.process.send_signal(signal.SIGINT)
            await anyio.to_thread.run_sync(_until_refused, f"{server.base}/readyz")
            server.process.send_signal(signal.SIGINT)
        assert await anyio.to_thread.run_sync(server.process.wait) == 0
        log = server.log()
    assert answers[0].startswith("The server is shutting down and ended wait.")
    assert "Traceback" not in log


def _until_refused(url: str) -> None:
    """Until the first signal has arrived: the server is then no longer ready."""
    for _ in range(2_000):
        try:
            urllib.request.urlopen(url).close()
        except urllib.error.HTTPError as refused:
            assert refused.code == 503
            refused.close()
            return
    raise AssertionError("the signal never arrived")
