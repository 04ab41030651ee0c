"""What is measured. Everything that is compared is measured in turns within one run, so that noise meets all alike."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.clients import Client, Failed, Http, Stdio, memory, spawned

PRESETS = ("none", "core", "standard", "all")
TOOL = "get_profiles"
OURS = (sys.executable, "-m", "klaviyo_mcp")
BARE = (sys.executable, "-m", "benchmarks.bare")
PAGE = 100
ROUNDS_OF_COUNTING = 5
QUIET = {"KLAVIYO_MCP_LOG_LEVEL": "error"}


@dataclass(frozen=True)
class Figure:
    """Values measured again and again: the median, and the middle half as its spread."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The first and third quartile."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high


@dataclass(frozen=True)
class Rival:
    """Another MCP server, over stdio, to be measured in the same run. `{url}` in it is the upstream's address."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    tools: Mapping[str, tuple[str, dict[str, Any]]]
    """Our tool -> its tool, and arguments to call that with; without arguments, it is called with ours.

    An argument `"{records}"` is the number of records.
    """

    def at(self, url: str) -> tuple[list[str], dict[str, str]]:
        """Its command and environment, led to this upstream."""
        command = [part.replace("{url}", url) for part in self.command]
        return command, {name: value.replace("{url}", url) for name, value in self.env.items()}

    def call(self, records: int) -> tuple[str, dict[str, Any]]:
        """The tool that stands for ours, and what to call it with for so many records."""
        name, given = self.tools.get(TOOL, (TOOL, {}))
        asked = given or {"max_results": "{records}"}
        return name, {key: records if value == "{records}" else value for key, value in asked.items()}


@dataclass
class Plan:
    """How much is measured."""

    rounds: int = 15
    calls: int = 150
    seconds: float = 6.0
    records: Sequence[int] = (1, 20, 100)
    delays: Sequence[int] = (0, 20, 100)
    at_once: Sequence[int] = (1, 16, 64)
    counted: Sequence[int] = (1_000, 10_000, 100_000)
    rival: Rival | None = None
    told: Callable[[str], None] = field(default=lambda _: None)


QUICK = Plan(rounds=5, calls=40, seconds=2.0, delays=(0, 20), counted=(1_000, 10_000))


class Upstream:
    """The stand-in upstream, in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.direct = httpx.AsyncClient()

    async def set(self, **facts: int) -> None:
        """How long answers wait (`delay`, ms), how many profiles there are (`total`)."""
        (await self.direct.get(f"{self.url}/_/set", params=facts)).raise_for_status()

    async def stats(self) -> dict[str, int]:
        """Requests and connections since the last set."""
        return dict((await self.direct.get(f"{self.url}/_/stats")).json())

    @property
    def env(self) -> dict[str, str]:
        """What points our server at it; pacing would keep Klaviyo's limits here as well."""
        return {**QUIET, "MATON_BASE_URL": self.url, "MATON_API_KEY": "benchmark", "KLAVIYO_MCP_PACING": "0"}


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    """The stand-in, up for the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.upstream",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    here = Upstream(f"http://127.0.0.1:{int(await process.stdout.readline())}")
    try:
        yield here
    finally:
        await here.direct.aclose()
        process.stdin.close()
        await process.wait()


async def start(plan: Plan) -> dict[str, Any]:
    """Milliseconds and memory from the start of the process to the first tools/list, and the list's bytes."""
    commands: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {"bare": (BARE, {})}
    for preset in PRESETS:
        commands[preset] = (OURS, {**QUIET, "KLAVIYO_MCP_TOOLSETS": preset, "MATON_API_KEY": "benchmark"})
    found: dict[str, list[tuple[float, float, int]]] = {}
    async with upstream() as here:
        if plan.rival is not None:
            commands[plan.rival.name] = plan.rival.at(here.url)
        for number in range(plan.rounds + 1):
            plan.told(f"start {number}/{plan.rounds}")
            for name, (command, env) in commands.items():
                measured = await _started(command, env)
                if number:  # the first leaves byte code behind, and files in the system's cache
                    found.setdefault(name, []).append(measured)
    return {
        name: {
            "ms": Figure(tuple(ms for ms, _, _ in values)),
            "mb": Figure(tuple(mb for _, mb, _ in values)),
            "bytes": values[0][2],
        }
        for name, values in found.items()
    }


async def _started(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float, int]:
    began = time.perf_counter()
    async with spawned(command, env) as client:
        await client.greet()
        await client.ask("tools/list")
        took = time.perf_counter() - began
        return took * 1000, memory(client.process.pid) or 0.0, client.received


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def ours_over_stdio(upstream: Upstream) -> AsyncIterator[Stdio]:
    """Our server, greeted and listed."""
    async with spawned(OURS, upstream.env) as client:
        await client.greet()
        await client.ask("tools/list")
        yield client


@asynccontextmanager
async def ours_over_http(upstream: Upstream) -> AsyncIterator[Http]:
    """The same over Streamable HTTP."""
    port = _port()
    env = {**upstream.env, "KLAVIYO_MCP_PORT": str(port)}
    async with spawned((*OURS, "http"), env) as server:
        client = Http(f"http://127.0.0.1:{port}/mcp")
        for _ in range(200):
            try:
                await client.greet()
                break
            except ConnectionError:
                await asyncio.sleep(0.05)
        try:
            yield client
        finally:
            client.close()
            server.process.terminate()


Once = Callable[[int], Awaitable[object]]


def _tool(client: Client) -> Once:
    async def call(records: int) -> object:
        return await client.ask("tools/call", {"name": TOOL, "arguments": {"max_results": records}})

    return call


def _rivals(client: Client, rival: Rival) -> Once:
    async def call(records: int) -> object:
        name, arguments = rival.call(records)
        return await client.ask("tools/call", {"name": name, "arguments": arguments})

    return call


def _direct(upstream: Upstream) -> Once:
    headers = {"Authorization": "Bearer benchmark", "revision": "2026-01-15", "Accept": "application/vnd.api+json"}
    address = f"{upstream.url}/klaviyo/api/profiles"

    async def call(records: int) -> object:
        reply = await upstream.direct.get(address, params={"page[size]": str(records)}, headers=headers)
        return reply.json()

    return call


async def _everyone(stack: AsyncExitStack, here: Upstream, plan: Plan) -> dict[str, Once]:
    ways = {
        "direct": _direct(here),
        "stdio": _tool(await stack.enter_async_context(ours_over_stdio(here))),
        "http": _tool(await stack.enter_async_context(ours_over_http(here))),
    }
    if (rival := plan.rival) is not None:
        client = await stack.enter_async_context(spawned(*rival.at(here.url)))
        await client.greet()
        ways[rival.name] = _rivals(client, rival)
        await here.set()
        await ways[rival.name](20)
        if not (await here.stats())["requests"]:
            name, arguments = rival.call(20)
            raise Failed(
                f"{rival.name} answered {name}({json.dumps(arguments)}) without asking the upstream: see --env"
            )
    for call in ways.values():
        for _ in range(20):
            await call(20)
    return ways


async def calls(plan: Plan) -> dict[str, Any]:
    """Milliseconds that a call takes, and adds to the same call made by httpx directly, call by call in turns."""
    found: dict[str, Any] = {}
    async with upstream() as here, AsyncExitStack() as stack:
        ways = await _everyone(stack, here, plan)
        rival = plan.rival.name if plan.rival else None
        for delay in plan.delays:
            for records in plan.records:
                plan.told(f"calls: {records} records, {delay} ms")
                await here.set(delay=delay, total=records)
                times = plan.calls if delay < 100 else max(20, plan.calls // 4)
                ours = {name: call for name, call in ways.items() if name != rival}
                case = found[f"{records} records, {delay} ms"] = await _in_turns(ours, records, times)
                if rival is not None:  # in turns of its own: a fourth process wipes the caches before ours
                    theirs = {name: ways[name] for name in ("direct", rival)}
                    case[rival] = (await _in_turns(theirs, records, times))[rival]
    return found


async def _in_turns(ways: Mapping[str, Once], records: int, times: int) -> dict[str, Any]:
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(times):
        for name, call in ways.items():
            began = time.perf_counter()
            await call(records)
            took[name].append((time.perf_counter() - began) * 1000)
    return {
        name: {"ms": Figure(tuple(values)), "added": _added(values, took["direct"])} for name, values in took.items()
    }


def _added(values: Sequence[float], direct: Sequence[float]) -> Figure:
    return Figure(tuple(one - other for one, other in zip(values, direct, strict=True)))


async def rate(plan: Plan) -> dict[str, Any]:
    """Calls per second of 20 profiles, so many at once."""
    found: dict[str, Any] = {}
    async with upstream() as here, AsyncExitStack() as stack:
        ways = await _everyone(stack, here, plan)
        for delay in (0, 100):
            for most in plan.at_once:
                await here.set(delay=delay, total=20)
                rates: dict[str, list[float]] = {name: [] for name in ways}
                for turn in range(3):
                    plan.told(f"rate: {most} at once, {delay} ms, {turn + 1}/3")
                    for name, call in ways.items():
                        rates[name].append(await _per_second(call, most, plan.seconds / 3))
                found[f"{most} at once, {delay} ms"] = {name: Figure(tuple(v)) for name, v in rates.items()}
    return found


async def _per_second(call: Once, at_once: int, seconds: float) -> float:
    """Each caller's own rate, between two ends of calls of its own, added up: it matters not where the window cuts."""
    until = time.perf_counter() + seconds
    rates: list[float] = []

    async def keep_calling() -> None:
        await call(20)  # opens the connections
        began, done = time.perf_counter(), 0
        while (now := time.perf_counter()) < until or not done:
            await call(20)
            done += 1
        rates.append(done / (now - began))
        while len(rates) < at_once:  # the others are measured still
            await call(20)

    await asyncio.gather(*(keep_calling() for _ in range(at_once)))
    return sum(rates)


async def count(plan: Plan) -> dict[str, Any]:
    """Seconds of count_by, and how far memory grows, each time in a server of its own."""
    found: dict[int, list[tuple[float, float | None, int]]] = {total: [] for total in plan.counted}
    async with upstream() as here:
        for turn in range(ROUNDS_OF_COUNTING):
            for total, counted in found.items():
                plan.told(f"count_by over {total:,}, {turn + 1}/{ROUNDS_OF_COUNTING}")
                counted.append(await _counted(here, total))
    return {
        f"{total:,}": {
            "seconds": Figure(tuple(seconds for seconds, _, _ in counted)),
            "pages": total // PAGE,
            "requests": max(requests for _, _, requests in counted),
            "grown": max((grown for _, grown, _ in counted if grown is not None), default=None),
        }
        for total, counted in found.items()
    }


async def _counted(here: Upstream, total: int) -> tuple[float, float | None, int]:
    question = {"name": TOOL, "arguments": {"count_by": "location.country"}}
    async with ours_over_stdio(here) as client:
        await here.set(delay=0, total=PAGE)
        await client.ask("tools/call", question)
        before = memory(client.process.pid)
        await here.set(delay=0, total=total)
        began = time.perf_counter()
        result = await client.ask("tools/call", question)
        seconds = time.perf_counter() - began
        text = result["content"][0]["text"]
        if f"{total}" not in re.sub(r"[^0-9]", "", text):
            raise Failed(f"not all of {total} were counted: {text[:200]}")
        peak, stats = memory(client.process.pid, peak=True), await here.stats()
        grown = None if before is None or peak is None else max(0.0, peak - before)
        return seconds, grown, stats["requests"]


def search(plan: Plan) -> dict[str, Any]:
    """Milliseconds for a search over all operations, cold (the index is built) and warm."""
    from klaviyo_tools.registry import registry
    from klaviyo_tools.search.index import Index

    queries = (
        "who unsubscribed last week",
        "send the spring campaign now",
        "put people on a list",
        "how many orders were placed by month",
        "borrar un perfil por completo",
        "create discount codes",
        "stop a flow",
        "image upload from the web",
    )
    operations = list(registry().values())
    began = time.perf_counter()
    index = Index(operations)
    built = (time.perf_counter() - began) * 1000
    took: list[float] = []
    for turn in range(max(20, plan.calls // 2)):
        for query in queries:
            began = time.perf_counter()
            index.search(query)
            if turn:
                took.append((time.perf_counter() - began) * 1000)
    return {"operations": len(operations), "built": built, "ms": Figure(tuple(took))}


_ANSWERED: Mapping[str, dict[str, Any]] = {
    "get_profiles": {"max_results": 50},
    "get_events": {"max_results": 50},
    "get_campaigns": {"filter": 'equals(messages.channel,"email")'},
    "get_lists": {},
    "get_segments": {},
    "get_flows": {},
    "get_metrics": {},
    "get_templates": {},
    "get_catalog_items": {"max_results": 50},
}


async def size(plan: Plan) -> dict[str, Any]:
    """Bytes of our answers against Klaviyo's JSON for the same question, over the sandbox's account."""
    from klaviyo_mcp.calls.call import SilentContext
    from klaviyo_mcp.calls.service import CallService
    from klaviyo_mcp.gateway.client import GatewayClient
    from klaviyo_mcp.gateway.pacing import Pacer
    from klaviyo_mcp.sandbox.app import create_sandbox
    from klaviyo_mcp.settings import Settings
    from klaviyo_tools.operation.facts import OLDEST_REVISION
    from klaviyo_tools.registry import registry

    embedded = create_sandbox(key="sandbox")
    transport = httpx.ASGITransport(embedded)
    maton = GatewayClient(key="sandbox", base_url="http://127.0.0.1", transport=transport, pacer=Pacer(enabled=False))
    calls_ = CallService(Settings(toolsets=("all",)), lambda: maton)
    headers = {"Authorization": "Bearer sandbox", "revision": "2026-01-15"}
    found: dict[str, Any] = {}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/klaviyo", headers=headers) as direct:
        for name, arguments in _ANSWERED.items():
            operation = registry()[name]
            checked = operation.arguments.model_validate(arguments)
            request = operation.request(checked)
            sized = operation.page_size_at(OLDEST_REVISION) is not None
            most = min(int(arguments.get("max_results", 50)), operation.paging.max_page_size or 0)
            query = {**request.query, **({"page[size]": str(most)} if sized else {})}
            document = await direct.get(request.path, params=query)
            document.raise_for_status()
            answer = await calls_.call(name, arguments, SilentContext())
            text = "".join(part.text for part in answer.content if part.type == "text")
            if answer.is_error:
                raise Failed(text)
            found[name] = {
                "records": len(document.json()["data"]),
                "klaviyo": len(json.dumps(document.json(), ensure_ascii=False, separators=(",", ":")).encode()),
                "ours": len(text.encode()),
            }
    await calls_.aclose()
    return found


PARTS: Mapping[str, Callable[[Plan], Any]] = {
    "start": start,
    "calls": calls,
    "rate": rate,
    "count": count,
    "search": search,
    "size": size,
}
"""What can be measured by itself."""
