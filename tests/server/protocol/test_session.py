"""A person is asked in both eras of the protocol, and their answer counts once, for the question that they read."""

from __future__ import annotations

from typing import Any

import mcp_types
import pytest
from mcp.client.client import Client
from tests.clients.fake_service import FakeService
from tests.server.protocol.fake_service_client import ERAS, Elicit, connected, person, result_text

from klaviyo_mcp.protocol.session import ANSWER_SECONDS, create_used_states

pytestmark = pytest.mark.anyio

YES: mcp_types.InputResponses = {"confirm": mcp_types.ElicitResult(action="accept", content={"confirm": True})}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (person("accept"), "agreed"),
        (person("accept", tick=False), "no answer"),
        (person("accept", tick=None), "no answer"),
        (person("decline"), "declined"),
        (person("cancel"), "declined"),
    ],
)
async def test_a_person_is_asked_and_only_a_clear_yes_counts(era: str, answer: Elicit, outcome: str) -> None:
    calls = FakeService()
    async with connected(era, calls, elicitation_callback=answer) as client:
        assert result_text(await client.call_tool("ask", {})) == outcome
    assert [event for event in calls.events if event in ("agreed", "declined", "no answer")] == [outcome]


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_knows_beforehand_whether_the_client_can_ask(era: str) -> None:
    async with connected(era, FakeService()) as client:
        assert result_text(await client.call_tool("ask", {})) == "nobody to ask"


@pytest.mark.parametrize("era", ERAS)
async def test_two_questions_of_one_call_are_asked_once_each(era: str) -> None:
    questions: list[str] = []
    async with connected(era, FakeService(), elicitation_callback=person("accept", questions=questions)) as client:
        assert result_text(await client.call_tool("twice", {})) == "True True"
    assert questions == ["First?", "Second?"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_is_sent_to_an_address(era: str) -> None:
    urls: list[str] = []

    async def visit(_: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        assert isinstance(params, mcp_types.ElicitRequestURLParams)
        urls.append(params.url)
        return mcp_types.ElicitResult(action="accept")

    async with connected(era, FakeService(), elicitation_callback=visit) as client:
        assert result_text(await client.call_tool("open", {})) == "True True"
    assert urls == ["https://connect.example.com/"]


async def first_question(client: Client, tool: str, arguments: dict[str, Any]) -> mcp_types.InputRequiredResult:
    result = await client.session.call_tool(tool, arguments, allow_input_required=True)
    assert isinstance(result, mcp_types.InputRequiredResult)
    return result


async def test_a_yes_counts_once_for_the_question_that_was_asked() -> None:
    calls = FakeService()
    async with connected("2026-07-28", calls, elicitation_callback=person("accept")) as client:
        state = (await first_question(client, "ask", {})).request_state
        first = await client.session.call_tool("ask", {}, input_responses=YES, request_state=state)
        again = await client.session.call_tool(
            "ask", {}, input_responses=YES, request_state=state, allow_input_required=True
        )
    assert isinstance(first, mcp_types.CallToolResult)
    assert isinstance(again, mcp_types.InputRequiredResult)
    assert calls.events.count("agreed") == 1


async def test_a_yes_to_other_arguments_or_with_an_invented_state_leads_to_the_question() -> None:
    calls = FakeService()
    async with connected("2026-07-28", calls, elicitation_callback=person("accept")) as client:
        state = (await first_question(client, "ask", {"word": "one"})).request_state
        for forged in (state, "made-up", '{"nonce":"1","asked":"2"}'):
            result = await client.session.call_tool(
                "ask", {"word": "two"}, input_responses=YES, request_state=forged, allow_input_required=True
            )
            assert isinstance(result, mcp_types.InputRequiredResult)
    assert "agreed" not in calls.events


async def test_a_yes_without_a_question_leads_to_the_question() -> None:
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
