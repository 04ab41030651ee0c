"""Calls per second of 20 profiles, many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.calls import Route, all_routes
from benchmarks.measurements import Key, Measure, Results
from benchmarks.plan import DIRECT, HTTP, STDIO, Build, Plan, rate_case
from benchmarks.processes import Upstream, upstream_process

RECORDS = 20
_DELAYS_MS = (0, 100)


async def measure_rates(plan: Plan, builds: Sequence[Build], results: Results) -> None:
    """The calls per second of each route in each case, the servers one after the other in each case."""
    async with upstream_process() as upstream, all_routes(plan, builds, upstream) as routes_by_server:
        for case in _cases(plan):
            for subject in (DIRECT, STDIO, HTTP):
                for build in builds:
                    route = routes_by_server[build.name][subject]
                    rate = await _measure_case(plan, upstream, route, case)
                    results.builds[build.name].record(_key(subject, case), rate)
            for server in plan.other_servers:
                rate = await _measure_case(plan, upstream, routes_by_server[server.name][server.name], case)
                results.record_for_all(_key(server.name, case), rate)


class _Case(NamedTuple):
    calls_at_once: int
    delay_ms: int


def _cases(plan: Plan) -> list[_Case]:
    return [_Case(calls, delay_ms) for delay_ms in _DELAYS_MS for calls in plan.calls_at_once]


def _key(subject: str, case: _Case) -> Key:
    return Key(Measure.CALLS_PER_SECOND, subject, rate_case(*case))


async def _measure_case(plan: Plan, upstream: Upstream, route: Route, case: _Case) -> float:
    await upstream.set(delay=case.delay_ms, total=RECORDS)
    return await calls_per_second(route, case.calls_at_once, plan.seconds)


async def calls_per_second(route: Route, calls_at_once: int, seconds: float) -> float:
    """The sum of the callers' rates, each between two ends of that caller's own calls.

    A window over all callers would cut through calls, and a slow server would lose up to a tenth by it.
    """
    until = time.perf_counter() + seconds
    rates: list[float] = []

    async def call_repeatedly() -> None:
        await route.call(RECORDS)  # opens the connection
        began, calls = time.perf_counter(), 0
        while (now := time.perf_counter()) < until or not calls:
            await route.call(RECORDS)
            calls += 1
        rates.append(calls / (now - began))
        while len(rates) < calls_at_once:  # keeps the load up for the callers that still measure
            await route.call(RECORDS)

    await asyncio.gather(*(call_repeatedly() for _ in range(calls_at_once)))
    return sum(rates)
