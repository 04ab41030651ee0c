"""What the start and a call take, in things that can be counted; times are measured by `benchmarks`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import anyio
import pytest
from pydantic import SecretStr
from tests.server.fake_gateway import Answer, fake_gateway

from klaviyo_mcp.calls.context import SilentContext
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.composition import create_service, create_tools
from klaviyo_mcp.protocol.server import Handlers
from klaviyo_mcp.settings import Settings

ROOT = Path(__file__).parents[2]
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
FRAMES = "".join(
    json.dumps({"jsonrpc": "2.0", **frame}) + "\n"
    for frame in (
        {"id": 1, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    )
)
OWN = ("klaviyo_mcp", "klaviyo_tools")
LATER = {
    "transports.http": "serving over HTTP",
    "transports.asgi": "serving over HTTP",
    "transports.asgi_server": "uvicorn",
    "transports.auth": "bearer tokens",
    "transports.sse": "serving over HTTP",
    "protocol.features": "the first prompt, resource or completion",
    "protocol.prompts": "the first prompt, resource or completion",
    "calls.service": "the first call",
    "calls.run": "the first call",
    "safety.codes": "the first call",
    "safety.confirmation": "the first call",
    "safety.previews.preview": "the first call",
    "account.connections": "the first call",
    "account.directory": "the first call",
    "account.reads": "the first call",
    "answers.collection": "the first call",
    "gateway.client": "the first call",
    "gateway.pacing": "the first call",
    "gateway.pool": "the first call",
    "gateway.transport": "the first call",
    "gateway.responses": "the first call",
    "sandbox": "--sandbox",
    "cli.demo": "demo",
    "cli.doctor": "doctor",
    "cli.connect": "connect",
}
"""Modules of the server -> what has to come before they are imported."""


def imported(*command: str) -> set[str]:
    """The modules that a server imports until it has answered tools/list."""
    with TemporaryFile("w+") as log_file:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log_file,
            text=True,
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8", "KLAVIYO_MCP_TOOLSETS": "all"},
        )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(FRAMES)
            process.stdin.flush()
            # Standard input stays open until the answer is there: its end calls off what is under way.
            assert any('"tools":[' in line for line in process.stdout)
            process.stdin.close()
        assert process.returncode == 0
        log_file.seek(0)
        stderr = log_file.read()
    rows = (line.split("|") for line in stderr.splitlines() if line.startswith("import time:"))
    return {row[2].strip() for row in rows if len(row) == 3}


def test_the_list_of_tools_needs_nothing_that_only_calls_need() -> None:
    ours, floor = imported("-m", "klaviyo_mcp"), imported("-m", "benchmarks.bare_server")
    own = {module for module in ours if module.split(".")[0] in OWN}
    assert own & {f"klaviyo_mcp.{name}" for name in LATER} == set()
    later = {"search.index", "drift.examples", "drift.compare", "filters.accept", "filters.reader"}
    assert own & {f"klaviyo_tools.{name}" for name in later} == set()
    assert "sqlite3" not in ours
    # Beyond the protocol library's own imports there is the standard library, and little of it.
    others = {module.split(".")[0] for module in ours - own - floor}
    assert others - set(sys.stdlib_module_names) == set()
    assert len(ours - own - floor) <= 12


def test_the_list_of_tools_builds_no_model_of_arguments() -> None:
    script = """
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.protocol.tools import list_tools
from klaviyo_mcp.settings import Settings
calls = create_service(Settings(toolsets=("all",)))
list_tools(calls.inventory)
print(*[name for name, one in calls.inventory.listed_operations.items() if "arguments" in vars(one)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "\n"


def test_the_list_of_tools_builds_no_validator_at_any_revision() -> None:
    script = """
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.protocol.tools import list_tools
from klaviyo_mcp.settings import Settings
calls = create_service(Settings(toolsets=("all",), revision="2026-07-15"))
list_tools(calls.inventory)
print(*[name for name, one in calls.inventory.listed_operations.items() if one.arguments.__pydantic_complete__])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "\n"


@pytest.mark.anyio
async def test_the_list_of_tools_is_made_once() -> None:
    handlers = Handlers(create_tools(Settings()))
    context: Any = None
    assert await handlers.list_tools(context, None) is await handlers.list_tools(context, None)


PROFILE = {"type": "profile", "id": "p1", "attributes": {"email": "a@example.com", "location": {"city": "Oslo"}}}
# Right for the list of connections and for that of profiles.
ANY = Answer(body={"connections": [{"connection_id": "c1", "status": "ACTIVE", "app": "klaviyo"}], "data": [PROFILE]})


def calls_to(url: str, **settings: Any) -> CallService:
    return create_service(Settings(base_url=url, key=SecretStr("key"), pacing=False, **settings))


@pytest.mark.anyio
async def test_calls_in_turn_use_one_connection_and_list_the_accounts_once() -> None:
    async with fake_gateway(ANY) as upstream:
        calls = calls_to(upstream.url)
        for _ in range(5):
            assert not (await calls.call("get_profiles", {}, SilentContext())).is_error
        await calls.aclose()
    assert sorted(request.path for request in upstream.requests) == ["/connections"] + ["/klaviyo/api/profiles"] * 5
    assert upstream.connections <= 2  # the list of connections was read beside the first call


@pytest.mark.anyio
async def test_calls_at_once_send_one_request_each() -> None:
    async with fake_gateway(ANY) as upstream:
        calls = calls_to(upstream.url, connection="c1")
        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(calls.call, "get_profiles", {}, SilentContext())
        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(calls.call, "get_profiles", {}, SilentContext())
        await calls.aclose()
    assert [request.path for request in upstream.requests] == ["/klaviyo/api/profiles"] * 32
    assert upstream.connections <= 16


@pytest.mark.anyio
async def test_counting_reads_each_page_once_as_large_as_it_comes() -> None:
    def page(next_cursor: str | None) -> Answer:
        link = f"https://a.klaviyo.com/api/profiles?page%5Bcursor%5D={next_cursor}" if next_cursor else None
        return Answer(body={"data": [PROFILE] * 100, "links": {"next": link}})

    async with fake_gateway(page("two"), page("three"), page(None)) as upstream:
        calls = calls_to(upstream.url, connection="c1")
        await calls.call("get_profiles", {"count_by": "location.city"}, SilentContext())
        await calls.aclose()
    assert [(request.query["page[size]"], request.query.get("page[cursor]")) for request in upstream.requests] == [
        ("100", None),
        ("100", "two"),
        ("100", "three"),
    ]
    assert upstream.connections == 1
