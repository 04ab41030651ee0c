"""Every operation runs through the dispatcher of its effect, from every toolset, as a listed tool does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.server.sandbox_server import SandboxServer, confirmation_code, sandbox_server

from klaviyo_mcp.calls.inventory import dispatcher_of
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

DISPATCHERS = {
    Effect.READ: "call_read_tool",
    Effect.WRITE: "call_write_tool",
    Effect.REACHES_PEOPLE: "call_write_tool",
    Effect.DELETE: "call_delete_tool",
    Effect.IRREVERSIBLE: "call_delete_tool",
}


def with_list(**settings: Any) -> SandboxServer:
    server = sandbox_server(**settings)
    server.put("list", "L1", name="Newsletter")
    return server


async def test_a_read_answers_as_the_listed_tool_does() -> None:
    server = with_list(toolsets=("lists",))
    arguments: dict[str, Any] = {"max_results": 2, "fields": ["name"]}
    direct = await server.run("get_lists", **arguments)
    through = await server.run("call_read_tool", name="get_lists", arguments=arguments)
    as_text = await server.run("call_read_tool", name="get_lists", arguments=json.dumps(arguments))
    assert direct == through == as_text
    assert "Newsletter" in direct


async def test_arguments_are_checked_before_anything_is_sent() -> None:
    server = sandbox_server(toolsets=("none",))
    answer = await server.run("call_read_tool", name="get_lists", arguments={"filtr": "x"})
    assert answer == "ERROR: get_lists was not sent: unknown argument 'filtr': did you mean filter?"
    assert server.requests() == []


@pytest.mark.parametrize("operation", registry().values(), ids=lambda operation: operation.name)
def test_every_operation_has_the_dispatcher_of_its_effect(operation: Operation) -> None:
    assert dispatcher_of(operation) == DISPATCHERS[operation.effect]


@pytest.mark.parametrize(
    ("dispatcher", "name", "right"),
    [
        ("call_read_tool", "delete_list", "its effect is delete, so call it through call_delete_tool"),
        ("call_read_tool", "send_campaign", "its effect is reaches people, so call it through call_write_tool"),
        ("call_write_tool", "merge_profiles", "its effect is irreversible, so call it through call_delete_tool"),
        ("call_write_tool", "query_flow_values", "its effect is read, so call it through call_read_tool"),
        ("call_delete_tool", "create_list", "its effect is write, so call it through call_write_tool"),
    ],
)
async def test_an_operation_of_another_effect_is_refused_with_the_right_dispatcher(
    dispatcher: str, name: str, right: str
) -> None:
    answer = await sandbox_server().run(dispatcher, name=name, arguments={})
    assert answer == f"ERROR: {name} was not sent: {right}."


@pytest.mark.parametrize("place", ["beside the arguments", "inside"])
async def test_a_confirmation_code_is_taken_beside_the_arguments_or_inside(place: str) -> None:
    server = with_list(toolsets=("none",))
    call: dict[str, Any] = {"name": "delete_list", "arguments": {"list_id": "L1"}}
    code = confirmation_code(await server.run("call_delete_tool", **call))
    if place == "inside":
        call["arguments"]["confirmation"] = code
    else:
        call["confirmation"] = code
    assert (await server.run("call_delete_tool", **call)).startswith("Done: delete_list list_id=L1")
    assert server.writes() == ["DELETE /klaviyo/api/lists/L1"]
