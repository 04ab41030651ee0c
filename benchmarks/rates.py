"""Calls per second of 20 profiles, many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks.calls import Route, other_routes, own_routes
from benchmarks.measurements import Key, Measure, Results
from benchmarks.plan import Build, Plan, rate_case
from benchmarks.processes import Upstream, upstream_process

RECORDS = 20
_DELAYS_MS = (0, 100)


async def measure_rates(plan: Plan, builds: Sequence[Build], results: Results) -> None:
    """The calls per second of each route in each case."""
    async with upstream_process() as upstream:
        for build in builds:
            async with own_routes(build, upstream) as routes:
                for key, value in (await _measure_cases(plan, upstream, routes)).items():
                    results.builds[build.name].record(key, value)
        for server in plan.other_servers:
            async with other_routes(server, upstream) as routes:
                for key, value in (await _measure_cases(plan, upstream, {server.name: routes[server.name]})).items():
                    for measurements in results.builds.values():
                        measurements.record(key, value)


async def _measure_cases(plan: Plan, upstream: Upstream, routes: dict[str, Route]) -> dict[Key, float]:
    rates: dict[Key, float] = {}
    for delay_ms in _DELAYS_MS:
        for calls_at_once in plan.calls_at_once:
            await upstream.set(delay=delay_ms, total=RECORDS)
            for name, route in routes.items():
                key = Key(Measure.CALLS_PER_SECOND, name, rate_case(calls_at_once, delay_ms))
                rates[key] = await calls_per_second(route, calls_at_once, plan.seconds)
    return rates


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
