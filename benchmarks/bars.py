"""The bars: what a release must hold, as ratios within a run so that they mean the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from benchmarks.measurements import Figure, Key, Measure, Measurements, ratio
from benchmarks.plan import BARE, DIRECT, HTTP, KLAVIYO, STDIO, call_case, count_case, rate_case

_CALL = call_case(20, 0)
_BUSY = rate_case(64, 0)
_WAITING = rate_case(16, 100)


@dataclass(frozen=True)
class Limit:
    """The least and the largest value that hold; None for no limit on that side."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a value keeps within the limit, the limit itself included."""
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        sides = (("at least", self.at_least), ("at most", self.at_most))
        return ", ".join(f"{word} {value:g}" for word, value in sides if value is not None)


@dataclass(frozen=True)
class Bar:
    """A limit on the median, over the runs, of one measured value against another of the same run."""

    name: str
    numerator: Key
    denominator: Key | None
    """None where the value is no matter of the machine's speed; `unit` names its unit."""
    limit: Limit
    why: str
    unit: str = ""


BARS: Sequence[Bar] = (
    Bar(
        "start to tools/list: `standard` / bare server",
        Key(Measure.START_MS, "standard"),
        Key(Measure.START_MS, BARE),
        Limit(at_most=1.30),
        "A client waits for the list of tools. The protocol library alone takes the denominator.",
    ),
    Bar(
        "start to tools/list: `all` / bare server",
        Key(Measure.START_MS, "all"),
        Key(Measure.START_MS, BARE),
        Limit(at_most=1.35),
        "All operations as tools must not make the start slower than a person notices.",
    ),
    Bar(
        "memory at tools/list: `standard` / bare server",
        Key(Measure.START_MEMORY_MB, "standard"),
        Key(Measure.START_MEMORY_MB, BARE),
        Limit(at_most=1.25),
        "The server runs all day beside a client that uses it for minutes.",
    ),
    Bar(
        "a call of 20 over stdio: added time / direct httpx call",
        Key(Measure.ADDED_MS, STDIO, _CALL),
        Key(Measure.CALL_MS, DIRECT, _CALL),
        Limit(at_most=0.90),
        "The server adds less than the request would take without it and without the network.",
    ),
    Bar(
        "a call of 20 over stdio: added time / time that Klaviyo's local server adds",
        Key(Measure.ADDED_MS, STDIO, _CALL),
        Key(Measure.ADDED_MS, KLAVIYO, _CALL),
        Limit(at_most=0.55),
        "The server that a user would otherwise install is the measure.",
    ),
    Bar(
        "a call of 20: over HTTP / over stdio",
        Key(Measure.CALL_MS, HTTP, _CALL),
        Key(Measure.CALL_MS, STDIO, _CALL),
        Limit(at_most=1.30),
        "HTTP brings its own library's cost and nothing else.",
    ),
    Bar(
        "calls per second over stdio, 16 at once, upstream 100 ms: server / httpx",
        Key(Measure.CALLS_PER_SECOND, STDIO, _WAITING),
        Key(Measure.CALLS_PER_SECOND, DIRECT, _WAITING),
        Limit(at_least=0.90),
        "No call waits for another: nothing blocks the event loop.",
    ),
    Bar(
        "calls per second over stdio, 64 at once, upstream 0 ms: server / httpx",
        Key(Measure.CALLS_PER_SECOND, STDIO, _BUSY),
        Key(Measure.CALLS_PER_SECOND, DIRECT, _BUSY),
        Limit(at_least=0.85),
        "A busy server gives its processor to the calls and not to their bookkeeping.",
    ),
    Bar(
        "calls per second over HTTP, 64 at once, upstream 0 ms: server / httpx",
        Key(Measure.CALLS_PER_SECOND, HTTP, _BUSY),
        Key(Measure.CALLS_PER_SECOND, DIRECT, _BUSY),
        Limit(at_least=0.55),
        "The same for a server that many clients share.",
    ),
    Bar(
        "memory that `count_by` over 100,000 profiles adds",
        Key(Measure.COUNT_MEMORY_MB, STDIO, count_case(100_000)),
        None,
        Limit(at_most=30),
        "Counting keeps the counts and no records, so that memory does not depend on the account's size.",
        unit="MB",
    ),
    Bar(
        "time of `count_by`: 100,000 profiles / 10,000 profiles",
        Key(Measure.COUNT_SECONDS, STDIO, count_case(100_000)),
        Key(Measure.COUNT_SECONDS, STDIO, count_case(10_000)),
        Limit(at_least=8, at_most=12),
        "Ten times the pages take ten times the time: a larger ratio means that each page costs more than the last.",
    ),
    Bar(
        "a warm `find_tools` over stdio / direct httpx call of 20",
        Key(Measure.SEARCH_MS, STDIO),
        Key(Measure.CALL_BESIDE_SEARCH_MS, DIRECT),
        Limit(at_most=1.00),
        "A search for a tool comes before a call and takes no longer than that call's request.",
    ),
)


class BarOutcome(Enum):
    """Whether a bar holds."""

    HOLDS = "holds"
    MISSED = "**missed**"
    NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Check:
    """A bar, the value measured for it (one for each run), and the outcome on its median."""

    bar: Bar
    value: Figure | None
    outcome: BarOutcome


def check_bar(bar: Bar, measurements: Measurements) -> Check:
    """Judge one bar by the median of its runs."""
    value = measurements.figure(bar.numerator)
    if bar.denominator is not None:
        value = ratio(value, measurements.figure(bar.denominator))
    if value is None:
        return Check(bar, None, BarOutcome.NOT_MEASURED)
    return Check(bar, value, BarOutcome.HOLDS if bar.limit.holds(value.median) else BarOutcome.MISSED)


def check_bars(measurements: Measurements) -> list[Check]:
    """Judge all bars."""
    return [check_bar(bar, measurements) for bar in BARS]


def exit_code(checks: Sequence[Check]) -> int:
    """0 where every bar holds, 1 where one is missed, 3 where none is missed but some were not measured."""
    outcomes = {check.outcome for check in checks}
    if BarOutcome.MISSED in outcomes:
        return 1
    return 3 if BarOutcome.NOT_MEASURED in outcomes else 0
