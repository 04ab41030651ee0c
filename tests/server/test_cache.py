"""A value is kept for its seconds and no longer, in bounded memory, and read once however many callers want it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest
from anyio.lowlevel import checkpoint

from klaviyo_mcp.cache import ExpiringCache

pytestmark = pytest.mark.anyio


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> ExpiringCache[str, str]:
    return ExpiringCache(max_entries=3, clock=clock)


class Source:
    """Reads that are counted; each waits until `release` is set, then fails with the next of `errors` or answers."""

    def __init__(self, *errors: Exception) -> None:
        self.reads = 0
        self.errors = list(errors)
        self.release = anyio.Event()

    async def __call__(self) -> str:
        self.reads += 1
        await self.release.wait()
        if self.errors:
            raise self.errors.pop(0)
        return f"value {self.reads}"


def released(*errors: Exception) -> Source:
    """A source that does not wait."""
    source = Source(*errors)
    source.release.set()
    return source


async def settle() -> None:
    for _ in range(5):
        await checkpoint()


# Kept values.


async def test_a_value_is_there_until_its_seconds_are_over(cache: ExpiringCache[str, str], clock: Clock) -> None:
    cache.put("a", "A", 10)
    cache.put("b", "B", 20)
    clock.now += 9.9
    assert cache.get("a") == "A"
    with_age = cache.get_with_age("b")
    assert with_age is not None
    assert with_age.value == "B"
    assert with_age.age == pytest.approx(9.9)
    clock.now += 0.1
    assert (cache.get("a"), cache.get_with_age("a"), cache.get("b"), cache.get("c")) == (None, None, "B", None)


async def test_a_value_put_again_counts_from_then(cache: ExpiringCache[str, str], clock: Clock) -> None:
    cache.put("a", "A", 10)
    clock.now += 9
    cache.put("a", "B", 10)
    clock.now += 9
    assert cache.get("a") == "B"


async def test_the_entry_that_was_stored_first_makes_room(cache: ExpiringCache[str, str]) -> None:
    for key in ("a", "b", "c"):
        cache.put(key, key, 10)
    cache.put("a", "again", 10)
    cache.put("d", "d", 10)
    assert [cache.get(key) for key in ("a", "b", "c", "d")] == ["again", None, "c", "d"]


async def test_a_key_is_new_once_until_it_expires(cache: ExpiringCache[str, bool], clock: Clock) -> None:
    assert [cache.put_new("nonce", True, 10) for _ in range(3)] == [True, False, False]
    clock.now += 10
    assert cache.put_new("nonce", True, 10)


async def test_what_is_discarded_or_cleared_is_gone(cache: ExpiringCache[str, str]) -> None:
    cache.put("a", "A", 10)
    cache.put("b", "B", 10)
    cache.discard("a")
    cache.discard("never there")
    assert (cache.get("a"), cache.get("b")) == (None, "B")
    cache.clear()
    assert cache.get("b") is None


# Values that are read.


async def test_a_value_is_read_once_and_again_when_it_expired(cache: ExpiringCache[str, str], clock: Clock) -> None:
    source = released()
    assert [await cache.load("a", source, seconds=10) for _ in range(3)] == ["value 1"] * 3
    clock.now += 10
    assert await cache.load("a", source, seconds=10) == "value 2"


async def test_how_long_a_value_is_kept_may_depend_on_it(cache: ExpiringCache[str, str], clock: Clock) -> None:
    source = released()

    def seconds(value: str) -> float:
        return 5 if value == "value 1" else 50

    await cache.load("a", source, seconds=seconds)
    clock.now += 5
    await cache.load("a", source, seconds=seconds)
    clock.now += 49
    assert await cache.load("a", source, seconds=seconds) == "value 2"


async def loaded(count: int, load: Callable[[], Awaitable[str]], meanwhile: Callable[[], None]) -> list[str]:
    """What so many callers at once get; `meanwhile` runs while they wait."""
    answers: list[str] = []

    async def call() -> None:
        try:
            answers.append(await load())
        except ValueError as error:
            answers.append(f"failed: {error}")

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(call)
        await settle()
        meanwhile()
    return answers


async def test_callers_at_once_share_one_read(cache: ExpiringCache[str, str]) -> None:
    source = Source()
    answers = await loaded(16, lambda: cache.load("a", source, seconds=10), source.release.set)
    assert answers == ["value 1"] * 16
    assert source.reads == 1


async def test_keys_do_not_wait_for_each_other(cache: ExpiringCache[str, str]) -> None:
    slow, quick = Source(), released()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: cache.load("slow", slow, seconds=10))
        await settle()
        assert await cache.load("quick", quick, seconds=10) == "value 1"
        slow.release.set()


async def test_callers_at_once_share_one_failure_and_the_next_one_reads_anew(cache: ExpiringCache[str, str]) -> None:
    source = Source(ValueError("no"))
    answers = await loaded(16, lambda: cache.load("a", source, seconds=10), source.release.set)
    assert answers == ["failed: no"] * 16
    assert source.reads == 1
    assert await cache.load("a", source, seconds=10) == "value 2"


async def test_a_failure_is_kept_for_its_own_seconds(cache: ExpiringCache[str, str], clock: Clock) -> None:
    source = released(ValueError("no"))
    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await cache.load("a", source, seconds=100, failure_seconds=10)
    assert (source.reads, cache.get("a"), cache.get_with_age("a")) == (1, None, None)
    clock.now += 10
    assert await cache.load("a", source, seconds=100, failure_seconds=10) == "value 2"


async def test_a_caller_that_is_cancelled_while_it_reads_leaves_the_read_to_one_that_waits(
    cache: ExpiringCache[str, str],
) -> None:
    source = Source()
    first = anyio.CancelScope()
    answers: list[str] = []

    async def reader() -> None:
        with first:
            await cache.load("a", source, seconds=10)

    async def waiter() -> None:
        answers.append(await cache.load("a", source, seconds=10))

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        await settle()
        for _ in range(3):
            group.start_soon(waiter)
        await settle()
        first.cancel()
        await settle()
        source.release.set()
    assert answers == ["value 2"] * 3
    assert source.reads == 2


async def test_a_caller_that_is_cancelled_while_it_waits_disturbs_nobody(cache: ExpiringCache[str, str]) -> None:
    source = Source()
    answers: list[str] = []

    async def reader() -> None:
        answers.append(await cache.load("a", source, seconds=10))

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        await settle()
        with anyio.move_on_after(0):
            await cache.load("a", source, seconds=10)
        source.release.set()
    assert answers == ["value 1"]
    assert source.reads == 1


@pytest.mark.parametrize("forget", [lambda cache: cache.clear(), lambda cache: cache.discard("a")])
async def test_what_was_being_read_when_it_was_forgotten_is_not_kept(
    cache: ExpiringCache[str, str], forget: Callable[[ExpiringCache[str, str]], None]
) -> None:
    old, new = Source(), released()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: cache.load("a", old, seconds=10))
        await settle()
        forget(cache)
        new.reads = 7
        assert await cache.load("a", new, seconds=10) == "value 8"
        old.release.set()
    assert cache.get("a") == "value 8"
