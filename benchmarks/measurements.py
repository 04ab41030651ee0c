"""Measured values: one for each run, under a key that says what was measured, of which server, in which case."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Measure(StrEnum):
    """Quantities, each with its unit."""

    START_MS = "start_ms"
    """From the start of a process to its answer to tools/list."""
    START_CPU_MS = "start_cpu_ms"
    START_MEMORY_MB = "start_memory_mb"
    LIST_BYTES = "list_bytes"
    CALL_MS = "call_ms"
    ADDED_MS = "added_ms"
    """A call's time less that of the same request sent by httpx directly before it."""
    CALL_CPU_MS = "call_cpu_ms"
    CALLS_PER_SECOND = "calls_per_second"
    COUNT_SECONDS = "count_seconds"
    COUNT_MEMORY_MB = "count_memory_mb"
    COUNT_REQUESTS = "count_requests"
    SEARCH_MS = "search_ms"
    FIRST_SEARCH_MS = "first_search_ms"
    """Builds the index."""
    CALL_BESIDE_SEARCH_MS = "call_beside_search_ms"
    RECORDS = "records"
    KLAVIYO_BYTES = "klaviyo_bytes"
    ANSWER_BYTES = "answer_bytes"


class Key(NamedTuple):
    """What was measured, of which server or route to it, in which case."""

    measure: Measure
    subject: str
    case: str = ""


@dataclass(frozen=True)
class Figure:
    """A value for each run: their median, and the middle half as their spread."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The first and the third quartile."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return low, high


class Measurements:
    """The values of one build of this server, and of the servers measured beside it."""

    def __init__(self) -> None:
        self._values: dict[Key, list[float]] = {}

    def record(self, key: Key, value: float | None) -> None:
        """Add the value of a run; None, where the system cannot measure it, adds nothing."""
        if value is not None:
            self._values.setdefault(key, []).append(value)

    def figure(self, key: Key) -> Figure | None:
        """The values of all runs; None where the key was not measured."""
        values = self._values.get(key)
        return Figure(tuple(values)) if values else None

    def all_figures(self) -> dict[Key, Figure]:
        """All values, in the order of their first recording."""
        return {key: Figure(tuple(values)) for key, values in self._values.items()}

    def subjects(self, measure: Measure) -> list[str]:
        """The servers of which something was measured."""
        return list(dict.fromkeys(key.subject for key in self._values if key.measure == measure))

    def cases(self, measure: Measure) -> list[str]:
        """The cases in which something was measured."""
        return list(dict.fromkeys(key.case for key in self._values if key.measure == measure))


def ratio(numerator: Figure | None, denominator: Figure | None) -> Figure | None:
    """The ratio of each run by itself, because a machine's speed drifts between runs.

    None where one of them was not measured in every run.
    """
    if numerator is None or denominator is None or len(numerator.values) != len(denominator.values):
        return None
    pairs = zip(numerator.values, denominator.values, strict=True)
    return Figure(tuple(above / below if below else float("inf") for above, below in pairs))


class Share(NamedTuple):
    """A part of a whole: milliseconds, and what takes them."""

    name: str
    ms: float


@dataclass(frozen=True)
class Profile:
    """What takes the time of a start and of a call, in milliseconds."""

    imports: dict[str, dict[str, float]]
    """Server -> group of modules -> import time."""
    pings: dict[str, Figure]
    """Route to a server -> time of a ping, which does nothing."""
    rooms: list[Share]
    """Processor time of a call by room, the largest first."""
    functions: list[Share]
    """Processor time of a call by function of this server, the largest first."""


@dataclass
class Results:
    """Measurements by the name of the build, and the profile of the first build."""

    builds: dict[str, Measurements]
    profile: Profile | None = None
    loads: list[float] = field(default_factory=list)
    """The machine's load average at the start of each run."""

    @property
    def own(self) -> Measurements:
        """The measurements of this checkout."""
        return next(iter(self.builds.values()))

    def record_for_all(self, key: Key, value: float | None) -> None:
        """Add the value of a run to the measurements of every build: a server that all are compared with."""
        for measurements in self.builds.values():
            measurements.record(key, value)
