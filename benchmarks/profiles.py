"""What takes the time of a start and of a call.

Nothing here depends on the names of this server's modules, so that any build can be profiled.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.clients import CLIENT, StdioClient
from benchmarks.measurements import Figure, Profile, Share
from benchmarks.plan import BARE, TOOL, Build, Plan
from benchmarks.processes import (
    BARE_COMMAND,
    QUIET,
    Upstream,
    cpu_ms,
    http_server,
    server_environment,
    server_process,
    stdio_server,
    upstream_process,
)

_OWN = "this server"
_OTHERS = "libraries of mcp"
_GROUPS: Mapping[str, tuple[str, ...]] = {
    _OWN: ("klaviyo_mcp", "klaviyo_tools", "benchmarks"),
    "mcp": ("mcp", "mcp_types"),
    "pydantic": ("pydantic", "pydantic_core", "pydantic_settings", "annotated_types", "typing_inspection"),
    "the standard library": tuple(sys.stdlib_module_names),
}
_OWN_PACKAGES = ("klaviyo_mcp", "klaviyo_tools")
_RECORDS = 20
_CALL = {"name": TOOL, "arguments": {"max_results": _RECORDS}}
_WARM_UP_CALLS = 20
_SAMPLED_CALLS = 100
"""Sampled calls for each call of the plan: the system takes a sample in every few milliseconds, some calls apart."""
_FUNCTIONS = 15


async def profile(plan: Plan, build: Build) -> Profile:
    """Where the time of a build goes."""
    plan.progress("profile")
    imports = {BARE: await _import_ms(BARE_COMMAND), "standard": await _import_ms(build.command)}
    async with upstream_process() as upstream:
        await upstream.set(delay=0, total=_RECORDS)
        pings = await _ping_ms(plan, build, upstream)
        samples, ms = await _sample_calls(plan, build, upstream)
    return Profile(
        imports, pings, shares(rooms(samples), ms), shares(own_functions(samples), ms, sum(samples.values()))
    )


async def _import_ms(command: Sequence[str]) -> dict[str, float]:
    """Milliseconds that imports take until tools/list is answered, by group of modules."""
    process = await asyncio.create_subprocess_exec(
        command[0],
        "-X",
        "importtime",
        *command[1:],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=server_environment(QUIET),
    )
    messages = (
        {"id": 1, "method": "initialize", "params": CLIENT},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    )
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)
    _, stderr = await process.communicate(lines.encode())
    return import_groups(stderr.decode())


def import_groups(report: str) -> dict[str, float]:
    """Milliseconds by group of modules, from what `python -X importtime` writes."""
    groups: defaultdict[str, float] = defaultdict(float)
    for line in report.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdigit():
            groups[_group_of(parts[2].strip())] += int(parts[0]) / 1000
    return dict(groups)


def _group_of(module: str) -> str:
    top = module.split(".")[0]
    return next((group for group, names in _GROUPS.items() if top in names), _OTHERS)


async def _ping_ms(plan: Plan, build: Build, upstream: Upstream) -> dict[str, Figure]:
    """Milliseconds of pings, in turns: what the protocol library and the transport take."""
    async with (
        server_process(BARE_COMMAND, {}) as bare,
        stdio_server(build, upstream) as pipes,
        http_server(build, upstream) as (http, _),
    ):
        await bare.initialize()
        routes: dict[str, Callable[[], Awaitable[object]]] = {
            "bare server, over stdio": lambda: bare.request("ping"),
            "this server, over stdio": lambda: pipes.request("ping"),
            "this server, over HTTP": lambda: http.request("ping"),
        }
        times_ms: defaultdict[str, list[float]] = defaultdict(list)
        for number in range(plan.calls + _WARM_UP_CALLS):
            for name, ping in routes.items():
                began = time.perf_counter()
                await ping()
                if number >= _WARM_UP_CALLS:
                    times_ms[name].append((time.perf_counter() - began) * 1000)
    return {name: Figure(tuple(values)) for name, values in times_ms.items()}


async def _sample_calls(plan: Plan, build: Build, upstream: Upstream) -> tuple[Counter[str], float]:
    """Samples of calls by function, and the processor time of a call in milliseconds without the sampler."""
    calls = plan.calls * _SAMPLED_CALLS
    async with stdio_server(build, upstream) as client:
        ms = await _call_cpu_ms(client, plan.calls)
    with TemporaryDirectory() as directory:
        output = Path(directory, "samples.json")
        command = (build.python, "-m", "benchmarks.sampler", str(output), "klaviyo_mcp")
        async with server_process(command, upstream.variables) as client:
            await client.initialize()
            await client.request("tools/list")
            await _call_cpu_ms(client, _WARM_UP_CALLS)
            client.process.send_signal(signal.SIGUSR1)
            await _call_cpu_ms(client, calls)
        return _read_samples(output), ms


def _read_samples(path: Path) -> Counter[str]:
    return Counter(json.loads(path.read_text()))


async def _call_cpu_ms(client: StdioClient, calls: int) -> float:
    await client.request("tools/call", _CALL)
    process_id = client.process.pid
    before = cpu_ms(process_id) or 0.0
    for _ in range(calls):
        await client.request("tools/call", _CALL)
    return ((cpu_ms(process_id) or 0.0) - before) / calls


def rooms(samples: Mapping[str, int]) -> Counter[str]:
    """Samples by library and by room of this server."""
    counts: Counter[str] = Counter()
    for place, count in samples.items():
        counts[room_of(place)] += count
    return counts


def room_of(place: str) -> str:
    """The room of a function of this server, else its library: `klaviyo_mcp/answers`, `pydantic`, the event loop."""
    package, _, rest = place.partition(":")[0].partition("/")
    if package not in _OWN_PACKAGES:
        return package if rest else place
    return f"{package}/{rest.partition('/')[0]}"


def own_functions(samples: Mapping[str, int]) -> Counter[str]:
    """Samples by function of this server."""
    return Counter({place: count for place, count in samples.items() if place.startswith(_OWN_PACKAGES)})


def shares(counts: Counter[str], ms: float, total: int | None = None) -> list[Share]:
    """Each count as its part of `ms`, the largest first; `total` is the count of all, where `counts` are not all."""
    whole = total if total is not None else sum(counts.values())
    return [Share(name, count / whole * ms) for name, count in counts.most_common(_FUNCTIONS)] if whole else []
