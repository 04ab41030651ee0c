"""Calls one after another: how long each takes, and how much longer than the same request sent by httpx directly."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.clients import Client, ServerError
from benchmarks.measurements import Key, Measure, Results
from benchmarks.plan import DIRECT, HTTP, STDIO, TOOL, Build, OtherServer, Plan, call_case
from benchmarks.processes import KEY, Upstream, cpu_ms, http_server, server_process, stdio_server, upstream_process

_WARM_UP_CALLS = 20
_BLOCK_CALLS = 10
"""Calls of one server before the turn of the next: few, so that the load does not change, and enough that the first,
which finds its caches evicted, does not move the median."""


@dataclass(frozen=True)
class Route:
    """How profiles are read: a function that reads so many, and the process that serves it."""

    call: Callable[[int], Awaitable[object]]
    process_id: int | None = None


def direct_route(upstream: Upstream) -> Route:
    """The request of a call, sent by httpx from this process."""
    headers = {"Authorization": f"Bearer {KEY}", "revision": "2026-01-15", "Accept": "application/vnd.api+json"}
    url = f"{upstream.url}/klaviyo/api/profiles"

    async def call(records: int) -> object:
        response = await upstream.direct.get(url, params={"page[size]": str(records)}, headers=headers)
        return response.json()

    return Route(call)


def _own_route(client: Client, process_id: int) -> Route:
    async def call(records: int) -> object:
        return await client.request("tools/call", {"name": TOOL, "arguments": {"max_results": records}})

    return Route(call, process_id)


async def _warm_up(routes: Mapping[str, Route]) -> dict[str, Route]:
    for route in routes.values():
        for _ in range(_WARM_UP_CALLS):
            await route.call(20)
    return dict(routes)


@asynccontextmanager
async def own_routes(build: Build, upstream: Upstream) -> AsyncIterator[dict[str, Route]]:
    """Our server over stdio and over HTTP beside the direct request, all warm."""
    async with AsyncExitStack() as stack:
        pipes = await stack.enter_async_context(stdio_server(build, upstream))
        http, process_id = await stack.enter_async_context(http_server(build, upstream))
        routes = {
            DIRECT: direct_route(upstream),
            STDIO: _own_route(pipes, pipes.process.pid),
            HTTP: _own_route(http, process_id),
        }
        yield await _warm_up(routes)


@asynccontextmanager
async def other_routes(server: OtherServer, upstream: Upstream) -> AsyncIterator[dict[str, Route]]:
    """Another server beside the direct request, both warm.

    Raises:
        ServerError: it answers without asking the upstream.
    """
    async with server_process(*server.at(upstream.url)) as client:
        await client.initialize()

        async def call(records: int) -> object:
            name, arguments = server.tool_call(records)
            return await client.request("tools/call", {"name": name, "arguments": arguments})

        await upstream.set()
        await call(20)
        if not (await upstream.stats())["requests"]:
            name, arguments = server.tool_call(20)
            raise ServerError(f"{server.name} answered {name}({json.dumps(arguments)}) without asking the upstream")
        yield await _warm_up({DIRECT: direct_route(upstream), server.name: Route(call, client.process.pid)})


@asynccontextmanager
async def all_routes(
    plan: Plan, builds: Sequence[Build], upstream: Upstream
) -> AsyncIterator[dict[str, dict[str, Route]]]:
    """The routes of each build and of each other server, by its name."""
    async with AsyncExitStack() as stack:
        routes = {build.name: await stack.enter_async_context(own_routes(build, upstream)) for build in builds}
        for server in plan.other_servers:
            routes[server.name] = await stack.enter_async_context(other_routes(server, upstream))
        yield routes


async def measure_calls(plan: Plan, builds: Sequence[Build], results: Results) -> None:
    """The medians of this run's calls in each case."""
    async with upstream_process() as upstream, all_routes(plan, builds, upstream) as routes_by_server:
        for case in _cases(plan):
            for name, values in (await _measure_case(plan, upstream, routes_by_server, case)).items():
                for key, value in values.items():
                    if name in results.builds:
                        results.builds[name].record(key, value)
                    elif key.subject == name:
                        results.record_for_all(key, value)


class _Case(NamedTuple):
    records: int
    delay_ms: int


def _cases(plan: Plan) -> list[_Case]:
    return [_Case(records, delay_ms) for delay_ms in plan.delays_ms for records in plan.records]


async def _measure_case(
    plan: Plan, upstream: Upstream, routes_by_server: Mapping[str, dict[str, Route]], case: _Case
) -> dict[str, dict[Key, float | None]]:
    """The medians of a case by server, in short blocks of turns so that all meet the same load of the machine."""
    await upstream.set(delay=case.delay_ms, total=case.records)
    turns = {name: _Turns(routes, case.records) for name, routes in routes_by_server.items()}
    calls = plan.calls_at(case.delay_ms)
    for number, first in enumerate(range(0, calls, _BLOCK_CALLS)):
        for one in reversed(turns.values()) if number % 2 else turns.values():
            await one.run(min(_BLOCK_CALLS, calls - first))
    return {name: one.medians(call_case(*case)) for name, one in turns.items()}


class _Turns:
    """The routes to a server in turns, and the time of each call."""

    def __init__(self, routes: Mapping[str, Route], records: int) -> None:
        self._routes = routes
        self._records = records
        self._times_ms: dict[str, list[float]] = {subject: [] for subject in routes}
        self._cpu_ms: dict[str, float | None] = dict.fromkeys(routes, 0.0)

    async def run(self, calls: int) -> None:
        """Make so many calls over each route."""
        before = {subject: self._cpu_ms_of(route) for subject, route in self._routes.items()}
        for _ in range(calls):
            for subject, route in self._routes.items():
                began = time.perf_counter()
                await route.call(self._records)
                self._times_ms[subject].append((time.perf_counter() - began) * 1000)
        for subject, route in self._routes.items():
            total, start, end = self._cpu_ms[subject], before[subject], self._cpu_ms_of(route)
            self._cpu_ms[subject] = None if total is None or start is None or end is None else total + end - start

    def medians(self, case: str) -> dict[Key, float | None]:
        """The medians of all calls; of the processor time, the mean."""
        values: dict[Key, float | None] = {}
        for subject, times in self._times_ms.items():
            values[Key(Measure.CALL_MS, subject, case)] = statistics.median(times)
            if subject == DIRECT:
                continue
            added = [ms - direct for ms, direct in zip(times, self._times_ms[DIRECT], strict=True)]
            values[Key(Measure.ADDED_MS, subject, case)] = statistics.median(added)
            total = self._cpu_ms[subject]
            values[Key(Measure.CALL_CPU_MS, subject, case)] = None if total is None else total / len(times)
        return values

    @staticmethod
    def _cpu_ms_of(route: Route) -> float | None:
        return None if route.process_id is None else cpu_ms(route.process_id)
