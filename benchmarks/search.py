"""Search: `find_tools` among all operations, cold (it builds the index) and warm, beside a direct httpx call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

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
    """The first search of a server, and the median of the warm ones in turns with the direct call."""
    async with upstream_process() as upstream:
        for build in builds:
            direct, measurements = direct_route(upstream), results.builds[build.name]
            async with stdio_server(build, upstream) as client:
                first = await _search_ms(client, _QUERIES[0])
                searches: list[float] = []
                calls: list[float] = []
                for number in range(plan.calls + len(_QUERIES)):
                    search = await _search_ms(client, _QUERIES[number % len(_QUERIES)])
                    began = time.perf_counter()
                    await direct.call(20)
                    if number >= len(_QUERIES):
                        searches.append(search)
                        calls.append((time.perf_counter() - began) * 1000)
            measurements.record(Key(Measure.FIRST_SEARCH_MS, STDIO), first)
            measurements.record(Key(Measure.SEARCH_MS, STDIO), statistics.median(searches))
            measurements.record(Key(Measure.CALL_BESIDE_SEARCH_MS, DIRECT), statistics.median(calls))


async def _search_ms(client: StdioClient, query: str) -> float:
    began = time.perf_counter()
    await client.request("tools/call", {"name": "find_tools", "arguments": {"query": query}})
    return (time.perf_counter() - began) * 1000
