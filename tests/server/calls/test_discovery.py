"""Every operation can be found and described from every toolset."""

from __future__ import annotations

import json

import pytest
from mcp.shared.exceptions import MCPError
from tests.server.sandbox_server import client, sandbox_server

from klaviyo_mcp.calls.discovery import MAX_QUERY_CHARACTERS
from klaviyo_mcp.protocol.tools import list_tools
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio


async def find(query: str, limit: int = 5, **settings: object) -> str:
    server = sandbox_server(**{"toolsets": ("none",), **settings})  # type: ignore[arg-type]
    return await server.run("find_tools", query=query, limit=limit)


async def describe(name: str) -> str:
    return await sandbox_server(toolsets=("none",)).run("describe_tool", name=name)


@pytest.mark.parametrize("toolset", ["none", "core", "tags"])
def test_the_discovery_tools_are_listed_with_every_toolset(toolset: str) -> None:
    names = [tool.name for tool in list_tools(sandbox_server(toolsets=(toolset,)).calls.inventory)]
    assert names[-5:] == ["find_tools", "describe_tool", "call_read_tool", "call_write_tool", "call_delete_tool"]


async def test_a_search_answers_signatures_effects_and_how_to_call_in_a_few_hundred_tokens() -> None:
    coupons = await find("make a voucher", 3, toolsets=("coupons",))
    members = await find("remove people from a newsletter", toolsets=("coupons",))
    signature = coupons.splitlines()[0]
    assert signature.startswith("create_coupon(external_id, description?, monitor_configuration?) [write] ")
    assert "remove_profiles_from_list(list_id, profile_ids) [write, via call_write_tool] " in members
    assert coupons.splitlines()[-1].startswith("describe_tool(name) has the details.")
    assert len(members) < 1_600


async def test_a_search_without_hits_names_the_areas() -> None:
    assert (await find("xyzzy qqq")).startswith(
        "No tool fits these words. Try a thing and what to do with it; there are accounts, profiles, consent,"
    )
    assert await find(" ") == "ERROR: find_tools did nothing: query: is empty."


async def test_a_description_has_the_whole_schema() -> None:
    head, schema = (await describe("Get-Lists")).split("\n")
    assert head == f"get_lists [read; call it through call_read_tool] {registry()['get_lists'].purpose}"
    assert json.loads(schema)["properties"]["detail"] == {"type": "string", "enum": ["summary", "full"]}


async def test_an_alias_names_its_operation() -> None:
    text = await describe("create_campaign_send_job")
    assert text.startswith("send_campaign [reaches_people; call it through call_write_tool]")


async def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    assert (await describe("get_lits")).startswith("ERROR: there is no tool 'get_lits'; did you mean get_list")
    assert (await describe("find_tools")).startswith("ERROR: find_tools cannot be called through another tool")


async def test_read_only_finds_no_operation_that_changes_the_account() -> None:
    server = sandbox_server(toolsets=("none",), read_only=True)
    async with client(server.calls, "legacy") as session:
        names = [tool.name for tool in (await session.list_tools()).tools]
        with pytest.raises(MCPError):
            await session.call_tool("call_delete_tool", {"name": "delete_list"})
    assert names == ["find_tools", "describe_tool", "call_read_tool"]
    hits = await find("delete a list", 20, read_only=True)
    assert "[write" not in hits
    assert "[delete" not in hits
    refusal = await server.run("call_read_tool", name="delete_list", arguments={})
    assert refusal.startswith("ERROR: delete_list changes the account, and this server is read-only")


async def test_of_a_long_query_the_beginning_is_looked_up() -> None:
    query = "delete a list".ljust(MAX_QUERY_CHARACTERS)
    assert await find(query + " campaign" * 300_000) == await find(query)
