"""What may run: each setting confirms the effects that it names, and read-only runs reads alone."""

from __future__ import annotations

import pytest
from tests.server.sandbox_server import UnattendedContext, sandbox_server

from klaviyo_mcp.calls.inventory import UnknownTool
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.protocol.tools import list_tools
from klaviyo_mcp.safety import policy
from klaviyo_mcp.safety.policy import Confirm
from klaviyo_mcp.settings import Settings
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry


@pytest.mark.parametrize(
    ("confirm", "gated"),
    [
        ("never", set()),
        ("default", {Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE}),
        ("writes", {Effect.WRITE, Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE}),
    ],
)
def test_each_setting_confirms_the_effects_that_it_names(confirm: Confirm, gated: set[Effect]) -> None:
    assert {effect for effect in Effect if policy.needs_confirmation(effect, confirm)} == gated


def test_the_confirmation_depends_on_the_arguments() -> None:
    flow = registry()["update_flow"]
    gated = {
        status: policy.needs_confirmation(
            flow.effect_of(check_arguments(flow.arguments, {"flow_id": "F1", "status": status})), "default"
        )
        for status in ("live", "manual", "draft")
    }
    assert gated == {"live": True, "manual": False, "draft": False}
    assert policy.may_need_confirmation(flow, "default")


@pytest.mark.parametrize("confirm", ["never", "default", "writes"])
def test_read_only_lists_reads_alone_whatever_is_to_be_confirmed(confirm: Confirm) -> None:
    calls = create_service(Settings(toolsets=("all",), read_only=True, confirm=confirm))
    assert {operation.effect for operation in calls.inventory.listed_operations.values()} == {Effect.READ}
    assert "query_metric_aggregates" in calls.inventory.listed_operations
    assert not any("confirmation" in tool.input_schema["properties"] for tool in list_tools(calls.inventory))


@pytest.mark.anyio
@pytest.mark.parametrize("arguments", [{"list_id": "L1"}, {"list_id": "L1", "confirmation": "ABCDEFGHIJ"}])
async def test_read_only_refuses_a_delete_with_or_without_a_code(arguments: dict[str, str]) -> None:
    server = sandbox_server(read_only=True)
    with pytest.raises(UnknownTool, match="read-only"):
        await server.calls.call("delete_list", arguments, UnattendedContext())
    assert server.requests() == []
