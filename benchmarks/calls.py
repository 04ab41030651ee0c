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
async def all_routes(builds: Sequence[Build], upstream: Upstream) -> AsyncIterator[dict[str, dict[str, Route]]]:
    """The routes of each build, by its name."""
    async with AsyncExitStack() as stack:
        yield {build.name: await stack.enter_async_context(own_routes(build, upstream)) for build in builds}


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


async def measure_calls(plan: Plan, builds: Sequence[Build], results: Results) -> None:
    """The medians of this run's calls in each case.

    Each build has turns of its own with the direct request, the builds one after the other in each case. Another
    server comes after them: one more process at work would evict the caches of the others.
    """
    async with upstream_process() as upstream:
        async with all_routes(builds, upstream) as routes_by_build:
            for case in _cases(plan):
                for name, routes in routes_by_build.items():
                    for key, value in (await _measure_case(plan, upstream, routes, case)).items():
                        results.builds[name].record(key, value)
        for server in plan.other_servers:
            async with other_routes(server, upstream) as routes:
                for case in _cases(plan):
                    for key, value in (await _measure_case(plan, upstream, routes, case)).items():
                        results.record_for_all(key, value if key.subject == server.name else None)


class _Case(NamedTuple):
    records: int
    delay_ms: int


def _cases(plan: Plan) -> list[_Case]:
    return [_Case(records, delay_ms) for delay_ms in plan.delays_ms for records in plan.records]


async def _measure_case(
    plan: Plan, upstream: Upstream, routes: Mapping[str, Route], case: _Case
) -> dict[Key, float | None]:
    await upstream.set(delay=case.delay_ms, total=case.records)
    return await _measure_turns(routes, case.records, plan.calls_at(case.delay_ms), call_case(*case))


async def _measure_turns(routes: Mapping[str, Route], records: int, calls: int, case: str) -> dict[Key, float | None]:
    times_ms: dict[str, list[float]] = {name: [] for name in routes}
    cpu_before = {name: cpu_ms(route.process_id) if route.process_id else None for name, route in routes.items()}
    for _ in range(calls):
        for name, route in routes.items():
            began = time.perf_counter()
            await route.call(records)
            times_ms[name].append((time.perf_counter() - began) * 1000)
    values: dict[Key, float | None] = {}
    for name, route in routes.items():
        values[Key(Measure.CALL_MS, name, case)] = statistics.median(times_ms[name])
        if route.process_id is None:
            continue
        added = [ms - direct for ms, direct in zip(times_ms[name], times_ms[DIRECT], strict=True)]
        values[Key(Measure.ADDED_MS, name, case)] = statistics.median(added)
        before, after = cpu_before[name], cpu_ms(route.process_id)
        per_call = None if before is None or after is None else (after - before) / calls
        values[Key(Measure.CALL_CPU_MS, name, case)] = per_call
    return values
