"""Search: `find_tools` among all operations, cold (it builds the index) and warm, beside a direct httpx call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack

from benchmarks.calls import direct_route
from benchmarks.clients import StdioClient
from benchmarks.measurements import Key, Measure, Results
from benchmarks.plan import DIRECT, STDIO, Build, Plan
from benchmarks.processes import stdio_server, upstream_process

_QUERIES = (
    "who unsubscribed last week",
    "send the spring campaign now",
    "put people on a list",
    "how many orders were placed by month",
    "borrar un perfil por completo",
    "create discount codes",
    "stop a flow",
    "image upload from the web",
)


async def measure_search(plan: Plan, builds: Sequence[Build], results: Results) -> None:
    """The first search of each build, and the medians of the warm ones in turns with the direct call."""
    async with upstream_process() as upstream, AsyncExitStack() as stack:
        direct = direct_route(upstream)
        clients = {build.name: await stack.enter_async_context(stdio_server(build, upstream)) for build in builds}
        searches: dict[str, list[float]] = {name: [] for name in clients}
        calls: dict[str, list[float]] = {name: [] for name in clients}
        for name, client in clients.items():
            first = await _timed_ms(_search(client, _QUERIES[0]))
            results.builds[name].record(Key(Measure.FIRST_SEARCH_MS, STDIO), first)
        for number in range(plan.calls + len(_QUERIES)):
            for name, client in clients.items():
                search = await _timed_ms(_search(client, _QUERIES[number % len(_QUERIES)]))
                call = await _timed_ms(direct.call(20))
                if number >= len(_QUERIES):
                    searches[name].append(search)
                    calls[name].append(call)
        for name, measurements in results.builds.items():
            measurements.record(Key(Measure.SEARCH_MS, STDIO), statistics.median(searches[name]))
            measurements.record(Key(Measure.CALL_BESIDE_SEARCH_MS, DIRECT), statistics.median(calls[name]))


async def _search(client: StdioClient, query: str) -> object:
    return await client.request("tools/call", {"name": "find_tools", "arguments": {"query": query}})


async def _timed_ms(request: Awaitable[object]) -> float:
    began = time.perf_counter()
    await request
    return (time.perf_counter() - began) * 1000
