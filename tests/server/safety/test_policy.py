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
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry


def gated(confirm: Confirm) -> set[str]:
    return {name for name, operation in registry().items() if policy.may_need_confirmation(operation, confirm)}


def test_no_setting_confirms_a_read() -> None:
    reads = {name for name, operation in registry().items() if operation.effect is Effect.READ}
    assert not reads & gated("writes")


def test_each_setting_confirms_what_the_one_before_it_does_and_more() -> None:
    assert gated("never") == set()
    assert gated("default") < gated("writes")
    writes = {name for name, operation in registry().items() if operation.effect is not Effect.READ}
    assert gated("writes") == writes


def test_whatever_deletes_reaches_people_or_is_irreversible_may_be_confirmed() -> None:
    effects = {Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE}
    assert {name for name, operation in registry().items() if operation.effect in effects} <= gated("default")


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
