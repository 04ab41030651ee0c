"""Stage 1: the operation of a call is found, and its arguments are checked once, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox_server import SandboxServer, sandbox_server

from klaviyo_mcp.calls.inventory import UnknownTool
from klaviyo_mcp.calls.prepare import Prepared, find_operation, prepare
from klaviyo_mcp.errors import ArgumentError
from klaviyo_tools.filters import accept, conditions, reader
from klaviyo_tools.filters.tree import Filter

pytestmark = pytest.mark.anyio


async def prepared(server: SandboxServer, tool: str, /, **arguments: Any) -> Prepared:
    calls = server.calls
    operation, inner = find_operation(tool, arguments, calls.inventory)
    return await prepare(operation, inner, calls.inventory, lambda: calls.reports)


async def test_a_listed_tool_and_a_dispatcher_prepare_the_same_call() -> None:
    server = sandbox_server(toolsets=("lists",))
    direct = await prepared(server, "get_lists", max_results="5")
    through = await prepared(server, "call_read_tool", name="Get-Lists", arguments={"max_results": 5})
    assert direct == through
    assert direct.operation.name == "get_lists"
    assert getattr(direct.arguments, "max_results") == 5  # noqa: B009
    assert server.requests() == []


async def test_a_tool_that_is_not_listed_is_no_tool() -> None:
    server = sandbox_server(toolsets=("lists",), read_only=True)
    for name in ("get_profiles", "call_write_tool", "find_tool"):
        with pytest.raises(UnknownTool):
            find_operation(name, {}, server.calls.inventory)


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (
            {"name": "delete_list"},
            "delete_list was not sent: its effect is delete, so call it through call_delete_tool",
        ),
        ({"name": "create_lst"}, "there is no tool 'create_lst'; did you mean create_list"),
        ({"name": "find_tools"}, "find_tools cannot be called through another tool."),
        (
            {"name": "create_list", "list_name": "VIP"},
            "call_write_tool did nothing: list_name belongs inside",
        ),
        ({}, "call_write_tool did nothing: name is required."),
    ],
)
async def test_a_dispatcher_refuses_what_it_does_not_run(arguments: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        find_operation("call_write_tool", arguments, sandbox_server().calls.inventory)
    assert str(raised.value).startswith(refusal)


async def test_wrong_arguments_are_refused_with_the_nearest_name() -> None:
    server = sandbox_server()
    with pytest.raises(ArgumentError) as raised:
        await prepared(server, "get_lists", filtr="x")
    assert str(raised.value) == "get_lists was not sent: unknown argument 'filtr': did you mean filter?"
    assert server.requests() == []


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("get_profiles", "greater-than(created,2026-01-01)"),
        ("get_events", 'equals(profile_id,"P1")'),
        ("get_campaigns", 'equals(messages.channel,"email"),contains(name,"Spring")'),
    ],
)
async def test_a_filter_is_parsed_once(tool: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    parse = reader.parse_filter

    def record(text: str) -> Filter:
        texts.append(text)
        return parse(text)

    for module in (accept, conditions):
        monkeypatch.setattr(module, "parse_filter", record)
    await prepared(sandbox_server(), tool, filter=text)
    assert len(texts) == 1


async def test_a_code_is_no_argument_of_the_operation() -> None:
    call = await prepared(sandbox_server(), "delete_list", list_id="L1", confirmation="ABCDEFGHIJ")
    assert call.code == "ABCDEFGHIJ"
    assert call.arguments.model_dump() == {"list_id": "L1"}


async def test_a_metric_is_given_by_name_and_prepared_by_id() -> None:
    server = sandbox_server()
    server.put("metric", "Xy12Zq", name="Placed Order")
    events = await prepared(server, "get_events", filter='equals(metric_id,"placed order")')
    assert getattr(events.arguments, "filter") == 'equals(metric_id,"Xy12Zq")'  # noqa: B009
    report = await prepared(
        server,
        "query_metric_aggregates",
        metric_id="Placed Order",
        measurements=["count"],
        filter=["greater-or-equal(datetime,2026-01-01)", "less-than(datetime,2026-02-01)"],
    )
    assert getattr(report.arguments, "metric_id") == "Xy12Zq"  # noqa: B009


async def test_events_are_filtered_by_the_name_of_a_metric() -> None:
    server = sandbox_server()
    server.put("metric", "Xy12Zq", name="Placed Order")
    server.put("event", "E1", {"metric": "Xy12Zq"}, datetime="2026-05-01T00:00:00+00:00")
    assert (await server.run("get_events", filter='equals(metric_id,"placed order")')).startswith("1 event; ")
    assert await server.run("get_events", filter='equals(metric_id,"Placed Ordr")') == (
        "ERROR: get_events was not sent: filter: metric_id: no metric is called 'Placed Ordr'; "
        'did you mean "Placed Order"?'
    )
