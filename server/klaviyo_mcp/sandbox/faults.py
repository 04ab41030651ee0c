"""Failures on demand: what the sandbox answers instead, and Klaviyo's rate limits kept for real."""

from __future__ import annotations

import fnmatch
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from klaviyo_mcp.sandbox.contract.contract import Operation
from klaviyo_mcp.sandbox.errors import KlaviyoError

_SECONDS = {"s": 1, "m": 60, "d": 86_400}


@dataclass
class Fault:
    """One fault. `path` is a shell pattern over the request's path, `method` empty for all.

    `status` 0 answers as usual, after `delay` seconds. `body` is sent as it stands, with `content_type`; without it
    a 4xx or 5xx carries Klaviyo's error document. It strikes `times` times (None: until cleared), after `after` passed.
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
    """The faults in force, first match first."""

    active: list[Fault] = field(default_factory=list)

    def add(self, **fault: Any) -> Fault:
        """Put a fault in force; the arguments are `Fault`'s."""
        self.active.append(Fault(**fault))
        return self.active[-1]

    def clear(self) -> None:
        self.active.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted."""
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


class RateLimits:
    """Klaviyo's fixed windows, per operation. `retry_after` False leaves the header out, as Klaviyo sometimes does."""

    def __init__(self, *, clock: Callable[[], float] = time.time, retry_after: bool = True) -> None:
        self.clock = clock
        self.retry_after = retry_after
        self._windows: dict[tuple[str, int], tuple[int, int]] = {}

    def admit(self, operation: Operation, given: Mapping[str, str]) -> dict[str, str]:
        """Count a request; returns the RateLimit headers of the steady window. Raises KlaviyoError (429) when over."""
        now = self.clock()
        headers: dict[str, str] = {}
        windows = [(limit, seconds) for limit, seconds in _limits(operation, given)]
        for limit, seconds in windows:
            start, used = self._windows.get((operation.name, seconds), (0, 0))
            window = int(now // seconds)
            used = used if start == window else 0
            left = seconds - now % seconds
            if used >= limit:
                raise self._throttled(limit, seconds, left)
            if seconds == 60:
                headers = _headers(windows, limit - used - 1, left)
        for _, seconds in windows:
            window = int(now // seconds)
            start, used = self._windows.get((operation.name, seconds), (0, 0))
            self._windows[operation.name, seconds] = (window, used + 1 if start == window else 1)
        return headers

    def _throttled(self, limit: int, seconds: int, left: float) -> KlaviyoError:
        wait = max(1, round(left + 0.5))
        error = KlaviyoError(
            429, "throttled", "Request was throttled.", f"Request was throttled. Expected available in {wait} seconds."
        )
        error.headers = _headers([(limit, seconds)], 0, left)
        if self.retry_after:
            error.headers["retry-after"] = str(wait)
        return error


def _headers(windows: list[tuple[int, int]], remaining: int, reset: float) -> dict[str, str]:
    policy = ", ".join(f"{limit};w={seconds}" for limit, seconds in windows)
    limit = next((limit for limit, seconds in windows if seconds == 60), windows[0][0])
    return {
        "ratelimit-limit": f"{limit}, {policy}",
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": str(max(1, round(reset))),
    }


def _limits(operation: Operation, given: Mapping[str, str]) -> list[tuple[int, int]]:
    rate = dict(operation.rate)
    wanted = ",".join((*given.values(),))
    if "profile_count" in wanted or (
        operation.name == "get_profile" and re.search("lists|segments", given.get("include", ""))
    ):
        rate |= {"burst": "1/s", "steady": "15/m"}
    elif "predictive_analytics" in given.get("additional-fields[profile]", ""):
        rate |= {"burst": "10/s", "steady": "150/m"}
    parsed = []
    for text in rate.values():
        if found := re.fullmatch(r"(\d+)/([smd])", text):
            parsed.append((int(found[1]), _SECONDS[found[2]]))
    return parsed
