"""A state or an answer that cannot be used begins the call anew: it leads to a new question, never to an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import InputRequiredResult

from klaviyo_mcp.protocol.request_states import AskAgainBoundary, create_boundary

pytestmark = pytest.mark.anyio

TICKED = {"action": "accept", "content": {"confirm": True}}


@dataclass(frozen=True)
class Request:
    """The part of a request's context that a boundary reads."""

    params: dict[str, Any] | None
    method: str = "tools/call"


async def send(boundary: AskAgainBoundary, **params: Any) -> tuple[list[dict[str, Any]], Any]:
    """The parameters that the handler got, and the result of the call."""
    handled: list[dict[str, Any]] = []

    async def handle(ctx: Any) -> Any:
        handled.append(dict(ctx.params))
        return InputRequiredResult(request_state="the state")

    request = cast("ServerRequestContext[Any, Any]", Request({"name": "delete_list", "arguments": {}, **params}))
    return handled, await boundary(request, handle)


async def sealed_state(boundary: AskAgainBoundary) -> str:
    _, result = await send(boundary)
    state = result["requestState"] if isinstance(result, dict) else result.request_state
    assert state != "the state"
    return str(state)


async def test_a_good_state_and_a_good_answer_reach_the_handler() -> None:
    boundary = create_boundary()
    [params], _ = await send(boundary, requestState=await sealed_state(boundary), inputResponses={"confirm": TICKED})
    assert (params["requestState"], params["inputResponses"]) == ("the state", {"confirm": TICKED})


@pytest.mark.parametrize(
    "responses",
    [7, "yes", [TICKED], {"confirm": 7}, {"confirm": {"action": "perhaps"}}, {"confirm": {**TICKED, "content": "yes"}}],
)
async def test_a_malformed_answer_counts_for_nothing(responses: Any) -> None:
    boundary = create_boundary()
    [params], _ = await send(boundary, requestState=await sealed_state(boundary), inputResponses=responses)
    assert params == {"name": "delete_list", "arguments": {}}


@pytest.mark.parametrize("state", ["made-up", "", 7, '{"nonce":"1"}'])
async def test_an_invented_state_counts_for_nothing(state: Any) -> None:
    [params], _ = await send(create_boundary(), requestState=state, inputResponses={"confirm": TICKED})
    assert params == {"name": "delete_list", "arguments": {}}


async def test_the_state_of_another_process_or_of_other_arguments_counts_for_nothing() -> None:
    boundary = create_boundary()
    for state, arguments in ((await sealed_state(create_boundary()), {}), (await sealed_state(boundary), {"a": 1})):
        answer = {"requestState": state, "inputResponses": {"confirm": TICKED}, "arguments": arguments}
        [params], _ = await send(boundary, **answer)
        assert params == {"name": "delete_list", "arguments": arguments}


async def test_an_error_of_the_call_itself_passes_and_the_call_runs_once() -> None:
    boundary, ran = create_boundary(), []

    async def fail(ctx: Any) -> Any:
        ran.append(ctx)
        raise MCPError(-32602, "Unknown tool")

    params = {"name": "x", "arguments": {}, "inputResponses": {"confirm": TICKED}}
    with pytest.raises(MCPError, match="Unknown tool"):
        await boundary(cast("ServerRequestContext[Any, Any]", Request(params)), fail)
    assert len(ran) == 1
