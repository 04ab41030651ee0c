"""The server answers calls in both eras of the protocol, asks a person before it acts, and never shows its insides."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from tests.clients.fake_service import SECRET, FakeService

from klaviyo_mcp.protocol import server
from klaviyo_mcp.protocol.session import ANSWER_SECONDS, create_used_states
from klaviyo_mcp.telemetry.logs import JsonLines

ERAS = ["legacy", "2026-07-28"]
pytestmark = pytest.mark.anyio

Elicit = Callable[[Any, mcp_types.ElicitRequestParams], Awaitable[mcp_types.ElicitResult]]


def person(action: str, *, tick: bool | None = True, asked: list[str] | None = None) -> Elicit:
    async def answer(_: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        if asked is not None:
            asked.append(params.message)
        content = {"confirm": tick} if action == "accept" and tick is not None else None
        return mcp_types.ElicitResult(action=action, content=content)

    return answer


@asynccontextmanager
async def connected(era: str, calls: FakeService, **options: Any) -> AsyncIterator[Client]:
    async with Client(server.server_of(server.Handlers(calls)), mode=era, **options) as client:
        yield client


def told(result: mcp_types.CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_tool_is_an_error_of_the_protocol_that_names_the_nearest(era: str) -> None:
    async with connected(era, FakeService()) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("ecko", {})
    assert caught.value.error.code == mcp_types.INVALID_PARAMS
    assert caught.value.error.message == "there is no tool 'ecko'; did you mean echo?"


@pytest.mark.parametrize("era", ERAS)
async def test_an_unexpected_failure_is_told_without_its_insides_and_logged_with_them(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(era, FakeService()) as client:
        result = await client.call_tool("fail", {"word": "private"})
        assert result.is_error
        assert told(result) == "fail failed inside klaviyo-mcp: a fault of the server. Its log has the details."
        assert told(await client.call_tool("echo", {"word": "still here"})) == "still here"
    assert SECRET in caplog.text
    assert "private" not in caplog.text


@pytest.mark.parametrize("era", ERAS)
async def test_a_refusal_is_a_result_with_is_error(era: str) -> None:
    async with connected(era, FakeService()) as client:
        result = await client.call_tool("refuse", {})
    assert (result.is_error, told(result)) == (True, "that cannot be")


@pytest.mark.parametrize("era", ERAS)
async def test_arguments_may_be_left_out(era: str) -> None:
    async with connected(era, FakeService()) as client:
        assert told(await client.call_tool("echo")) == "nothing"


@pytest.mark.parametrize("era", ERAS)
async def test_all_tools_are_on_one_page_in_their_order_and_a_cursor_is_refused(era: str) -> None:
    calls = FakeService()
    async with connected(era, calls) as client:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == [tool.name for tool in calls.tools()]
        assert listed.next_cursor is None
        with pytest.raises(MCPError, match="one page"):
            await client.session.list_tools(params=mcp_types.PaginatedRequestParams(cursor="2"))


async def test_the_list_of_tools_may_be_kept_for_a_day_by_anybody() -> None:
    async with connected("2026-07-28", FakeService()) as client:
        listed = await client.list_tools()
    assert (listed.ttl_ms, listed.cache_scope) == (86_400_000, "public")


@pytest.mark.parametrize("era", ERAS)
async def test_progress_reaches_the_client_and_only_grows(era: str) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with connected(era, FakeService()) as client:
        await client.call_tool("count", {}, progress_callback=note)
    assert seen == [(1, 3, "page 1"), (2, 3, "page 2"), (3, 3, "page 3")]


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
        assert told(await client.call_tool("echo", {"word": "meanwhile"})) == "meanwhile"
        calls.release.set()
    assert "cancelled" not in calls.events


@pytest.mark.parametrize("era", ERAS)
async def test_calls_that_a_stopping_server_ends_are_told_so(era: str) -> None:
    calls = FakeService()
    shell = server.Handlers(calls)
    answers: list[mcp_types.CallToolResult] = []

    async with Client(server.server_of(shell), mode=era) as client, anyio.create_task_group() as group:

        async def wait() -> None:
            answers.append(await client.call_tool("wait", {}))

        group.start_soon(wait)
        await calls.on_wait.wait()
        assert shell.under_way == 1
        await shell.stop()
    assert shell.under_way == 0
    assert answers[0].is_error
    assert told(answers[0]).startswith("The server is shutting down and ended wait.")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (person("accept"), "agreed"),
        (person("accept", tick=False), "declined"),
        (person("accept", tick=None), "declined"),
        (person("decline"), "declined"),
        (person("cancel"), "declined"),
    ],
)
async def test_a_person_is_asked_and_only_a_clear_yes_counts(era: str, answer: Elicit, outcome: str) -> None:
    calls = FakeService()
    async with connected(era, calls, elicitation_callback=answer) as client:
        assert told(await client.call_tool("ask", {})) == outcome
    assert [event for event in calls.events if event in ("agreed", "declined")] == [outcome]


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_cannot_ask_is_known_beforehand(era: str) -> None:
    async with connected(era, FakeService()) as client:
        assert told(await client.call_tool("ask", {})) == "nobody to ask"


@pytest.mark.parametrize("era", ERAS)
async def test_two_questions_of_one_call_are_asked_once_each(era: str) -> None:
    asked: list[str] = []
    async with connected(era, FakeService(), elicitation_callback=person("accept", asked=asked)) as client:
        assert told(await client.call_tool("twice", {})) == "True True"
    assert asked == ["First?", "Second?"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_is_sent_to_an_address(era: str) -> None:
    seen: list[str] = []

    async def visit(_: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        assert isinstance(params, mcp_types.ElicitRequestURLParams)
        seen.append(params.url)
        return mcp_types.ElicitResult(action="accept")

    async with connected(era, FakeService(), elicitation_callback=visit) as client:
        assert told(await client.call_tool("open", {})) == "True True"
    assert seen == ["https://connect.example.com/"]


YES: mcp_types.InputResponses = {"confirm": mcp_types.ElicitResult(action="accept", content={"confirm": True})}


async def needed(client: Client, tool: str, arguments: dict[str, Any]) -> mcp_types.InputRequiredResult:
    result = await client.session.call_tool(tool, arguments, allow_input_required=True)
    assert isinstance(result, mcp_types.InputRequiredResult)
    return result


async def test_a_yes_counts_once_for_the_question_that_was_asked() -> None:
    calls = FakeService()
    async with connected("2026-07-28", calls, elicitation_callback=person("accept")) as client:
        state = (await needed(client, "ask", {})).request_state
        first = await client.session.call_tool("ask", {}, input_responses=YES, request_state=state)
        again = await client.session.call_tool(
            "ask", {}, input_responses=YES, request_state=state, allow_input_required=True
        )
    assert isinstance(first, mcp_types.CallToolResult)
    assert isinstance(again, mcp_types.InputRequiredResult)
    assert calls.events.count("agreed") == 1


async def test_a_yes_to_other_arguments_or_a_made_up_state_is_refused() -> None:
    calls = FakeService()
    async with connected("2026-07-28", calls, elicitation_callback=person("accept")) as client:
        state = (await needed(client, "ask", {"word": "one"})).request_state
        for forged in (state, "made-up", '{"nonce":"1","asked":"2"}'):
            with pytest.raises(MCPError, match="Invalid or expired requestState"):
                await client.session.call_tool("ask", {"word": "two"}, input_responses=YES, request_state=forged)
    assert "agreed" not in calls.events


async def test_a_yes_that_nobody_asked_for_leads_to_the_question() -> None:
    calls = FakeService()
    async with connected("2026-07-28", calls, elicitation_callback=person("accept")) as client:
        result = await client.session.call_tool("ask", {}, input_responses=YES, allow_input_required=True)
    assert isinstance(result, mcp_types.InputRequiredResult)
    assert "agreed" not in calls.events


def test_a_used_state_is_remembered_for_as_long_as_its_seal_holds() -> None:
    now = 0.0
    used_states = create_used_states()
    used_states.clock = lambda: now
    assert [used_states.put_new(nonce, True, ANSWER_SECONDS) for nonce in ("a", "a", "b")] == [True, False, True]
    now = ANSWER_SECONDS - 1
    assert not used_states.put_new("a", True, ANSWER_SECONDS)
    now = ANSWER_SECONDS
    assert used_states.put_new("a", True, ANSWER_SECONDS)


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


def test_secrets_are_blotted_out_of_log_and_traceback() -> None:
    try:
        raise RuntimeError("Bearer very-secret-key")
    except RuntimeError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "key very-secret-key", (), (type(error), error, error.__traceback__)
        )
    line = JsonLines(["very-secret-key", ""]).format(record)
    assert "very-secret-key" not in line
    assert json.loads(line)["event"] == "key ***"


def test_the_instructions_are_within_what_clients_read() -> None:
    assert len(server.INSTRUCTIONS) < 2_000


async def test_the_connection_is_prepared_once_the_tools_are_listed_not_before() -> None:
    calls = FakeService()
    async with connected("legacy", calls) as client:
        await client.call_tool("echo", {})
        assert "warm" not in calls.events
        await client.list_tools()
        with anyio.fail_after(5):
            await calls.warmed.wait()
