"""Klaviyo's limits are kept without a request too many, in order, and without waiting in vain."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import anyio
import anyio.lowlevel
import limits.storage.memory
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from klaviyo_mcp.errors import RateLimitError
from klaviyo_mcp.gateway.pacing import Credential, LimitKey, Pacer
from klaviyo_tools.operation.area import XS, S
from klaviyo_tools.operation.facts import Rate

pytestmark = pytest.mark.anyio
START = 1_790_000_000.0


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = START

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await anyio.lowlevel.checkpoint()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(limits.storage.memory, "time", SimpleNamespace(time=clock.time))
    return clock


@pytest.fixture
def pacer(clock: Clock) -> Pacer:
    return Pacer(clock=clock.time, sleep=clock.sleep)


def limit_key(rate: Rate | None = S, account: str = "", operation: str = "get_lists") -> LimitKey:
    return LimitKey(account, operation, rate)


async def use(pacer: Pacer, key: LimitKey, times: int) -> None:
    for _ in range(times):
        await pacer.acquire(key, seconds_left=1_000_000)


async def test_a_wait_beyond_the_deadline_is_refused_at_once_and_says_when_to_come_back(
    pacer: Pacer, clock: Clock
) -> None:
    await use(pacer, limit_key(XS), 15)
    clock.now = START + 20
    with pytest.raises(RateLimitError) as caught:
        await pacer.acquire(limit_key(XS), seconds_left=30)
    assert str(caught.value) == (
        "get_lists was held back by Klaviyo's rate limit; nothing was changed. Call again in 40 s (after 14:14:20 UTC)."
    )
    assert clock.now == START + 20
    await pacer.acquire(limit_key(XS), seconds_left=41)
    assert clock.now == pytest.approx(START + 60.05)


async def test_a_spent_day_is_refused_with_the_hour_at_which_it_ends(pacer: Pacer, clock: Clock) -> None:
    await use(pacer, limit_key(S.daily(3)), 3)
    clock.now += 3_600
    with pytest.raises(RateLimitError) as caught:
        await pacer.acquire(limit_key(S.daily(3)), seconds_left=60)
    assert caught.value.retry_in == 82_800
    assert str(caught.value).endswith("Call again in 23 h 0 min (after 2026-09-22 14:13 UTC).")


async def test_a_request_whose_wait_in_the_queue_is_too_long_is_refused_before_it_joins(
    pacer: Pacer, clock: Clock
) -> None:
    outcomes: list[str] = []

    async def call() -> None:
        try:
            await pacer.acquire(limit_key(Rate(1, 1000)), seconds_left=4.5)
            outcomes.append("sent")
        except RateLimitError:
            outcomes.append(f"refused at {clock.now - START:.0f} s")

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(call)
    assert sorted(outcomes) == ["refused at 0 s"] * 3 + ["sent"] * 5


async def test_requests_go_in_the_order_of_their_arrival(pacer: Pacer) -> None:
    order: list[int] = []

    async def call(number: int) -> None:
        await pacer.acquire(limit_key(Rate(2, 1000)), seconds_left=60)
        order.append(number)

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(call, number)
    assert order == list(range(20))


async def test_a_cancelled_wait_frees_its_place_for_the_next(clock: Clock) -> None:
    asleep, never = asyncio.Event(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        if not asleep.is_set():
            asleep.set()
            await never.wait()
        await clock.sleep(seconds)

    pacer = Pacer(clock=clock.time, sleep=sleep)
    await use(pacer, limit_key(XS), 1)
    first = asyncio.create_task(pacer.acquire(limit_key(XS), seconds_left=60))
    await asleep.wait()
    second = asyncio.create_task(pacer.acquire(limit_key(XS), seconds_left=60))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == pytest.approx(1.05)
    assert first.cancelled()


async def test_a_long_wait_is_reported_before_it_begins(pacer: Pacer, clock: Clock) -> None:
    reports: list[tuple[float, str, float]] = []

    async def waiting(seconds: float, why: str) -> None:
        reports.append((seconds, why, clock.now - START))

    await use(pacer, limit_key(Rate(1, 3)), 3)
    await pacer.acquire(limit_key(Rate(1, 3)), seconds_left=60, on_wait=waiting)
    await pacer.acquire(limit_key(Rate(1, 3)), seconds_left=60, on_wait=waiting)
    assert [(round(seconds), why, round(at)) for seconds, why, at in reports] == [(58, "Klaviyo's rate limit", 2)]


async def test_a_429_holds_back_every_request_of_its_limit_key(pacer: Pacer, clock: Clock) -> None:
    pacer.back_off(limit_key(), 7)
    pacer.back_off(limit_key(), 3)
    assert await pacer.acquire(limit_key(), seconds_left=60) == pytest.approx(7.05)
    assert await pacer.acquire(limit_key(operation="get_segments"), seconds_left=60) == 0


async def test_klaviyos_own_count_wins_over_ours(pacer: Pacer, clock: Clock) -> None:
    pacer.observe(limit_key(), remaining=2, reset_seconds=30)
    pacer.observe(limit_key(), remaining=5, reset_seconds=30)
    await use(pacer, limit_key(), 2)
    assert clock.now == START
    assert await pacer.acquire(limit_key(), seconds_left=60) == pytest.approx(30.05)


@pytest.mark.parametrize(("remaining", "reset"), [(0, 0), (0, -1), (-1, 30), (0, 1e9)])
async def test_an_implausible_count_is_ignored(pacer: Pacer, remaining: int, reset: float) -> None:
    pacer.observe(limit_key(), remaining, reset)
    assert await pacer.acquire(limit_key(), seconds_left=60) == 0


async def test_accounts_operations_and_costlier_variants_are_counted_apart(pacer: Pacer, clock: Clock) -> None:
    for other in (
        limit_key(XS),
        limit_key(XS, account="b"),
        limit_key(XS, operation="get_tags"),
        limit_key(Rate(1, 14)),
    ):
        assert await pacer.acquire(other, seconds_left=0) == 0


@pytest.mark.parametrize("free", [LimitKey("", "list_connections"), limit_key(XS)], ids=["no rate", "pacing off"])
async def test_a_request_without_a_limit_never_waits(clock: Clock, free: LimitKey) -> None:
    pacer = Pacer(enabled=free.rate is None, clock=clock.time, sleep=clock.sleep)
    pacer.back_off(free, 100)
    pacer.observe(free, 0, 100)
    await use(pacer, free, 50)
    assert clock.now == START


async def test_a_clock_that_is_set_back_blocks_no_request(pacer: Pacer, clock: Clock) -> None:
    await use(pacer, limit_key(XS), 1)
    clock.now -= 5_000
    assert await pacer.acquire(limit_key(XS), seconds_left=60) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@example(gaps=[0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0], burst=1, steady=4)
@given(
    gaps=st.lists(st.floats(0, 5), min_size=1, max_size=40),
    burst=st.integers(1, 4),
    steady=st.integers(4, 12),
)
def test_no_window_of_klaviyo_receives_too_many_requests_wherever_it_begins(
    gaps: list[float], burst: int, steady: int
) -> None:
    clock = Clock()
    sent: list[float] = []

    async def run() -> None:
        pacer = Pacer(clock=clock.time, sleep=clock.sleep)
        for gap in gaps:
            clock.now += gap
            await pacer.acquire(limit_key(Rate(burst, steady)), seconds_left=1_000_000)
            sent.append(clock.now)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits.storage.memory, "time", SimpleNamespace(time=clock.time))
        anyio.run(run)
    for length, most in ((1, burst), (60, steady)):
        assert all(sum(start <= at < start + length for at in sent) <= most for start in sent)


# The gateway's own limit.

MATON_KEY = Credential("digest", 10)


def gateway_key(operation: str, rate: Rate | None = None, credential: Credential = MATON_KEY) -> LimitKey:
    return LimitKey("", operation, rate, credential)


async def test_sixty_calls_at_once_keep_the_gateways_ten_a_second(pacer: Pacer, clock: Clock) -> None:
    sent: list[float] = []

    async def call(number: int) -> None:
        await pacer.acquire(gateway_key(f"operation_{number % 7}", Rate(75, 700)), seconds_left=60)
        sent.append(clock.now)

    async with anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(call, number)
    assert len(sent) == 60
    assert all(sum(start <= at < start + 1 for at in sent) <= 10 for start in sent)
    assert clock.now - START < 6


async def test_one_operation_with_many_calls_does_not_crowd_out_another(pacer: Pacer) -> None:
    order: list[str] = []

    async def call(operation: str) -> None:
        await pacer.acquire(gateway_key(operation, Rate(75, 700)), seconds_left=60)
        order.append(operation)

    async with anyio.create_task_group() as group:
        for _ in range(40):
            group.start_soon(call, "get_profiles")
        group.start_soon(call, "get_lists")
    assert order.index("get_lists") < 15


async def test_requests_without_a_limit_of_klaviyo_count_for_the_gateway(pacer: Pacer, clock: Clock) -> None:
    for _ in range(10):
        assert await pacer.acquire(gateway_key("list_connections"), seconds_left=0.5) == 0
    with pytest.raises(RateLimitError, match=r"held back by Maton's rate limit; .* Call again in 1 s"):
        await pacer.acquire(gateway_key("list_connections"), seconds_left=0.5)
    other = Credential("another", 10)
    assert await pacer.acquire(gateway_key("list_connections", credential=other), seconds_left=0.5) == 0
    assert clock.now == START


async def test_a_long_queue_before_the_gateway_is_refused_at_once_as_that_of_maton(clock: Clock) -> None:
    async def never(seconds: float) -> None:
        await asyncio.Event().wait()

    pacer = Pacer(clock=clock.time, sleep=never)
    outcomes: list[str] = []

    async def call(number: int) -> None:
        try:
            await pacer.acquire(gateway_key(f"operation_{number}"), seconds_left=2.5)
            outcomes.append("sent")
        except RateLimitError as error:
            outcomes.append(f"refused by {error.by}")

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(call, number)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert sorted(outcomes) == ["refused by Maton"] * 10 + ["sent"] * 10


async def test_a_429_of_the_gateway_holds_every_operation_with_that_credential(pacer: Pacer) -> None:
    pacer.back_off(gateway_key("get_lists", S), 7, by_gateway=True)
    assert await pacer.acquire(gateway_key("get_tags", S), seconds_left=60) == pytest.approx(7.05)


async def test_a_clock_that_is_set_back_blocks_no_request_at_the_gateway(pacer: Pacer, clock: Clock) -> None:
    for _ in range(10):
        await pacer.acquire(gateway_key("get_lists"), seconds_left=0)
    clock.now -= 5_000
    assert await pacer.acquire(gateway_key("get_lists"), seconds_left=0) == 0


@pytest.mark.parametrize("asked", [60.0, 3_600.0, 999_999_999.0])
@pytest.mark.parametrize("by_gateway", [False, True])
async def test_no_answer_holds_longer_than_the_longest_window_and_then_one_request_tries(
    pacer: Pacer, clock: Clock, asked: float, by_gateway: bool
) -> None:
    key = gateway_key("get_lists", S)
    pacer.back_off(key, asked, by_gateway=by_gateway)
    assert await pacer.acquire(key, seconds_left=90) == pytest.approx(60.05)
    with pytest.raises(RateLimitError):
        await pacer.acquire(key, seconds_left=1)
    pacer.end_trial(key)
    assert await pacer.acquire(key, seconds_left=1) == 0


async def test_a_daily_limit_may_hold_for_a_day(pacer: Pacer) -> None:
    key = limit_key(S.daily(100))
    pacer.back_off(key, 999_999_999)
    with pytest.raises(RateLimitError) as caught:
        await pacer.acquire(key, seconds_left=3_600)
    assert caught.value.retry_in == 86_400


async def test_klaviyos_count_holds_no_longer_than_the_longest_window(pacer: Pacer) -> None:
    pacer.observe(limit_key(), remaining=0, reset_seconds=80_000)
    assert await pacer.acquire(limit_key(), seconds_left=90) == pytest.approx(60.05)
