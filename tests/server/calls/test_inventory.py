"""What a server lists, what it runs, and how a model learns to call an operation that is not listed."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from tests.server.sandbox_server import client, sandbox_server

from klaviyo_mcp.calls.inventory import Inventory, UnknownTool
from klaviyo_mcp.errors import (
    MAX_BYTES,
    ArgumentError,
    ConnectionMissingError,
    KlaviyoMcpError,
    ScopeError,
    UpstreamError,
)
from klaviyo_mcp.settings import Settings
from klaviyo_tools.registry import registry


def inventory(*toolsets: str, **settings: Any) -> Inventory:
    return Inventory(Settings(toolsets=toolsets or ("none",), **settings), registry())


def test_a_toolset_chooses_what_is_listed_and_not_what_can_run() -> None:
    lists = inventory("lists")
    assert "get_lists" in lists.listed_operations
    assert "get_profiles" not in lists.listed_operations
    assert set(lists.listed_operations) < set(lists.runnable_operations)
    assert lists.runnable_operations.keys() == inventory("all").listed_operations.keys()


def test_a_read_only_server_runs_reads_alone() -> None:
    everything = inventory("all", read_only=True)
    assert {operation.effect.value for operation in everything.runnable_operations.values()} == {"read"}
    assert everything.discovery_tools == ("find_tools", "describe_tool", "call_read_tool")


def test_an_operation_that_is_not_listed_is_called_through_its_dispatcher() -> None:
    delete = registry()["delete_list"]
    assert inventory("all").how_to_call(delete, {"list_id": "L1"}) == "delete_list(list_id=L1)"
    assert inventory().how_to_call(delete, {"list_id": "L1"}) == (
        'call_delete_tool(name="delete_list", arguments={"list_id": "L1"})'
    )
    create = registry()["create_list"]
    assert inventory("all").verify_with(create) == "get_lists"
    assert inventory().verify_with(create) == "get_lists (through call_read_tool)"


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("delete_list", {"read_only": True}, "delete_list changes the account, and this server is read-only"),
        ("get_object_types", {}, "get_object_types exists from revision 2026-07-15 on"),
        (
            "get_tag_ids_for_list",
            {},
            "there is no tool get_tag_ids_for_list: call get_tags_for_list with ids_only",
        ),
        ("delete_list", {}, 'delete_list is not listed here: call it as call_delete_tool(name="delete_list"'),
        ("find_lists", {}, "there is no tool 'find_lists'; find_tools searches by what you want to do"),
    ],
)
def test_an_unlisted_tool_is_answered_with_what_to_call(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownTool) as raised:
        inventory(**settings).operation_of_tool(name)
    assert str(raised.value).startswith(words)


def test_an_operation_is_found_by_an_alias_and_in_other_spelling() -> None:
    assert inventory().operation(" Get-Lists ").name == "get_lists"
    assert inventory().operation("create_campaign_send_job").name == "send_campaign"


def test_an_error_says_how_to_call_the_operations_that_it_suggests() -> None:
    error = ConnectionMissingError("expired")
    assert inventory("all").error_text(error) == str(error)
    assert inventory().error_text(error) == (
        f"{error} create_connection is not listed: call it through call_write_tool."
        " delete_connection is not listed: call it through call_delete_tool."
    )
    assert (
        inventory()
        .error_text(ScopeError("get_lists", ["lists:read"]))
        .endswith(" create_connection is not listed: call it through call_write_tool.")
    )


@pytest.mark.parametrize(
    "error",
    [
        UpstreamError("Finding the account", "nothing was sent", detail="list_connections failed: 500"),
        UpstreamError("get_metrics", "Klaviyo answered with status 500"),
        ArgumentError("upload_image_from_file was not sent", then="upload_image_from_url takes an address."),
    ],
)
def test_an_operation_that_an_error_only_names_is_no_suggestion(error: KlaviyoMcpError) -> None:
    assert inventory().error_text(error) == str(error)


def test_an_error_never_grows_beyond_its_limit() -> None:
    error = ConnectionMissingError("expired", detail="x" * MAX_BYTES)
    assert len(inventory().error_text(error).encode()) <= MAX_BYTES


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        (
            "delete_coupon",
            'delete_coupon is not listed here: call it as call_delete_tool(name="delete_coupon", arguments={}), '
            "with its arguments",
        ),
        ("get_profle", "there is no tool 'get_profle'; did you mean get_profile or get_profiles?"),
        ("xyzzy", "there is no tool 'xyzzy'; find_tools searches by what you want to do"),
    ],
)
@pytest.mark.anyio
async def test_a_client_reads_how_to_call_a_tool_that_is_not_listed(tool: str, message: str) -> None:
    server = sandbox_server(toolsets=("core",))
    async with client(server.calls, "legacy") as session:
        with pytest.raises(MCPError) as raised:
            await session.call_tool(tool, {})
    assert raised.value.error.message == message
    assert server.requests() == []


@pytest.mark.anyio
async def test_an_answer_says_how_to_call_the_operation_that_its_error_suggests() -> None:
    server = sandbox_server(toolsets=("core",))
    server.sandbox.connections.by_id.clear()
    answer = await server.run("get_lists")
    assert answer.startswith("ERROR: The Maton account has no active Klaviyo connection")
    assert answer.endswith("create_connection is not listed: call it through call_write_tool.")
