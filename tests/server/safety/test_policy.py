"""What may run: every effect has its hints, its gate under each setting, and nothing of it under read-only."""

from __future__ import annotations

import pytest
from mcp_types import ToolAnnotations
from tests.server.sandbox_server import UnattendedContext, sandbox_server

from klaviyo_mcp.calls.service import UnknownTool
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.safety import policy
from klaviyo_mcp.safety.policy import Confirm
from klaviyo_mcp.settings import Settings
from klaviyo_tools.arguments.checking import check
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
    assert policy.tool_annotations(registry()[name]) == ToolAnnotations(
        title=name.removeprefix("get_").removeprefix("query_").replace("_", " ").capitalize(),
        read_only_hint=reads,
        destructive_hint=destroys,
        idempotent_hint=repeats,
        open_world_hint=open_world,
    )


def test_every_tool_of_every_effect_carries_hints_that_fit_it() -> None:
    seen = set()
    for operation in registry().values():
        hints = policy.tool_annotations(operation)
        seen.add(operation.effect)
        assert None not in hints.model_dump().values(), operation.name
        assert hints.read_only_hint is (operation.effect is Effect.READ)
        assert hints.destructive_hint is (operation.effect not in (Effect.READ, Effect.WRITE))
    assert seen == set(Effect)


@pytest.mark.parametrize(
    ("confirm", "gated"),
    [
        ("never", set()),
        ("default", {Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE}),
        ("writes", {Effect.WRITE, Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE}),
    ],
)
def test_each_setting_gates_the_effects_it_names(confirm: Confirm, gated: set[Effect]) -> None:
    assert {effect for effect in Effect if policy.needs_confirmation(effect, confirm)} == gated


def test_what_is_gated_hangs_on_the_arguments() -> None:
    flow = registry()["update_flow"]
    gated = {
        status: policy.needs_confirmation(
            flow.effect_of(check(flow.arguments, {"flow_id": "F1", "status": status})), "default"
        )
        for status in ("live", "manual", "draft")
    }
    assert gated == {"live": True, "manual": False, "draft": False}
    assert policy.may_need_confirmation(flow, "default")


@pytest.mark.parametrize(
    ("confirm", "with_a_code"),
    [
        ("never", set()),
        ("default", {"delete_list", "send_campaign", "merge_profiles", "update_flow", "delete_connection"}),
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
                "create_connection",
            },
        ),
    ],
)
def test_tools_that_may_be_gated_list_a_confirmation_and_no_others(confirm: Confirm, with_a_code: set[str]) -> None:
    some = {"get_lists", "query_metric_aggregates", "create_list", "create_event", "create_connection"}
    some |= {"delete_list", "send_campaign", "merge_profiles", "update_flow", "delete_connection"}
    tools = create_service(Settings(toolsets=("all",), confirm=confirm)).tools()
    listing = {tool.name for tool in tools if "confirmation" in tool.input_schema["properties"]}
    assert listing & some == with_a_code
    required = [tool.name for tool in tools if "confirmation" in tool.input_schema.get("required", ())]
    assert required == []


@pytest.mark.parametrize("confirm", ["never", "default", "writes"])
def test_read_only_lists_reads_alone_whatever_is_to_be_confirmed(confirm: Confirm) -> None:
    calls = create_service(Settings(toolsets=("all",), read_only=True, confirm=confirm))
    assert {operation.effect for operation in calls.offered.values()} == {Effect.READ}
    assert "query_metric_aggregates" in calls.offered
    assert not any("confirmation" in tool.input_schema["properties"] for tool in calls.tools())


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", [{"list_id": "L1"}, {"list_id": "L1", "confirmation": "ABCDEFGHIJ"}])
async def test_read_only_refuses_a_delete_with_or_without_a_code(arguments: dict[str, str]) -> None:
    server = sandbox_server(read_only=True)
    with pytest.raises(UnknownTool, match="read-only"):
        await server.calls.call("delete_list", arguments, UnattendedContext())
    assert server.requests() == []
