"""The one store of values that expire: bounded, read by a clock, each value read once however many callers want it.

How a module uses it:

- A value that must be read (names, the list of connections): `await cache.load(key, read, seconds=600.0)`.
- A value that is simply kept (a confirmation code): `put` and `get`; `discard` once it is used.
- A mark that may be set once (a nonce): `put_new(nonce, True)` is False where the nonce was used before.
- A value read in a thread (an issuer's keys): `get`, and `put` after the read, under the lock of that thread's caller.

`load` belongs to the event loop. The other methods never wait, so that code without a loop can use them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

import anyio

Clock = Callable[[], float]
"""Seconds on a scale that only grows."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class CachedValue(NamedTuple, Generic[V]):
    """A value that has not expired, and the seconds since it was stored."""

    value: V
    age: float


class _Entry(NamedTuple, Generic[V]):
    """What was stored: a value, or the failure to read one."""

    value: V | None
    error: Exception | None
    stored_at: float
    expires_at: float


@dataclass(slots=True, eq=False)
class _Load(Generic[V]):
    """A read under way. `result` stays None where the reading task was cancelled."""

    done: anyio.Event = field(default_factory=anyio.Event)
    result: _Entry[V] | None = None


class ExpiringCache(Generic[K, V]):
    """Values by key, each for some seconds.

    Args:
        max_entries: Beyond these, the entry that was stored first goes.
        clock: Tells the time in seconds.
    """

    def __init__(self, *, max_entries: int, clock: Clock = time.monotonic) -> None:
        self.max_entries = max_entries
        self.clock = clock
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._loads: dict[K, _Load[V]] = {}

    def get(self, key: K) -> V | None:
        """The value of a key; None where there is none, or it has expired."""
        entry = self._fresh(key)
        return entry.value if entry is not None else None

    def get_with_age(self, key: K) -> CachedValue[V] | None:
        """The value of a key with its age; None as `get`."""
        entry = self._fresh(key)
        if entry is None or entry.value is None:
            return None
        return CachedValue(entry.value, self.clock() - entry.stored_at)

    def put(self, key: K, value: V, seconds: float) -> None:
        """Keep a value for these seconds."""
        now = self.clock()
        self._store(key, _Entry(value, None, now, now + seconds))

    def put_new(self, key: K, value: V, seconds: float) -> bool:
        """Keep a value; False, and nothing changes, where the key has one that has not expired."""
        if self._fresh(key) is not None:
            return False
        self.put(key, value, seconds)
        return True

    def discard(self, key: K) -> None:
        """Forget a key; a read under way does not bring it back."""
        self._entries.pop(key, None)
        self._loads.pop(key, None)

    def clear(self) -> None:
        """Forget everything; reads under way bring nothing back."""
        self._entries.clear()
        self._loads.clear()

    async def load(
        self,
        key: K,
        read: Callable[[], Awaitable[V]],
        *,
        seconds: float | Callable[[V], float],
        failure_seconds: float = 0.0,
    ) -> V:
        """The value of a key, read where there is none. Callers that want it meanwhile wait for the same read.

        Args:
            key: The key of the value.
            read: Reads the value.
            seconds: How long the value is kept; a function works it out from the value.
            failure_seconds: How long a failure is raised again without another read.

        Raises:
            Exception: The error of `read`, in every caller that waited for it.
        """
        while (entry := self._fresh(key)) is None:
            loading = self._loads.get(key)
            if loading is None:
                return await self._read(key, read, seconds, failure_seconds)
            await loading.done.wait()
            if (entry := loading.result) is not None:
                break
            # The task that read was cancelled: this one reads in its place.
        if entry.error is not None:
            raise entry.error.with_traceback(None)
        return entry.value  # type: ignore[return-value]  # without an error there is a value

    async def _read(
        self,
        key: K,
        read: Callable[[], Awaitable[V]],
        seconds: float | Callable[[V], float],
        failure_seconds: float,
    ) -> V:
        loading = self._loads[key] = _Load[V]()
        try:
            value = await read()
        except Exception as error:
            self._end_load(key, loading, _Entry(None, error, now := self.clock(), now + failure_seconds))
            raise
        else:
            lifetime = seconds(value) if callable(seconds) else seconds
            self._end_load(key, loading, _Entry(value, None, now := self.clock(), now + lifetime))
            return value
        finally:
            if self._loads.get(key) is loading:
                del self._loads[key]
            loading.done.set()

    def _end_load(self, key: K, loading: _Load[V], entry: _Entry[V]) -> None:
        loading.result = entry
        if self._loads.get(key) is loading:  # else the key was forgotten while this read was under way
            self._store(key, entry)

    def _fresh(self, key: K) -> _Entry[V] | None:
        entry = self._entries.get(key)
        if entry is not None and self.clock() >= entry.expires_at:
            del self._entries[key]
            return None
        return entry

    def _store(self, key: K, entry: _Entry[V]) -> None:
        self._entries[key] = entry
        self._entries.move_to_end(key)
        while len(self._entries) > self.max_entries:
            self._entries.popitem(last=False)
