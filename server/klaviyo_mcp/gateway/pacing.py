"""Klaviyo's rate limits, kept on our side: per account and operation, shared by all sessions of the process.

Klaviyo counts in fixed windows of a second, a minute and a day whose beginning we do not know (source: its page "Rate
limits and error handling"). A moving window of the same length and amount never exceeds a fixed one wherever that
begins, so this is the strategy taken from `limits`; a fixed window of ours could put twice its amount into
one of Klaviyo's.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

from klaviyo_mcp.errors import RateLimitError

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

    from klaviyo_tools.operation.facts import Rate

OnWait = Callable[[float, str], Awaitable[None]]
"""Told before a wait worth telling: how many seconds, and why."""

REPORTED_WAIT_SECONDS = 2.0
"""Waits longer than this, in seconds, are told."""

_MARGIN = 0.05
"""Seconds added to a wait: requests do not all travel equally fast, and Klaviyo counts their arrivals."""


@dataclass(frozen=True, slots=True)
class LimitKey:
    """What Klaviyo counts together: the calls of one account to one operation, at one rate."""

    account: str
    operation: str
    rate: Rate | None = None

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Conditional limits (an `include` that costs more) are counted apart, as Klaviyo does."""
        rate = self.rate
        return (self.account, self.operation, *((rate.burst, rate.steady, rate.day) if rate else ()))


@dataclass(slots=True)
class _State:
    """One lane: who is first in line, how many are in line, and what Klaviyo itself said of its window."""

    windows: tuple[RateLimitItem, ...]
    name: str
    line: anyio.Lock = field(default_factory=anyio.Lock)
    queued: int = 0
    held_until: float = 0.0
    left: int = 0
    resets: float = 0.0


class Pacer:
    """Lets requests through no faster than Klaviyo takes them, first come first served. Times are in seconds.

    Nothing here survives the process, and other programs may use the account: `hold` and `heard` correct it by what
    Klaviyo answers.
    """

    def __init__(
        self,
        *,
        enabled: bool = True,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.enabled = enabled
        self._clock, self._sleep = clock, sleep
        self._lanes: dict[tuple[Hashable, ...], _State] = {}
        self._limiter: MovingWindowRateLimiter | None = None

    async def acquire(self, lane: LimitKey, *, left: float, on_wait: OnWait | None = None) -> float:
        """Wait for the lane's turn, return the seconds waited; `RateLimitError` at once if that takes over `left`."""
        if not self.enabled or lane.rate is None:
            return 0.0
        state = self._state(lane)
        began = self._clock()
        expected = self._wait(state, state.queued)
        if expected > left:
            raise self._too_long(lane, expected)
        if on_wait is not None and expected > REPORTED_WAIT_SECONDS:
            await on_wait(expected, "Klaviyo's rate limit")
        state.queued += 1
        try:
            async with state.line:
                while (wait := self._wait(state, 0)) > 0 or not self._take(state):
                    if self._clock() - began + wait > left:
                        raise self._too_long(lane, wait)
                    await self._sleep(wait + _MARGIN)
        finally:
            state.queued -= 1
        return self._clock() - began

    def back_off(self, lane: LimitKey, seconds: float) -> None:
        """Klaviyo said to wait (429): nobody of the lane goes before that."""
        if self.enabled and lane.rate is not None:
            state = self._state(lane)
            state.held_until = max(state.held_until, self._clock() + seconds)

    def observe(self, lane: LimitKey, remaining: int, reset: float) -> None:
        """Klaviyo's own count of its steady window: `remaining` requests until it resets in `reset` seconds.

        Within a window the count only goes down: an older answer may arrive after a newer one.
        """
        if not self.enabled or lane.rate is None or reset <= 0 or reset > 86_400 or remaining < 0:
            return
        state = self._state(lane)
        resets = self._clock() + reset
        same = abs(resets - state.resets) < 2.0
        state.left = min(state.left, remaining) if same else remaining
        state.resets = resets

    def prepare(self) -> None:
        """Import `limits` (150 ms): called off the event loop, before the first turn."""
        if self.enabled:
            self._limits()

    def _state(self, lane: LimitKey) -> _State:
        if (state := self._lanes.get(lane.key)) is None:
            from limits import RateLimitItemPerDay, RateLimitItemPerMinute, RateLimitItemPerSecond

            assert lane.rate is not None
            daily = (RateLimitItemPerDay(lane.rate.day),) if lane.rate.day else ()
            windows = (RateLimitItemPerSecond(lane.rate.burst), RateLimitItemPerMinute(lane.rate.steady), *daily)
            state = self._lanes[lane.key] = _State(windows, repr(lane.key))
        return state

    def _limits(self) -> MovingWindowRateLimiter:
        if self._limiter is None:
            from limits.storage import MemoryStorage
            from limits.strategies import MovingWindowRateLimiter

            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        return self._limiter

    def _wait(self, state: _State, ahead: int) -> float:
        """Seconds before a request with `ahead` others before it may go, at the earliest; 0 when it may go now."""
        now = self._clock()
        wait = max(0.0, state.held_until - now)
        if state.resets > now and state.left <= ahead:
            wait = max(wait, state.resets - now)
        for window in state.windows:
            period = float(window.get_expiry())
            stats = self._limits().get_window_stats(window, state.name)
            if stats.reset_time - now > period + 1:  # the clock was set back: what was counted lies in the future
                self._limits().clear(window, state.name)
                continue
            short = ahead + 1 - stats.remaining
            if short > 0:
                wait = max(wait, stats.reset_time - now + (short - 1) // window.amount * period)
        return wait

    def _take(self, state: _State) -> bool:
        """Count a request; False where it was not: at the very end of a window `limits` shows room, but gives none."""
        if not all(self._limits().hit(window, state.name) for window in state.windows):
            return False
        state.left -= 1
        return True

    def _too_long(self, lane: LimitKey, seconds: float) -> RateLimitError:
        return RateLimitError(lane.operation, seconds, now=datetime.fromtimestamp(self._clock(), UTC))
