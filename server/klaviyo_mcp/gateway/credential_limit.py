"""The gateway's own rate limit, kept on our side: so many requests a second with one credential, whatever they ask."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

MARGIN_SECONDS = 0.05
"""Added to a wait: requests do not all travel equally fast, and their arrivals are counted."""
MINUTE_SECONDS = 60.0
_TRIAL_SECONDS = 2.0
"""How long other requests wait for the answer of the one that tries."""


@dataclass(slots=True)
class Hold:
    """A time in which no request goes.

    Upstream may ask for years. The hold ends after the longest window of the limit, and then one request tries before
    the others go.
    """

    until: float = 0.0
    ends_with_trial: bool = False

    def extend(self, now: float, seconds: float, most: float) -> None:
        """Hold for `seconds`, but at most `most`."""
        self.until = max(self.until, now + min(seconds, most))
        self.ends_with_trial = self.ends_with_trial or seconds >= most

    def start_trial(self, now: float) -> None:
        """A request goes: where it is the one that tries, the others are held."""
        if self.ends_with_trial:
            self.until = now + _TRIAL_SECONDS

    def end_trial(self) -> None:
        """A request had another answer than 429: nothing is held any longer."""
        if self.ends_with_trial:
            self.until, self.ends_with_trial = 0.0, False


class CredentialLimit:
    """Lets requests through in the order of their arrival, at most `requests_per_second`. Times are in seconds."""

    def __init__(
        self,
        requests_per_second: int,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self.hold = Hold()
        self._amount = requests_per_second
        self._sent_at: deque[float] = deque(maxlen=requests_per_second)
        self._queue = anyio.Lock(fast_acquire=True)
        self._queued = 0
        self._clock, self._sleep = clock, sleep

    def wait_seconds(self) -> float:
        """The least seconds until a request that came now might go; 0 where it might go now."""
        return self._wait_seconds(ahead=self._queued)

    async def acquire(self, ends_at: float) -> float:
        """Wait until a request may go, and count it.

        Returns:
            0, or the seconds that are missing where the wait would last beyond `ends_at`: then nothing is counted.
        """
        self._queued += 1
        try:
            async with self._queue:
                while (wait := self._wait_seconds(ahead=0)) > 0:
                    if self._clock() + wait > ends_at:
                        return wait
                    await self._sleep(wait + MARGIN_SECONDS)
                now = self._clock()
                self._sent_at.append(now)
                self.hold.start_trial(now)
                return 0.0
        finally:
            self._queued -= 1

    def _wait_seconds(self, *, ahead: int) -> float:
        now, times = self._clock(), self._sent_at
        if times and times[-1] > now:  # the clock was set back: the counted requests lie in the future
            times.clear()
        wait = max(0.0, self.hold.until - now)
        missing = len(times) + ahead + 1 - self._amount
        if missing <= 0:
            return wait
        rounds, place = divmod(missing - 1, self._amount)
        first = times[place] if place < len(times) else now
        return max(wait, first + 1 + rounds - now)
