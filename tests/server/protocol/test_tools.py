"""What clients list: every tool has its hints, and those that may wait for a confirmation take a code."""

from __future__ import annotations

import anyio
import pytest
from mcp_types import TextContent, ToolAnnotations
from tests.server.sandbox_server import UnattendedContext, sandbox_server

from klaviyo_mcp.calls.answer import Answer
from klaviyo_mcp.calls.inventory import Inventory
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.protocol.tools import ServedTools, list_tools, tool_annotations, tool_result
from klaviyo_mcp.safety.policy import Confirm
from klaviyo_mcp.settings import Settings
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry

HINTS = {
    # tool: read-only, destructive, idempotent, open world
    "get_lists": (True, False, True, True),
    "query_metric_aggregates": (True, False, True, True),
    "create_list": (False, False, False, True),
    "update_list": (False, False, True, True),
    "delete_list": (False, True, True, True),
    "bulk_delete_catalog_items": (False, True, False, True),
    "send_campaign": (False, True, False, True),
    "merge_profiles": (False, True, False, True),
    "delete_connection": (False, True, True, False),
}


@pytest.mark.parametrize("name", HINTS)
def test_a_tool_carries_all_four_hints_and_a_title(name: str) -> None:
    reads, destroys, repeats, open_world = HINTS[name]
    assert tool_annotations(registry()[name]) == ToolAnnotations(
        title=name.removeprefix("get_").removeprefix("query_").replace("_", " ").capitalize(),
        read_only_hint=reads,
        destructive_hint=destroys,
        idempotent_hint=repeats,
        open_world_hint=open_world,
    )


def test_every_tool_of_every_effect_carries_hints_that_fit_it() -> None:
    effects = set()
    for operation in registry().values():
        hints = tool_annotations(operation)
        effects.add(operation.effect)
        assert None not in hints.model_dump().values(), operation.name
        assert hints.read_only_hint is (operation.effect is Effect.READ)
        assert hints.destructive_hint is (operation.effect not in (Effect.READ, Effect.WRITE))
    assert effects == set(Effect)


def test_the_hints_of_the_discovery_tools_are_those_of_what_they_run() -> None:
    tools = list_tools(create_service(Settings(toolsets=("none",))).inventory)
    hints = {
        tool.name: (h.read_only_hint, h.destructive_hint, h.idempotent_hint, h.open_world_hint, h.title)
        for tool in tools
        if (h := tool.annotations)
    }
    assert hints == {
        "find_tools": (True, False, True, False, "Find tools"),
        "describe_tool": (True, False, True, False, "Describe tool"),
        "call_read_tool": (True, False, True, True, "Call read tool"),
        "call_write_tool": (False, True, False, True, "Call write tool"),
        "call_delete_tool": (False, True, False, True, "Call delete tool"),
    }


@pytest.mark.parametrize(
    ("confirm", "with_a_code"),
    [
        ("never", set()),
        (
            "default",
            {
                "delete_list",
                "send_campaign",
                "merge_profiles",
                "update_flow",
                "delete_connection",
                "create_list",
                "create_event",
            },
        ),
        (
            "writes",
            {
                "delete_list",
                "send_campaign",
                "merge_profiles",
                "update_flow",
                "delete_connection",
                "create_list",
                "create_event",
                "create_tag",
                "create_connection",
            },
        ),
    ],
)
def test_tools_that_may_need_a_confirmation_take_a_code_and_no_others(confirm: Confirm, with_a_code: set[str]) -> None:
    some = {"get_lists", "query_metric_aggregates", "create_list", "create_event", "create_tag", "create_connection"}
    some |= {"delete_list", "send_campaign", "merge_profiles", "update_flow", "delete_connection"}
    tools = list_tools(create_service(Settings(toolsets=("all",), confirm=confirm)).inventory)
    listing = {tool.name for tool in tools if "confirmation" in tool.input_schema["properties"]}
    assert listing & some == with_a_code
    required = [tool.name for tool in tools if "confirmation" in tool.input_schema.get("required", ())]
    assert required == []


@pytest.mark.parametrize("answer", [Answer("3 lists"), Answer("no", is_error=True), Answer("a preview", held=True)])
def test_a_result_is_the_text_of_the_answer_without_structured_content(answer: Answer) -> None:
    result = tool_result(answer)
    assert result.content == [TextContent(text=answer.text)]
    assert result.is_error is answer.is_error
    assert result.structured_content is None
    assert result.meta is None


class CreatedServices:
    """Creates services over one sandbox, and keeps them."""

    def __init__(self) -> None:
        self.server = sandbox_server(toolsets=("lists",))
        self.services: list[CallService] = []

    def create(self) -> CallService:
        self.services.append(self.server.calls)
        return self.server.calls


@pytest.mark.anyio
async def test_the_service_of_calls_is_built_with_the_first_call_and_once() -> None:
    created = CreatedServices()
    tools = ServedTools(created.server.calls.inventory, created.create)
    assert tools.tools() is tools.tools()
    assert created.services == []
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(tools.call, "get_lists", {}, UnattendedContext())
    assert len(created.services) == 1


@pytest.mark.anyio
async def test_a_server_that_answered_no_call_closes_without_building_the_service() -> None:
    created = CreatedServices()
    await ServedTools(created.server.calls.inventory, created.create).aclose()
    assert created.services == []


@pytest.mark.anyio
async def test_a_server_without_a_key_is_not_prepared_for_calls() -> None:
    created = CreatedServices()
    await ServedTools(Inventory(Settings(), registry()), created.create).warm()
    assert created.services == []
    await ServedTools(created.server.calls.inventory, created.create).warm()
    assert len(created.services) == 1


@pytest.mark.anyio
async def test_every_answer_is_seen_before_it_is_sent() -> None:
    created, answers = CreatedServices(), list[Answer]()
    created.server.put("list", "L1", name="Newsletter")
    tools = ServedTools(Inventory(Settings(toolsets=("lists",)), registry()), created.create, answers.append)
    result = await tools.call("get_lists", {}, UnattendedContext())
    delete = {"name": "delete_list", "arguments": {"list_id": "L1"}}
    held = await tools.call("call_delete_tool", delete, UnattendedContext())
    assert [answer.held for answer in answers] == [False, True]
    assert [tool_result(answer) for answer in answers] == [result, held]
