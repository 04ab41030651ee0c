"""Whatever a model writes and whatever a client sends: nothing crashes, nothing malformed is sent."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.clients.server_processes import COMMAND, HttpServer, http_server, stdio_server
from tests.server.sandbox_server import sandbox_server

from klaviyo_mcp.sandbox.http import HttpRequest, HttpResponse
from klaviyo_mcp.settings import Settings
from klaviyo_tools.drift import examples
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.slow

REVISION = Settings().revision
OPERATIONS = [
    operation
    for operation in registry().values()
    if operation.area != "connections" and operation.revisions.since <= REVISION
]
EXAMPLES = {
    operation.name: [examples.required_example(operation), *examples.full_examples(operation, REVISION)]
    for operation in OPERATIONS
}

HOSTILE = [
    "", " ", "\0", "\ud800", "\u202e", "a" * 5_000, "../../etc/passwd", "%2e%2e%2f", "/api/lists", "?a=b", "#", "a&b=c",
    "a\r\nX-Injected: 1", "null", "[]", "{}", '{"', '["', "[" * 3_000, "1e999", "NaN", "-1", "9" * 400, "ä" * 300,
    "equals(email,", 'equals(email,"a"),', "and(" * 500, "k~AAAA", "k~", "-", "-created", "*", "true", "2026-99-99",
    0, -1, 1.5, 1e308, float("inf"), float("nan"), 10**30, True, False, None, [], {}, [[]], [None], [{}], {"": ""},
    {"a": {"b": [1, None]}}, ["a", 1, None], {"id": "7"}, {"data": []}, [{"email": None}],
]  # fmt: skip
JUNK = st.one_of(
    st.sampled_from(HOSTILE),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
)
MALFORMED = re.compile(
    r"JSON parse error|not a JSON object|is not a valid query parameter|The path .* could not be found|Method .* not"
    r"|Unsupported media|header '?revision|The form is empty|is a required field for|may not be null"
)
FREE = re.compile(r"definition|properties|/conditions|actions|query|settings|options|data/attributes/(params|custom)")
"""Objects whose inside is the account's own, or too large to declare: Klaviyo judges them."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from places(item, (*path, key))


@st.composite
def tool_calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A call that was right, and then had some of it replaced, left out or added."""
    operation = draw(st.sampled_from(OPERATIONS))
    arguments = copy.deepcopy(draw(st.sampled_from(EXAMPLES[operation.name])))
    for _ in range(draw(st.integers(0, 3))):
        spots = list(places(arguments))
        if not spots or draw(st.integers(0, 9)) == 0:
            arguments[draw(st.sampled_from(["fields", "filter", "cursor", "data", "page_size", "\0", ""]))] = (
                copy.deepcopy(draw(JUNK))
            )
            continue
        *way, last = draw(st.sampled_from(spots))
        inside: Any = arguments
        for step in way:
            inside = inside[step]
        if draw(st.integers(0, 4)) == 0:
            del inside[last]
        else:
            inside[last] = copy.deepcopy(draw(JUNK))
    return operation.name, arguments


@settings(
    max_examples=400, derandomize=True, suppress_health_check=list(HealthCheck), database=None,
)  # fmt: skip
@example(("get_push_tokens", {"filter": 0}))
@example(("create_profile", {"email": "ann@example.com", "properties": "[" * 100_000}))
@given(tool_calls())
def test_no_call_crashes_the_server_or_sends_a_malformed_request(call: tuple[str, dict[str, Any]]) -> None:
    name, arguments = call
    server = sandbox_server(confirm="never", connection="21fd90f9-5935-43cd-b6c8-bde9d915ca80", deadline=5)
    refused: list[str] = []
    respond = server.sandbox.respond

    async def respond_and_keep_refusals(request: HttpRequest) -> HttpResponse:
        response = await respond(request)
        if response.status >= 400:
            refused.append(f"{response.status} {response.content.decode('utf-8', 'replace')}")
        return response

    server.sandbox.respond = respond_and_keep_refusals  # type: ignore[method-assign]

    async def run() -> str:
        try:
            return await server.run(name, **arguments)
        finally:
            await server.calls.aclose()

    text = asyncio.run(run())
    if text.startswith("ERROR: "):
        assert len(text.encode("utf-8", "replace")) <= 607
    assert "Traceback" not in text
    malformed = [each for each in refused if MALFORMED.search(each) and not FREE.search(each)]
    assert malformed == []


FRAMES = [
    b"", b" ", b"{", b"}", b"[]", b"null", b"1", b'"x"', b"\xff\xfe\x00", b"\x00" * 50, b"[" * 20_000,
    b'{"a":' * 5_000, b'{"jsonrpc":"2.0"}', b'{"jsonrpc":"1.0","id":1,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}', b'{"jsonrpc":"2.0","id":{},"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', b'{"jsonrpc":"2.0","id":1,"method":7}',
    b'{"jsonrpc":"2.0","id":1,"method":"no/such"}', b'{"jsonrpc":"2.0","id":1,"result":{}}',
    b'{"jsonrpc":"2.0","id":77,"error":{"code":1,"message":"x"}}', b'{"jsonrpc":"2.0","method":"notifications/none"}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"none"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call"}', b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":7}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_lists","arguments":[]}}',
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_lists","arguments":{"filter":"\\ud800"}}}',
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}', b"GET / HTTP/1.1", b"Content-Length: 5\r\n\r\n{}",
    b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', b'{"jsonrpc":"2.0","id":1,"method":"ping"}' * 2,
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":\"\u2028\u0085\"}".encode(),
]  # fmt: skip


@settings(max_examples=60, derandomize=True, database=None)
@given(st.lists(st.one_of(st.sampled_from(FRAMES), st.binary(max_size=60)), min_size=1, max_size=8))
def _collect(frames: list[bytes]) -> None:
    COLLECTED.extend(frame.replace(b"\n", b" ").replace(b"\r", b" ") for frame in frames)


COLLECTED: list[bytes] = []


def test_whatever_arrives_on_stdin_the_process_survives_and_stdout_is_pure_protocol() -> None:
    _collect()
    frames = [*FRAMES, *COLLECTED]
    with stdio_server(COMMAND, KLAVIYO_MCP_SANDBOX="1", KLAVIYO_MCP_SANDBOX_PROFILES="1") as server:
        messages: list[dict[str, Any]] = []
        for number, frame in enumerate(frames):
            server.send(frame.replace(b"\n", b" "))
            if number % 20 == 0 or number == len(frames) - 1:
                server.send({"jsonrpc": "2.0", "id": f"alive-{number}", "method": "ping"})
                while not messages or messages[-1].get("id") != f"alive-{number}":
                    messages.append(server.receive())
                assert messages[-1]["result"] == {}
        server.call(5_000, "get_account", account_id="x")
        while messages[-1].get("id") != 5_000:
            messages.append(server.receive())
        code, left, log = server.end()
    assert (code, left) == (0, b"")
    assert all(message["jsonrpc"] == "2.0" for message in messages)
    assert b"Traceback" not in log


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    with http_server([*COMMAND, "http"], KLAVIYO_MCP_SANDBOX="1", KLAVIYO_MCP_SANDBOX_PROFILES="1") as started:
        yield started


def test_whatever_arrives_over_http_is_answered_below_500_and_the_process_survives(server: HttpServer) -> None:
    _collect()
    kinds = [
        {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"},
        {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
        },
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json", "Accept": "*/*", "Mcp-Session-Id": "\x7fnone", "Last-Event-ID": "-1"},
    ]
    with httpx.Client(base_url=server.base, timeout=20) as client:
        for number, frame in enumerate([*FRAMES, *COLLECTED[:100]]):
            for path in ("/mcp", "/messages/?session_id=" + "0" * 32):
                answer = client.post(path, content=frame, headers=kinds[number % len(kinds)])
                assert answer.status_code < 500, (frame[:80], answer.text)
                assert "Traceback" not in answer.text
        for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD"):
            assert client.request(method, "/mcp").status_code < 500
        assert client.get("/healthz").json()["status"] == "ok"
    assert server.process.poll() is None
