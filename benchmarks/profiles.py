"""Where each millisecond of a start and of a call goes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from benchmarks.clients import environment, spawned
from benchmarks.measure import BARE, OURS, QUIET, Figure, Plan, ours_over_http, ours_over_stdio, upstream

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "this server": ("klaviyo_mcp", "klaviyo_tools", "benchmarks"),
    "mcp": ("mcp", "mcp_types"),
    "pydantic": ("pydantic", "pydantic_core", "pydantic_settings", "annotated_types", "typing_inspection"),
    "what mcp brings along": (),
    "the standard library": tuple(sys.stdlib_module_names),
}
_FRAMES = "".join(
    json.dumps({"jsonrpc": "2.0", **frame}) + "\n"
    for frame in (
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "benchmarks", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    )
)
RECORDS = 20


def _group(module: str) -> str:
    top = module.split(".")[0]
    return next((group for group, names in _GROUPS.items() if top in names), "what mcp brings along")


def imports(command: tuple[str, ...]) -> dict[str, float]:
    """Milliseconds that importing takes until tools/list is answered, by whose modules they are."""
    done = subprocess.run(
        [command[0], "-X", "importtime", *command[1:]],
        input=_FRAMES,
        capture_output=True,
        text=True,
        check=True,
        env=environment(QUIET),
    )
    found: defaultdict[str, float] = defaultdict(float)
    for line in done.stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdigit():
            found[_group(parts[2].strip())] += int(parts[0]) / 1000
    return dict(found)


_STEPS = """
import time
began = time.perf_counter()
def step(name):
    global began
    now = time.perf_counter()
    print(f"{name}={(now - began) * 1000:.2f}")
    began = now
from klaviyo_mcp.cli.main import without_garbage_collection
with without_garbage_collection():
    import anyio, mcp_types, mcp.server.lowlevel, mcp.server.stdio, mcp.server.request_state, mcp.server.caching
    step("the protocol library, imported")
    from klaviyo_mcp.cli import commands
    from klaviyo_mcp.settings import Settings
    step("command and settings, imported")
    from klaviyo_mcp.calls.service import CallService
    from klaviyo_mcp.protocol import server
    from klaviyo_mcp.transports import stdio
    step("the server's modules, imported")
    from klaviyo_tools.registry import registry
    registry()
    step("the areas: every operation declared")
    service = CallService(Settings())
    step("the chosen tools, put together")
for operation in service.offered.values():
    operation.arguments
step("argument models, without validators")
listed = mcp_types.ListToolsResult(tools=service.tools())
step("schemas, read off the models")
listed.model_dump_json(by_alias=True, exclude_none=True)
step("the list, as JSON")
"""


def steps(rounds: int) -> dict[str, Figure]:
    """Milliseconds of each step to the list of tools of `standard`, in processes of their own."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        done = subprocess.run(
            [sys.executable, "-c", _STEPS], capture_output=True, text=True, check=True, env=environment(QUIET)
        )
        for line in done.stdout.splitlines():
            name, _, ms = line.partition("=")
            if number:
                found[name].append(float(ms))
    return {name: Figure(tuple(values)) for name, values in found.items()}


def start(plan: Plan) -> dict[str, Any]:
    """The start, by whose modules are imported and by steps."""
    plan.told("profile of the start")
    return {"bare": imports(BARE), "standard": imports(OURS), "steps": steps(max(3, plan.rounds // 2))}


async def _library(times: int) -> dict[str, Figure]:
    """What the protocol library takes: pings, which do nothing, and a call that does nothing, in turns."""
    empty = {"name": "anything", "arguments": {"max_results": RECORDS}}
    async with (
        upstream() as here,
        spawned(BARE, {}) as bare,
        ours_over_stdio(here) as pipes,
        ours_over_http(here) as http,
    ):
        await bare.greet()
        asked: dict[str, Callable[[], Awaitable[object]]] = {
            "bare ping": lambda: bare.ask("ping"),
            "bare call": lambda: bare.ask("tools/call", empty),
            "ping": lambda: pipes.ask("ping"),
            "ping over HTTP": lambda: http.ask("ping"),
        }
        took: defaultdict[str, list[float]] = defaultdict(list)
        for number in range(times + 20):
            for name, ask in asked.items():
                began = time.perf_counter()
                await ask()
                if number >= 20:
                    took[name].append((time.perf_counter() - began) * 1000)
    found = {name: Figure(tuple(values)) for name, values in took.items()}
    for name, more, less in (("models", "bare call", "bare ping"), ("HTTP", "ping over HTTP", "ping")):
        found[name] = Figure(tuple(long - short for long, short in zip(took[more], took[less], strict=True)))
    return found


async def call(plan: Plan) -> dict[str, Any]:
    """The steps of a call of 20 profiles, without the network."""
    from benchmarks.upstream import page
    from klaviyo_mcp.answers import view as fieldsets
    from klaviyo_mcp.answers.collection import collection_text
    from klaviyo_mcp.gateway.request import parse_json, render_request
    from klaviyo_tools.arguments.checking import check
    from klaviyo_tools.jsonapi.records import flatten_document
    from klaviyo_tools.registry import registry
    from klaviyo_tools.resource_types import resource_type

    plan.told("profile of a call")
    operation = registry()["get_profiles"]
    kind = resource_type(operation.resource)
    view = fieldsets.View()
    given = {"max_results": RECORDS}
    checked = check(operation.arguments, given)
    body = page(RECORDS)
    document = json.loads(body)
    read = flatten_document(document)
    base, key, revision = "https://api.maton.ai", "key", "2026-01-15"

    def requested() -> object:
        query = fieldsets.sparse_fieldsets(kind, view, operation.accepted_fields(), resource_type)
        request = operation.request(checked, query)
        return render_request(request, base=base, key=key, revision=revision, connection=None)

    def answered() -> object:
        return collection_text(kind, read, view=view)

    parts: dict[str, Callable[[], object]] = {
        "arguments, validated": lambda: check(operation.arguments, given),
        "request, put together": requested,
        "answer, decoded from JSON": lambda: parse_json(body),
        "records, made of the document": lambda: flatten_document(document),
        "table and facts, written": answered,
    }
    library = await _library(plan.calls)
    return {"library": library, "steps": {name: _timed(part, plan.calls) for name, part in parts.items()}}


def _timed(part: Callable[[], object], times: int) -> Figure:
    for _ in range(20):
        part()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        part()
        took.append((time.perf_counter() - began) * 1000)
    return Figure(tuple(took))
