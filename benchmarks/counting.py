"""Counting: `count_by` over many profiles, its time and the memory that it adds."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from benchmarks.clients import ServerError
from benchmarks.measurements import Key, Measure, Measurements, Results
from benchmarks.plan import PAGE_SIZE, STDIO, TOOL, Build, Plan, count_case
from benchmarks.processes import Upstream, memory_mb, stdio_server, upstream_process

_COUNT = {"name": TOOL, "arguments": {"count_by": "location.country"}}


async def measure_counting(plan: Plan, builds: Sequence[Build], results: Results) -> None:
    """Count in each size once, each time in a new server."""
    async with upstream_process() as upstream:
        for profiles in plan.profiles_counted:
            for build in builds:
                await _count(build, upstream, profiles, results.builds[build.name])


async def _count(build: Build, upstream: Upstream, profiles: int, measurements: Measurements) -> None:
    async with stdio_server(build, upstream) as client:
        await upstream.set(delay=0, total=PAGE_SIZE)
        await client.request("tools/call", _COUNT)  # imports what a call needs
        process_id = client.process.pid
        before = memory_mb(process_id)
        await upstream.set(delay=0, total=profiles)
        began = time.perf_counter()
        result = await client.request("tools/call", _COUNT)
        seconds = time.perf_counter() - began
        text = result["content"][0]["text"]
        if str(profiles) not in re.sub(r"[^0-9]", "", text):
            raise ServerError(f"not all of {profiles} profiles were counted: {text[:200]}")
        peak, stats = memory_mb(process_id, peak=True), await upstream.stats()
    case = count_case(profiles)
    added = None if before is None or peak is None else max(0.0, peak - before)
    measurements.record(Key(Measure.COUNT_SECONDS, STDIO, case), seconds)
    measurements.record(Key(Measure.COUNT_MEMORY_MB, STDIO, case), added)
    measurements.record(Key(Measure.COUNT_REQUESTS, STDIO, case), stats["requests"])
