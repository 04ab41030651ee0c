"""The server answers calls in both eras of the protocol, and never shows its insides."""

from __future__ import annotations

import json
import logging

import anyio
import mcp_types
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from tests.clients.fake_service import SECRET, FakeService
from tests.server.protocol.fake_service_client import ERAS, connected, result_text
from tests.server.sandbox_server import client, sandbox_server

from klaviyo_mcp.errors import MAX_BYTES
from klaviyo_mcp.protocol import server
from klaviyo_mcp.telemetry.logs import JsonLines

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_tool_is_an_error_of_the_protocol_that_names_the_nearest(era: str) -> None:
    async with connected(era, FakeService()) as client:
        with pytest.raises(MCPError) as raised:
            await client.call_tool("ecko", {})
    assert raised.value.error.code == mcp_types.INVALID_PARAMS
    assert raised.value.error.message == "there is no tool 'ecko'; did you mean echo?"


@pytest.mark.parametrize("era", ERAS)
async def test_an_unexpected_failure_is_answered_without_its_insides_and_logged_with_them(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(era, FakeService()) as client:
        result = await client.call_tool("fail", {"word": "private"})
        assert result.is_error
        assert result_text(result) == "fail failed inside klaviyo-mcp: a fault of the server. Its log has the details."
        assert result_text(await client.call_tool("echo", {"word": "still here"})) == "still here"
    assert SECRET in caplog.text
    assert "private" not in caplog.text


@pytest.mark.parametrize("era", ERAS)
async def test_a_refusal_is_a_result_with_is_error(era: str) -> None:
    async with connected(era, FakeService()) as client:
        result = await client.call_tool("refuse", {})
    assert (result.is_error, result_text(result)) == (True, "that cannot be")


@pytest.mark.parametrize("era", ERAS)
async def test_arguments_may_be_left_out(era: str) -> None:
    async with connected(era, FakeService()) as client:
        assert result_text(await client.call_tool("echo")) == "nothing"


@pytest.mark.parametrize("era", ERAS)
async def test_all_tools_are_on_one_page_in_their_order_and_a_cursor_is_refused(era: str) -> None:
    calls = FakeService()
    async with connected(era, calls) as client:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == [tool.name for tool in calls.tools()]
        assert listed.next_cursor is None
        with pytest.raises(MCPError, match="one page"):
            await client.session.list_tools(params=mcp_types.PaginatedRequestParams(cursor="2"))


async def test_the_list_of_tools_may_be_cached_for_a_day_by_every_client() -> None:
    async with connected("2026-07-28", FakeService()) as client:
        listed = await client.list_tools()
    assert (listed.ttl_ms, listed.cache_scope) == (300_000, "private")


@pytest.mark.parametrize("era", ERAS)
async def test_progress_reaches_the_client_and_only_grows(era: str) -> None:
    notes: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        notes.append((progress, total, message))

    async with connected(era, FakeService()) as client:
        await client.call_tool("count", {}, progress_callback=note)
    assert notes == [(1, 3, "page 1"), (2, 3, "page 2"), (3, 3, "page 3")]


@pytest.mark.parametrize("era", ERAS)
async def test_a_cancelled_call_is_cancelled_in_the_server(era: str) -> None:
    calls = FakeService()
    async with connected(era, calls) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "wait", {})
        await calls.on_wait.wait()
        group.cancel_scope.cancel()
    assert calls.events[:2] == ["wait", "cancelled"]


@pytest.mark.parametrize("era", ERAS)
async def test_calls_run_beside_one_another(era: str) -> None:
    calls = FakeService()
    async with connected(era, calls) as client, anyio.create_task_group() as group:
        group.start_soon(client.call_tool, "wait", {})
        await calls.on_wait.wait()
        assert result_text(await client.call_tool("echo", {"word": "meanwhile"})) == "meanwhile"
        calls.release.set()
    assert "cancelled" not in calls.events


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_a_stopping_server_ends_says_so(era: str) -> None:
    calls = FakeService()
    handlers = server.Handlers(calls)
    answers: list[mcp_types.CallToolResult] = []

    async with Client(server.server_of(handlers), mode=era) as client, anyio.create_task_group() as group:

        async def wait() -> None:
            answers.append(await client.call_tool("wait", {}))

        group.start_soon(wait)
        await calls.on_wait.wait()
        assert handlers.under_way == 1
        await handlers.stop()
    assert handlers.under_way == 0
    assert answers[0].is_error
    assert result_text(answers[0]).startswith("The server is shutting down and ended wait.")


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_is_logged_without_its_arguments(era: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "klaviyo_mcp")
    async with connected(era, FakeService()) as client:
        await client.call_tool("echo", {"word": "private"})
    line = json.loads(JsonLines().format(caplog.records[-1]))
    assert {name: line[name] for name in ("level", "event", "tool", "status", "bytes")} == {
        "level": "info",
        "event": "call",
        "tool": "echo",
        "status": "ok",
        "bytes": 7,
    }
    assert "private" not in caplog.text


def test_secrets_are_redacted_in_log_and_traceback() -> None:
    try:
        raise RuntimeError("Bearer very-secret-key")
    except RuntimeError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "key very-secret-key", (), (type(error), error, error.__traceback__)
        )
    line = JsonLines(["very-secret-key", ""]).format(record)
    assert "very-secret-key" not in line
    assert json.loads(line)["event"] == "key ***"


async def test_the_connection_is_prepared_after_the_tools_are_listed_and_not_before() -> None:
    calls = FakeService()
    async with connected("legacy", calls) as client:
        await client.call_tool("echo", {})
        assert "warm" not in calls.events
        await client.list_tools()
        with anyio.fail_after(5):
            await calls.warmed.wait()


@pytest.mark.parametrize("era", ERAS)
async def test_errors_of_the_protocol_are_short_whatever_the_client_sent(era: str) -> None:
    odd = "\U000e0001" * 3_000
    async with client(sandbox_server().calls, era) as session:
        requests = (
            lambda: session.get_prompt(odd, {}),
            lambda: session.get_prompt("account_audit", {odd: "x"}),
            lambda: session.call_tool(odd, {}),
            lambda: session.read_resource(f"klaviyo://guide/{odd}"),
            lambda: session.read_resource(f"klaviyo://{'x' * 5_000}"),
        )
        for request in requests:
            with pytest.raises(MCPError) as raised:
                await request()
            assert len(raised.value.error.message.encode()) <= MAX_BYTES
            assert len(json.dumps(raised.value.error.data)) <= 4_000
