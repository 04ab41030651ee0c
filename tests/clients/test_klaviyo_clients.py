"""Klaviyo's own clients and a third party's, run against the sandbox as if it were Klaviyo.

What they read here they could read there: their models, filters and paging were not written by us.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import mcp_types
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from tests.clients.klaviyo.installation import HERE, node_walk, python_with
from tests.clients.klaviyo.sandbox_port import ServedSandbox, served_sandbox, walk_facts

from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.slow
SDK_REVISIONS = {
    "klaviyo-api-22.0.0": "2026-01-15",
    "klaviyo-api-24.0.0": "2026-07-15",
    "klaviyo-api-25.0.0": "2026-10-15",
}
NODE_REVISION = "2026-07-15"
READS_BY_POST = 9
LEAST_READS = {
    "klaviyo-api-22.0.0": 175 + READS_BY_POST,
    "klaviyo-api-24.0.0": 199 + READS_BY_POST,
    "klaviyo-api-25.0.0": 240,
    "node": 199,
}
FAULTS_OF_CLIENTS = {
    "klaviyo-api-24.0.0": {
        "get_flow": "ReentryCriteria",
        "get_metric_property": "sample_values",
        "get_properties_for_metric": "sample_values",
    },
}
"""Models that refuse what Klaviyo's own document allows: a text, or one of several scalars, is declared an object."""
SUPPRESSIONS = ("HARD_BOUNCE", "USER_SUPPRESSED", "UNSUBSCRIBE", "INVALID_EMAIL")


@pytest.fixture
def served() -> Iterator[ServedSandbox]:
    with served_sandbox() as served:
        yield served


def run(*command: str | Path) -> str:
    """What a command prints. Fails the test with what it says on standard error."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def check_walk(output: str, client: str) -> None:
    """Every read was called, and every call was answered as the client expects, but for the faults of its own."""
    report: dict[str, Any] = json.loads(output)
    failures = {name: one["failures"] for name, one in report.items() if one["failures"]}
    for name, reason in FAULTS_OF_CLIENTS.get(client, {}).items():
        assert [reason in text for text in failures.pop(name).values()] == [True]
    assert not failures, json.dumps(failures, indent=1)
    assert len(report) >= LEAST_READS[client]


@pytest.mark.parametrize("package", SDK_REVISIONS)
def test_every_read_of_the_python_sdk_is_answered_as_its_models_demand(
    package: str, served: ServedSandbox, tmp_path: Path
) -> None:
    python = python_with(package)
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(walk_facts(served, SDK_REVISIONS[package])))
    check_walk(run(python, HERE / "walk_python_sdk.py", facts), package)


def test_every_read_of_the_node_sdk_is_answered(served: ServedSandbox, tmp_path: Path) -> None:
    command = node_walk()
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(walk_facts(served, NODE_REVISION)))
    check_walk(run(*command, facts), "node")


def test_the_singer_tap_reads_every_stream_whole(served: ServedSandbox, tmp_path: Path) -> None:
    python = python_with("tap-klaviyo-1.1.5")
    messages = [json.loads(line) for line in run(python, HERE / "run_tap.py", served.url, tmp_path).splitlines()]
    rows = Counter(message["stream"] for message in messages if message["type"] == "RECORD")
    store = served.store
    by_channel = Counter(one.attributes["channel"] for one in store.all("campaign-message") if one.links["campaign"])
    suppressed = sum(
        any(one["reason"] == reason for one in _suppressions(profile.attributes))
        for profile in store.all("profile")
        for reason in SUPPRESSIONS
    )
    expected = {"lists": store.count("list"), "global_exclusions": suppressed}
    assert {name: rows[name] for name in expected} == expected
    assert 0 < rows["campaigns"] <= by_channel["email"]
    for stream, name in (
        ("receive", "Received Email"),
        ("click", "Clicked Email"),
        ("subscribe_list", "Subscribed to List"),
    ):
        metric_id = next(metric.id for metric in store.all("metric") if metric.attributes["name"] == name)
        assert rows[stream] == len(list(store.referring(metric_id, "event", "metric")))


def _suppressions(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    email = (attributes.get("subscriptions") or {}).get("email") or {}
    suppressions: list[dict[str, Any]] = (email.get("marketing") or {}).get("suppression") or []
    return suppressions


PUBLISHED = Path(__file__).parents[3] / "shared" / "klaviyo" / "openapi-2026-07-15.json"
SERVER_READS = 18
LEAST_SERVER_CALLS = 140


@pytest.mark.anyio
async def test_klaviyos_own_server_reads_all_that_it_can_read(served: ServedSandbox) -> None:
    async with klaviyo_server(served) as client:
        tools = [tool for tool in (await client.list_tools()).tools if tool.annotations.read_only_hint]  # type: ignore[union-attr]
        assert len(tools) == SERVER_READS
        failures: dict[str, str] = {}
        calls = 0
        for tool in tools:
            for arguments in server_calls(tool.input_schema, served):
                calls += 1
                answer = await client.call_tool(tool.name, arguments)
                if answer.is_error:
                    failures[f"{tool.name} {json.dumps(arguments)[:300]}"] = str(answer.content)[-400:]
        assert not failures, json.dumps(failures, indent=1)[:6000]
        assert calls >= LEAST_SERVER_CALLS
        await _check_filters_and_pages(client, served)


async def _check_filters_and_pages(client: Client, served: ServedSandbox) -> None:
    """Filters select what they say, a quote in a value included, and a link leads to the next page."""

    async def read(name: str, **arguments: Any) -> Any:
        answer = await client.call_tool(f"klaviyo_{name}", {"model": "other", **arguments})
        assert not answer.is_error, answer.content
        assert isinstance(answer.content[0], mcp_types.TextContent)
        return json.loads(answer.content[0].text)

    sent = {"field": "status", "operator": "any", "value": ["Sent"]}
    campaigns = await read("get_campaigns", fields=["status"], channel="email", filters=[sent])
    assert {one["attributes"]["status"] for one in campaigns["data"]} == {"Sent"}
    served.store.add(Record("profile", "01QUOTED", {"email": "o'neill@example.com", "created": "2026-01-01"}))
    address = {"field": "email", "operator": "equals", "value": "o'neill@example.com"}
    found = await read("get_profiles", fields=["email"], filters=[address])
    assert [one["id"] for one in found["data"]] == ["01QUOTED"]
    first = await read("get_profiles", fields=["email"], page_size=40)
    second = await read("get_profiles", fields=["email"], page_size=40, page_cursor=first["links"]["next"])
    ids = [one["id"] for page in (first, second) for one in page["data"]]
    assert len(set(ids)) == len(ids) == served.store.count("profile")


@asynccontextmanager
async def klaviyo_server(served: ServedSandbox) -> AsyncIterator[Client]:
    """Klaviyo's local MCP server, with the sandbox in Klaviyo's place."""
    python = python_with("klaviyo-mcp-server-0.4.2", (3, 13))
    if not PUBLISHED.exists():
        pytest.skip("klaviyo-mcp-server: it starts with Klaviyo's OpenAPI document, which is not at ../shared/klaviyo")
    arguments = [str(HERE / "launch_klaviyo_server.py"), served.url, str(PUBLISHED)]
    variables = {"PRIVATE_API_KEY": "sandbox", "PATH": os.environ["PATH"]}
    place = StdioServerParameters(command=str(python), args=arguments, env=variables)
    with Path(os.devnull).open("w") as discarded:  # noqa: ASYNC230
        async with Client(stdio_client(place, errlog=discarded), mode="legacy") as client:
            yield client


def server_calls(schema: dict[str, Any], served: ServedSandbox) -> Iterator[dict[str, Any]]:
    """The arguments of calls to a tool: what it requires, then each value of `sort`, flag and operator of a filter."""
    properties = schema["properties"]
    required = {name: _server_value(name, properties[name], served) for name in schema["required"]}
    yield required
    for name, one in properties.items():
        if name == "filters":
            for branch in one["items"].get("anyOf", [one["items"]]):
                yield from ({**required, name: [row]} for row in _filter_rows(branch["properties"], served))
        elif name == "sort":
            yield from ({**required, name: value} for value in one["enum"])
        elif name not in required and one.get("type") == "boolean":
            yield {**required, name: True}


def _filter_rows(branch: dict[str, Any], served: ServedSandbox) -> Iterator[dict[str, Any]]:
    field, operator = branch["field"]["const"], branch["operator"]
    for name in operator.get("enum", [operator.get("const")]):
        is_list = branch.get("value", {}).get("type") == "array"
        if name == "equals" and is_list:
            continue  # the server would write equals(field,[…])
        value = {"value": _server_value(field, branch["value"], served)} if "value" in branch else {}
        yield {"field": field, "operator": name, **value}


def _server_value(name: str, schema: dict[str, Any], served: ServedSandbox) -> Any:
    """A plausible value: ids from the store, every value of a closed set where several are taken."""
    match schema.get("type"):
        case "array" if "enum" in schema["items"]:
            return schema["items"]["enum"]
        case "array":
            value = _server_value(name, schema["items"], served)
            return [value, "it's"] if isinstance(value, str) else [value]
        case "boolean":
            return True
        case "integer" | "number":
            return 5
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00+00:00"
    type_ = name.removeprefix("conversion_").removesuffix("_id").replace("_", "-")
    record = next(served.store.all(type_), None) if name.endswith("_id") else None
    return record.id if record else "o'neill"
