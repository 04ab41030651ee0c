"""Every operation can be found, described and run from every toolset, and only by the tool of its effect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mcp_types
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.calls.inventory import dispatcher_of
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.protocol import server
from klaviyo_mcp.settings import load_settings
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def served(**settings: object) -> AsyncIterator[Client]:
    chosen = {"toolsets": "none", "sandbox": True, "sandbox_profiles": 20, **settings}
    async with Client(server.create_server(create_service(load_settings(chosen, {})))) as client:
        yield client


async def told(client: Client, tool: str, **arguments: object) -> str:
    result = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))
    return f"error: {text}" if result.is_error else text


@pytest.mark.parametrize("toolsets", ["none", "core", "tags"])
async def test_the_discovery_tools_are_listed_with_every_toolset(toolsets: str) -> None:
    async with served(toolsets=toolsets) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert names[-5:] == ["find_tools", "describe_tool", "call_read_tool", "call_write_tool", "call_delete_tool"]


async def test_a_search_answers_signatures_effects_and_how_to_call_in_a_few_hundred_tokens() -> None:
    async with served(toolsets="coupons") as client:
        found = await told(client, "find_tools", query="make a voucher", limit=3)
        everything = await told(client, "find_tools", query="remove people from a newsletter", limit=5)
    first = found.splitlines()[0]
    assert first.startswith("create_coupon(external_id, description?, monitor_configuration?) [write] ")
    assert "remove_profiles_from_list(list_id, profile_ids) [write, via call_write_tool] " in everything
    assert found.splitlines()[-1].startswith("describe_tool(name) has the details.")
    assert len(everything) < 1_600


async def test_a_search_for_nothing_known_says_what_there_is() -> None:
    async with served() as client:
        assert (await told(client, "find_tools", query="xyzzy qqq")).startswith(
            "No tool fits these words. Try a thing and what to do with it; there are accounts, profiles, consent,"
        )
        assert await told(client, "find_tools", query=" ") == "error: find_tools did nothing: query: is empty."


async def test_a_description_has_the_whole_schema() -> None:
    async with served() as client:
        head, schema = (await told(client, "describe_tool", name="Get-Lists")).split("\n")
    assert head == f"get_lists [read; call it through call_read_tool] {registry()['get_lists'].purpose}"
    assert json.loads(schema)["properties"]["detail"] == {"type": "string", "enum": ["summary", "full"]}


async def test_an_alias_names_its_operation() -> None:
    async with served() as client:
        text = await told(client, "describe_tool", name="create_campaign_send_job")
    assert text.startswith("send_campaign [reaches_people; call it through call_write_tool]")


async def test_a_read_runs_as_the_listed_tool_does() -> None:
    arguments = {"max_results": 2, "fields": ["name"]}
    async with served(toolsets="lists") as client:
        direct = await told(client, "get_lists", **arguments)
        through = await told(client, "call_read_tool", name="get_lists", arguments=arguments)
        as_text = await told(client, "call_read_tool", name="get_lists", arguments=json.dumps(arguments))
    assert direct == through == as_text


async def test_arguments_are_checked_before_anything_is_sent() -> None:
    async with served() as client:
        text = await told(client, "call_read_tool", name="get_lists", arguments={"filtr": "x"})
    assert text == "error: get_lists was not sent: unknown argument 'filtr': did you mean filter?"


@pytest.mark.parametrize("operation", registry().values(), ids=lambda operation: operation.name)
def test_every_operation_has_its_runner(operation: object) -> None:
    effect = getattr(operation, "effect")  # noqa: B009
    expected = {
        Effect.READ: "call_read_tool",
        Effect.DELETE: "call_delete_tool",
        Effect.IRREVERSIBLE: "call_delete_tool",
    }
    assert dispatcher_of(operation) == expected.get(effect, "call_write_tool")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tool", "name", "right"),
    [
        ("call_read_tool", "delete_list", "its effect is delete, so call it through call_delete_tool"),
        ("call_read_tool", "send_campaign", "its effect is reaches people, so call it through call_write_tool"),
        ("call_write_tool", "merge_profiles", "its effect is irreversible, so call it through call_delete_tool"),
        ("call_write_tool", "query_flow_values", "its effect is read, so call it through call_read_tool"),
        ("call_delete_tool", "create_list", "its effect is write, so call it through call_write_tool"),
    ],
)
async def test_an_operation_of_another_effect_is_refused_with_the_right_tool(tool: str, name: str, right: str) -> None:
    async with served() as client:
        assert await told(client, tool, name=name, arguments={}) == f"error: {name} was not sent: {right}."


async def test_a_confirmation_code_goes_beside_the_arguments_or_inside() -> None:
    async with served() as client:
        for beside in (True, False):
            created = json.loads(
                (await told(client, "call_write_tool", name="create_list", arguments={"name": "Gone"})).split("\n")[0]
            )
            chosen = {"list_id": created["id"]}
            held = await told(client, "call_delete_tool", name="delete_list", arguments=chosen)
            code = held.split('confirmation="')[1].split('"')[0]
            inside = {"arguments": {**chosen, "confirmation": code}}
            given = {"arguments": chosen, "confirmation": code} if beside else inside
            assert "delete_list" in await told(client, "call_delete_tool", name="delete_list", **given)
            gone = await told(client, "call_read_tool", name="get_list", arguments=chosen)
            assert gone.startswith("error: ")


async def test_read_only_hides_what_changes_the_account() -> None:
    async with served(read_only=True) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        found = await told(client, "find_tools", query="delete a list", limit=20)
        refused = await told(client, "call_read_tool", name="delete_list", arguments={})
        with pytest.raises(MCPError):
            await client.call_tool("call_delete_tool", {"name": "delete_list"})
    assert names == ["find_tools", "describe_tool", "call_read_tool"]
    assert "[write" not in found
    assert "[delete" not in found
    assert refused.startswith("error: delete_list changes the account, and this server is read-only")


async def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    async with served() as client:
        assert (await told(client, "call_read_tool", name="get_lits")).startswith(
            "error: there is no tool 'get_lits'; did you mean get_list"
        )
        assert (await told(client, "describe_tool", name="find_tools")).startswith(
            "error: find_tools cannot be called through another tool"
        )
