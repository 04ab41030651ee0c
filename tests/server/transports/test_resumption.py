"""A client whose stream broke gets the answer that it missed, and nothing of anybody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest
from mcp.server.streamable_http import GET_STREAM_KEY, EventMessage
from mcp_types import JSONRPCNotification, JSONRPCRequest, JSONRPCResponse
from tests.clients.server_processes import FAKE_SERVICE, HttpServer, http_server, initialize
from tests.server.transports.http_app import ACCEPT, OTHER, TOKEN, bearer

from klaviyo_mcp.transports.resumption import RETRY_MILLISECONDS, KeptMessages, SessionEvents

pytestmark = pytest.mark.anyio

PROGRESS = JSONRPCNotification(jsonrpc="2.0", method="notifications/progress")
QUESTION = JSONRPCRequest(jsonrpc="2.0", id=7, method="elicitation/create")


def answer(id_: int) -> JSONRPCResponse:
    return JSONRPCResponse(jsonrpc="2.0", id=id_, result={"of": id_})


async def replayed(events: SessionEvents, last_event_id: str) -> list[Any]:
    """The messages of a stream that follow an event, at the end the stream that the library goes on with."""
    messages: list[Any] = []

    async def note(event: EventMessage) -> None:
        messages.append(event.message)

    stream = await events.replay_events_after(last_event_id, note)
    return messages if stream is None else [*messages, stream]


async def test_the_answer_of_a_stream_is_replayed_and_ends_it() -> None:
    events = SessionEvents(KeptMessages(), follow_seconds=0)
    priming_id = await events.store_event("1", None)
    await events.store_event("2", answer(2))
    progress_id = await events.store_event("1", PROGRESS)
    answer_id = await events.store_event("1", answer(1))
    assert await replayed(events, priming_id) == [answer(1)]
    assert await replayed(events, progress_id) == [answer(1)]
    assert await replayed(events, answer_id) == []


async def test_a_stream_without_an_answer_goes_on_with_all_that_comes() -> None:
    events = SessionEvents(KeptMessages())
    priming_id = await events.store_event("a-b/ü\n", None)
    assert "\n" not in priming_id
    await events.store_event("a-b/ü\n", PROGRESS)
    await events.store_event("a-b/ü\n", QUESTION)
    received: list[Any] = []
    async with anyio.create_task_group() as group:

        async def follow() -> None:
            received.extend(await replayed(events, priming_id))

        group.start_soon(follow)
        await anyio.wait_all_tasks_blocked()
        for stream, message in (("a-b/ü\n", PROGRESS), ("other", answer(2)), ("a-b/ü\n", answer(1))):
            await events.store_event(stream, message)
    assert received == [QUESTION, PROGRESS, answer(1)]


async def test_a_stream_is_not_followed_for_ever() -> None:
    events = SessionEvents(KeptMessages(), follow_seconds=0.05)
    priming_id = await events.store_event("1", None)
    assert await replayed(events, priming_id) == []


@pytest.mark.parametrize("last_event_id", ["", "x", "-1", "1", "²-1", "1-", "nonsense\n", f"1-{GET_STREAM_KEY}"])
async def test_an_id_that_was_not_given_out_stands_for_the_stream_of_no_request(last_event_id: str) -> None:
    events = SessionEvents(KeptMessages())
    await events.store_event("1", answer(1))
    assert await replayed(events, last_event_id) == [GET_STREAM_KEY]


async def test_sessions_keep_little_and_all_together_a_bounded_number() -> None:
    kept_messages = KeptMessages(max_messages=5)
    first, second = (SessionEvents(kept_messages, max_messages=3, follow_seconds=0) for _ in range(2))
    priming_id = [await first.store_event(str(number), None) for number in range(4)]
    for number in range(4):
        await first.store_event(str(number), answer(number))
    assert [bool(await replayed(first, event)) for event in priming_id] == [False, True, True, True]
    for number in range(4):
        await second.store_event(str(number), answer(number))
    assert [bool(await replayed(first, event)) for event in priming_id] == [False, False, False, True]


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with http_server([*FAKE_SERVICE, "http"], KLAVIYO_MCP_TOKENS=f"{TOKEN},{OTHER}") as started:
        yield started


def open_session(server: HttpServer, version: str = "2025-11-25") -> dict[str, str]:
    """The headers of a new session."""
    message = initialize()
    message["params"]["protocolVersion"] = version
    opened = httpx.post(f"{server.base}/mcp", json=message, headers=ACCEPT | bearer(TOKEN))
    session = ACCEPT | bearer(TOKEN) | {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    return session | {"MCP-Protocol-Version": version}


def call_message(id_: int, tool: str) -> dict[str, Any]:
    params = {"name": tool, "arguments": {}, "_meta": {"progressToken": id_}}
    return {"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params}


def break_a_call(server: HttpServer, session: dict[str, str], id_: int = 1) -> str:
    """Start a call and leave after the first event of its stream; that event's id."""
    message = call_message(id_, "brief")
    with httpx.stream("POST", f"{server.base}/mcp", json=message, headers=session) as stream:
        lines = stream.iter_lines()
        event = dict(line.split(": ", 1) for line in iter(lambda: next(lines), "") if ": " in line)
    assert event["retry"] == str(RETRY_MILLISECONDS)
    return event["id"]


@pytest.mark.slow
def test_a_client_that_comes_back_gets_the_answer_of_its_call(server: HttpServer) -> None:
    session = open_session(server)
    ids = [break_a_call(server, session, id_) for id_ in (1, 2)]
    for id_, event_id in enumerate(ids, 1):
        with httpx.stream("GET", f"{server.base}/mcp", headers=session | {"Last-Event-ID": event_id}) as stream:
            answers = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: {")]
        results = [message for message in answers if "result" in message]
        assert [message["id"] for message in results] == [id_]
        assert results[0]["result"]["content"][0]["text"] == "done"


@pytest.mark.slow
def test_nobody_else_gets_the_answer(server: HttpServer) -> None:
    session = open_session(server)
    event_id = break_a_call(server, session)
    url, resumed = f"{server.base}/mcp", {"Last-Event-ID": event_id}
    refusal = httpx.get(url, headers=session | bearer(OTHER) | resumed)
    assert refusal.status_code == 404
    lines: list[str] = []
    headers, soon = open_session(server) | resumed, httpx.Timeout(5, read=1)
    with httpx.stream("GET", url, headers=headers, timeout=soon) as stream, pytest.raises(httpx.ReadTimeout):
        lines.extend(stream.iter_lines())
    assert "result" not in "".join(lines)


@pytest.mark.slow
def test_older_clients_get_no_event_without_data(server: HttpServer) -> None:
    session = open_session(server, "2025-06-18")
    with httpx.stream("POST", f"{server.base}/mcp", json=call_message(1, "count"), headers=session) as stream:
        events = [line for line in stream.iter_lines() if line.startswith("data:")]
    assert all(json.loads(event[5:]) for event in events)
    assert len(events) == 4
