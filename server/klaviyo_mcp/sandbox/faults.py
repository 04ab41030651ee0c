"""Failures on demand, and Klaviyo's rate limits."""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.sandbox.contract.contract import Operation
from klaviyo_mcp.sandbox.errors import KlaviyoError

_UNIT_SECONDS = {"s": 1, "m": 60, "d": 86_400}
_STEADY_SECONDS = 60


@dataclass
class Fault:
    """A failure to answer with.

    Args:
        path: A shell pattern for the request's path.
        method: The request's method; empty for any.
        status: The status to answer with; 0 answers as usual, after `delay`.
        body: Sent as it is. Without it a 4xx or 5xx carries Klaviyo's error document.
        content_type: The media type of the body.
        headers: Further headers of the answer.
        delay: Seconds to wait before the answer.
        times: How many requests fail before the fault ends; None for all until it is cleared.
        after: How many requests pass before the first one fails.
    """

    path: str = "*"
    method: str = ""
    status: int = 0
    body: str | None = None
    content_type: str = "application/vnd.api+json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    times: int | None = None
    after: int = 0


@dataclass
class Faults:
    """The faults in force; the first one that matches a request applies."""

    active: list[Fault] = field(default_factory=list)

    def add(self, **options: Any) -> Fault:
        """Put a fault in force; the options are the arguments of `Fault`."""
        self.active.append(Fault(**options))
        return self.active[-1]

    def clear(self) -> None:
        self.active.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that a request meets, counted against its `after` and `times`."""
        for fault in self.active:
            if (fault.method and fault.method != method) or not fnmatch.fnmatchcase(path, fault.path):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.active.remove(fault)
            return fault
        return None


@dataclass(frozen=True)
class Window:
    """At most `limit` requests in each fixed window of `seconds`."""

    limit: int
    seconds: int


class RateLimits:
    """Klaviyo's fixed windows, counted for each operation.

    `clock` gives the seconds since the epoch. `retry_after=False` leaves the header out, as Klaviyo sometimes does.
    """

    def __init__(self, *, clock: Callable[[], float] = time.time, retry_after: bool = True) -> None:
        self.clock = clock
        self.retry_after = retry_after
        self._counts: dict[tuple[str, int], tuple[int, int]] = {}

    def admit(self, operation: Operation, parameters: Mapping[str, str]) -> dict[str, str]:
        """Count a request and return the RateLimit headers of its answer. Raises KlaviyoError (429) over a limit."""
        now = self.clock()
        headers: dict[str, str] = {}
        windows = list(_windows(operation, parameters))
        for window in windows:
            used = self._used(operation, window, now)
            reset = window.seconds - now % window.seconds
            if used >= window.limit:
                raise self._throttled(window, reset)
            if window.seconds == _STEADY_SECONDS:
                headers = _headers(windows, window.limit - used - 1, reset)
        for window in windows:
            count = self._used(operation, window, now) + 1
            self._counts[operation.name, window.seconds] = (int(now // window.seconds), count)
        return headers

    def _used(self, operation: Operation, window: Window, now: float) -> int:
        """How many requests the current window has admitted."""
        start, count = self._counts.get((operation.name, window.seconds), (0, 0))
        return count if start == int(now // window.seconds) else 0

    def _throttled(self, window: Window, reset: float) -> KlaviyoError:
        wait = max(1, round(reset + 0.5))
        error = KlaviyoError(
            429, "throttled", "Request was throttled.", f"Request was throttled. Expected available in {wait} seconds."
        )
        error.headers = _headers([window], 0, reset)
        if self.retry_after:
            error.headers["retry-after"] = str(wait)
        return error


def _headers(windows: list[Window], remaining: int, reset: float) -> dict[str, str]:
    policy = ", ".join(f"{window.limit};w={window.seconds}" for window in windows)
    steady = next((window for window in windows if window.seconds == _STEADY_SECONDS), windows[0])
    return {
        "ratelimit-limit": f"{steady.limit}, {policy}",
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": str(max(1, round(reset))),
    }


def _windows(operation: Operation, parameters: Mapping[str, str]) -> list[Window]:
    rate = dict(operation.rate)
    for condition, slower in operation.slower.items():
        name, _, value = condition.partition("=")
        # Klaviyo names the resource type (`include=list`) where the parameter takes the relationship (`lists`).
        if {value, f"{value}s"} & set(parameters.get(name, "").split(",")):
            rate |= slower
            break
    matches = (re.fullmatch(r"(\d+)/([smd])", text) for text in rate.values())
    return [Window(int(match[1]), _UNIT_SECONDS[match[2]]) for match in matches if match]
