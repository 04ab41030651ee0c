"""Klaviyo's and the gateway's rate limits, kept on our side and shared by all sessions of the process.

Klaviyo counts the requests of an account to an operation, the gateway all requests with one credential. A request waits
in the queue of its operation; only the first of each queue joins that of the credential: none crowds out others.

Klaviyo counts in fixed windows of a second, a minute and a day whose beginning we do not know (source: its page "Rate
limits and error handling"). A moving window of the same length and amount never exceeds a fixed one, wherever that
begins, so `limits` counts in moving windows. A fixed window of ours could put twice its amount into one of Klaviyo's.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import anyio

from klaviyo_mcp.errors import Limiter, RateLimitError
from klaviyo_mcp.gateway.credential_limit import MARGIN_SECONDS, MINUTE_SECONDS, CredentialLimit, Hold

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

    from klaviyo_tools.operation.facts import Rate

OnWait = Callable[[float, str], Awaitable[None]]
"""Awaited before a long wait, with its seconds and its reason."""

REPORTED_WAIT_SECONDS = 2.0
"""A longer wait is reported before it begins."""

_SAME_WINDOW_SECONDS = 2.0
"""Two ends of a window that lie no further apart are the same end: Klaviyo tells whole seconds."""
_DAY_SECONDS = 86_400.0


def longest_window_seconds(rate: Rate | None) -> float:
    """The longest window of a limit; a minute where none is declared. Waiting longer cannot be what the limit needs."""
    return _DAY_SECONDS if rate is not None and rate.day else MINUTE_SECONDS


@dataclass(frozen=True, slots=True)
class Credential:
    """What the gateway counts together: the requests with one key, which `digest` stands for."""

    digest: str
    requests_per_second: int


@dataclass(frozen=True, slots=True)
class LimitKey:
    """What Klaviyo counts together: the requests of one account to one operation, at one rate."""

    account: str
    operation: str
    rate: Rate | None = None
    credential: Credential | None = None

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Klaviyo counts requests with a lower limit (an `include` that costs more) apart, and so does this key."""
        rate = self.rate
        return (self.account, self.operation, *((rate.burst, rate.steady, rate.day) if rate else ()))


@dataclass(slots=True)
class _Windows:
    """The windows of one limit key, the queue before them, and Klaviyo's own count of the steady window."""

    items: tuple[RateLimitItem, ...]
    name: str
    queue: anyio.Lock = field(default_factory=anyio.Lock)
    queued: int = 0
    hold: Hold = field(default_factory=Hold)
    remaining: int = 0
    resets_at: float = 0.0


class Pacer:
    """Lets requests through no faster than upstream takes them, in the order of their arrival. Times are in seconds.

    Its counts end with the process, and other programs may use the account: `back_off` and `observe` correct them by
    what upstream answers.
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
        self._windows: dict[tuple[Hashable, ...], _Windows] = {}
        self._credentials: dict[Credential, CredentialLimit] = {}
        self._limiter: MovingWindowRateLimiter | None = None

    async def acquire(self, key: LimitKey, *, seconds_left: float, on_wait: OnWait | None = None) -> float:
        """Wait until a request may go, and count it.

        Returns:
            The seconds waited.

        Raises:
            RateLimitError: The wait would be longer than `seconds_left`; raised at once where that is known at once.
        """
        if not self.enabled or (key.rate is None and key.credential is None):
            return 0.0
        started_at = self._clock()
        ends_at = started_at + seconds_left
        await self._check_wait(key, seconds_left, on_wait)
        if key.rate is None:
            await self._pass_credential(key, ends_at)
            return self._clock() - started_at
        windows = self._windows_of(key)
        windows.queued += 1
        try:
            async with windows.queue:
                while True:
                    while (wait := self._wait_seconds(windows, ahead=0)) > 0:
                        if self._clock() + wait > ends_at:
                            raise self._limit_error(key, wait)
                        await self._sleep(wait + MARGIN_SECONDS)
                    await self._pass_credential(key, ends_at)
                    if self._count(windows):
                        break
        finally:
            windows.queued -= 1
        return self._clock() - started_at

    async def _check_wait(self, key: LimitKey, seconds_left: float, on_wait: OnWait | None) -> None:
        """Raise RateLimitError where the wait is too long already, and report a long one."""
        wait = 0.0
        by: Limiter = "Klaviyo"
        if key.rate is not None:
            windows = self._windows_of(key)
            wait = self._wait_seconds(windows, ahead=windows.queued)
        if key.credential is not None and (
            (gateway_wait := self._credential_limit(key.credential).wait_seconds()) > wait
        ):
            wait, by = gateway_wait, "Maton"
        if wait > seconds_left:
            raise self._limit_error(key, wait, by)
        if on_wait is not None and wait > REPORTED_WAIT_SECONDS:
            await on_wait(wait, f"{by}'s rate limit")

    async def _pass_credential(self, key: LimitKey, ends_at: float) -> None:
        if key.credential is not None and (wait := await self._credential_limit(key.credential).acquire(ends_at)):
            raise self._limit_error(key, wait, "Maton")

    def back_off(self, key: LimitKey, seconds: float, *, by_gateway: bool = False) -> None:
        """Let no request of this key through for some seconds: Klaviyo, or the gateway, answered 429."""
        if not self.enabled:
            return
        if by_gateway and key.credential is not None:
            self._credential_limit(key.credential).hold.extend(self._clock(), seconds, MINUTE_SECONDS)
        elif not by_gateway and key.rate is not None:
            self._windows_of(key).hold.extend(self._clock(), seconds, longest_window_seconds(key.rate))

    def end_trial(self, key: LimitKey) -> None:
        """A request of this key had another answer than 429."""
        if (windows := self._windows.get(key.key)) is not None:
            windows.hold.end_trial()
        if key.credential is not None and (limit := self._credentials.get(key.credential)) is not None:
            limit.hold.end_trial()

    def observe(self, key: LimitKey, remaining: int, reset_seconds: float) -> None:
        """Take over Klaviyo's own count of its steady window: `remaining` requests until it resets.

        Within a window the count only goes down: an older answer may arrive after a newer one.
        """
        plausible = 0 < reset_seconds <= _DAY_SECONDS and remaining >= 0
        if not self.enabled or key.rate is None or not plausible:
            return
        windows = self._windows_of(key)
        resets_at = self._clock() + min(reset_seconds, longest_window_seconds(key.rate))
        same_window = abs(resets_at - windows.resets_at) < _SAME_WINDOW_SECONDS
        windows.remaining = min(windows.remaining, remaining) if same_window else remaining
        windows.resets_at = resets_at

    def prepare(self) -> None:
        """Import `limits` (150 ms); to be called off the event loop, before the first request."""
        if self.enabled:
            self._moving_windows()

    def _windows_of(self, key: LimitKey) -> _Windows:
        if (windows := self._windows.get(key.key)) is None:
            from limits import RateLimitItemPerDay, RateLimitItemPerMinute, RateLimitItemPerSecond

            assert key.rate is not None
            daily = (RateLimitItemPerDay(key.rate.day),) if key.rate.day else ()
            items = (RateLimitItemPerSecond(key.rate.burst), RateLimitItemPerMinute(key.rate.steady), *daily)
            windows = self._windows[key.key] = _Windows(items, repr(key.key))
        return windows

    def _credential_limit(self, credential: Credential) -> CredentialLimit:
        if (limit := self._credentials.get(credential)) is None:
            limit = CredentialLimit(credential.requests_per_second, clock=self._clock, sleep=self._sleep)
            self._credentials[credential] = limit
        return limit

    def _moving_windows(self) -> MovingWindowRateLimiter:
        if self._limiter is None:
            from limits.storage import MemoryStorage
            from limits.strategies import MovingWindowRateLimiter

            self._limiter = MovingWindowRateLimiter(MemoryStorage())
        return self._limiter

    def _wait_seconds(self, windows: _Windows, *, ahead: int) -> float:
        """The least seconds until a request with `ahead` others before it may go; 0 where it may go now."""
        now = self._clock()
        wait = max(0.0, windows.hold.until - now)
        if windows.resets_at > now and windows.remaining <= ahead:
            wait = max(wait, windows.resets_at - now)
        for item in windows.items:
            period = float(item.get_expiry())
            stats = self._moving_windows().get_window_stats(item, windows.name)
            if stats.reset_time - now > period + 1:  # the clock was set back: the counted requests lie in the future
                self._moving_windows().clear(item, windows.name)
                continue
            missing = ahead + 1 - stats.remaining
            if missing > 0:
                wait = max(wait, stats.reset_time - now + (missing - 1) // item.amount * period)
        return wait

    def _count(self, windows: _Windows) -> bool:
        """Count a request; False where `limits` refuses it, as it may at the very end of a window that shows room."""
        if not all(self._moving_windows().hit(item, windows.name) for item in windows.items):
            return False
        windows.remaining -= 1
        windows.hold.start_trial(self._clock())
        return True

    def _limit_error(self, key: LimitKey, seconds: float, by: Limiter = "Klaviyo") -> RateLimitError:
        return RateLimitError(key.operation, seconds, now=datetime.fromtimestamp(self._clock(), UTC), by=by)
