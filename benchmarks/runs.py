"""The runs: in each, every part is measured once, so that noise meets all that is compared alike."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from benchmarks import start
from benchmarks.answer_sizes import measure_answer_sizes
from benchmarks.calls import measure_calls
from benchmarks.counting import measure_counting
from benchmarks.measurements import Measurements, Results
from benchmarks.plan import Build, Plan
from benchmarks.profiles import profile
from benchmarks.rates import measure_rates
from benchmarks.search import measure_search

_Part = Callable[[Plan, Sequence[Build], Results], Awaitable[None]]

IN_EVERY_RUN: Mapping[str, _Part] = {
    "start": start.measure_start,
    "calls": measure_calls,
    "rate": measure_rates,
    "count": measure_counting,
    "search": measure_search,
}
ONCE = ("size", "profile")
"""Parts that no bar is about."""
PARTS = (*IN_EVERY_RUN, *ONCE)


async def measure(plan: Plan, parts: Collection[str]) -> Results:
    """Measure the named parts. Raises ServerError."""
    results = Results({build.name: Measurements() for build in plan.builds})
    if "start" in parts:
        plan.progress("warm-up")
        await start.warm_up(plan)
    for run in range(plan.runs):
        results.loads.append(_load())
        builds = plan.builds if run % 2 == 0 else plan.builds[::-1]
        for name, part in IN_EVERY_RUN.items():
            if name in parts:
                plan.progress(f"run {run + 1} of {plan.runs}: {name}, load {_load():.1f}")
                await part(plan, builds, results)
    if "size" in parts:
        plan.progress("size")
        await measure_answer_sizes(plan.builds, results)
    if "profile" in parts:
        results.profile = await profile(plan, plan.builds[0])
    return results


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
