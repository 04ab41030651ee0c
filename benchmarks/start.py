"""Start: time, processor time and memory from the start of a process to its answer to tools/list, over stdio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from benchmarks.measurements import Key, Measure, Results
from benchmarks.plan import BARE, PRESETS, Build, Plan
from benchmarks.processes import BARE_COMMAND, KEY, QUIET, Upstream, cpu_ms, memory_mb, server_process, upstream_process


class _Command(NamedTuple):
    build: str | None
    """The build that it belongs to; None for a server that all builds are compared with."""
    subject: str
    command: Sequence[str]
    variables: Mapping[str, str]


class _Start(NamedTuple):
    ms: float
    cpu_ms: float | None
    memory_mb: float | None
    list_bytes: int


def _commands(plan: Plan, builds: Sequence[Build], upstream: Upstream) -> list[_Command]:
    commands = [_Command(None, BARE, BARE_COMMAND, {})]
    for preset in PRESETS:
        variables = {**QUIET, "KLAVIYO_MCP_TOOLSETS": preset, "MATON_API_KEY": KEY}
        commands += [_Command(build.name, preset, build.command, variables) for build in builds]
    commands += [_Command(None, server.name, *server.at(upstream.url)) for server in plan.other_servers]
    return commands


async def warm_up(plan: Plan) -> None:
    """Start each server once: the first start writes byte code and fills the system's file cache."""
    async with upstream_process() as upstream:
        for command in _commands(plan, plan.builds, upstream):
            await _start(command)


async def measure_start(plan: Plan, builds: Sequence[Build], results: Results) -> None:
    """Start all servers in turns; the medians of this run's starts."""
    starts: dict[tuple[str | None, str], list[_Start]] = {}
    async with upstream_process() as upstream:
        for _ in range(plan.starts):
            for command in _commands(plan, builds, upstream):
                starts.setdefault((command.build, command.subject), []).append(await _start(command))
    for (build, subject), values in starts.items():
        record = results.record_for_all if build is None else results.builds[build].record
        for measure, value in _medians(values).items():
            record(Key(measure, subject), value)


def _medians(starts: Sequence[_Start]) -> dict[Measure, float | None]:
    return {
        Measure.START_MS: statistics.median(start.ms for start in starts),
        Measure.START_CPU_MS: _median([start.cpu_ms for start in starts]),
        Measure.START_MEMORY_MB: _median([start.memory_mb for start in starts]),
        Measure.LIST_BYTES: starts[0].list_bytes,
    }


def _median(values: Sequence[float | None]) -> float | None:
    numbers = [value for value in values if value is not None]
    return statistics.median(numbers) if numbers else None


async def _start(command: _Command) -> _Start:
    began = time.perf_counter()
    async with server_process(command.command, command.variables) as client:
        await client.initialize()
        await client.request("tools/list")
        ms = (time.perf_counter() - began) * 1000
        process_id = client.process.pid
        return _Start(ms, cpu_ms(process_id), memory_mb(process_id), client.last_answer_bytes)
