"""The table of retries: what follows each failure, and that nothing that may have been applied is sent twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.errors import InDoubtError, RateLimitError, UpstreamError
from klaviyo_mcp.gateway.retry import (
    TABLE,
    Failure,
    RequestKind,
    RetryPolicy,
    Step,
    decide,
    error_class,
    leaves_doubt,
    step_after,
)

POLICY = RetryPolicy(max_attempts=4, backoff_seconds=0.5)
UNSENT = {Failure.UNREACHABLE, Failure.BAD_CERTIFICATE, Failure.TIMEOUT_UNSENT, Failure.BROKEN_UNSENT}
REJECTED = {Failure.RATE_LIMITED, Failure.REFUSED}
"""Klaviyo or the gateway answered that it did nothing."""
FAILURES = st.sampled_from(list(Failure))
KINDS = st.sampled_from(list(RequestKind))
SECONDS = st.floats(0, 1e6)


def test_every_failure_has_a_row() -> None:
    assert set(TABLE) == set(Failure)


@pytest.mark.parametrize("failure", list(Failure), ids=lambda failure: failure.name)
def test_a_read_is_never_in_doubt(failure: Failure) -> None:
    assert not leaves_doubt(failure, RequestKind.READ)


@pytest.mark.parametrize("kind", [RequestKind.IDEMPOTENT_WRITE, RequestKind.WRITE], ids=lambda kind: kind.name)
@pytest.mark.parametrize("failure", list(Failure), ids=lambda failure: failure.name)
def test_a_write_is_in_doubt_unless_nothing_arrived_or_it_was_rejected(failure: Failure, kind: RequestKind) -> None:
    assert leaves_doubt(failure, kind) is (failure not in UNSENT | REJECTED)
    assert (error_class(failure, kind) is InDoubtError) is leaves_doubt(failure, kind)


@pytest.mark.parametrize("failure", list(Failure), ids=lambda failure: failure.name)
def test_a_write_in_doubt_is_never_sent_again(failure: Failure) -> None:
    assert step_after(failure, RequestKind.WRITE) is not Step.RETRY_IN_DOUBT


@pytest.mark.parametrize(
    ("failure", "read", "idempotent", "write"),
    [
        (Failure.UNREACHABLE, True, True, True),
        (Failure.BAD_CERTIFICATE, False, False, False),
        (Failure.TIMEOUT_UNSENT, True, True, True),
        (Failure.BROKEN_UNSENT, True, True, True),
        (Failure.TIMEOUT, True, True, False),
        (Failure.BROKEN, True, True, False),
        (Failure.RATE_LIMITED, True, True, True),
        (Failure.SERVER_ERROR, True, True, False),
        (Failure.REDIRECT, False, False, False),
        (Failure.REFUSED, False, False, False),
        (Failure.TRUNCATED_SUCCESS, True, False, False),
        (Failure.UNREADABLE_SUCCESS, False, False, False),
    ],
    ids=lambda value: value.name if isinstance(value, Failure) else "",
)
def test_which_requests_are_sent_again(failure: Failure, read: bool, idempotent: bool, write: bool) -> None:
    retried = [
        decide(failure, kind, attempts=1, seconds_left=60, policy=POLICY).retry
        for kind in (RequestKind.READ, RequestKind.IDEMPOTENT_WRITE, RequestKind.WRITE)
    ]
    assert retried == [read, idempotent, write]


def test_the_error_of_a_failure_without_doubt_is_its_own() -> None:
    assert error_class(Failure.RATE_LIMITED, RequestKind.WRITE) is RateLimitError
    assert error_class(Failure.SERVER_ERROR, RequestKind.READ) is UpstreamError


def test_waits_double_and_carry_the_jitter() -> None:
    waits = [
        decide(
            Failure.SERVER_ERROR, RequestKind.READ, attempts=attempts, seconds_left=60, policy=POLICY, jitter=1.25
        ).wait_seconds
        for attempts in (1, 2, 3)
    ]
    assert waits == [0.625, 1.25, 2.5]


def test_after_a_429_waits_are_twice_as_long_without_jitter_and_twice_as_many() -> None:
    decisions = [
        decide(Failure.RATE_LIMITED, RequestKind.WRITE, attempts=attempts, seconds_left=500, policy=POLICY, jitter=0.75)
        for attempts in range(1, 9)
    ]
    assert [decision.wait_seconds for decision in decisions[:3]] == [1.0, 2.0, 4.0]
    assert [decision.retry for decision in decisions] == [True] * 7 + [False]


@given(FAILURES, KINDS, st.integers(1, 10), SECONDS, SECONDS)
def test_a_wait_that_the_gateway_names_is_kept(
    failure: Failure, kind: RequestKind, attempts: int, left: float, named: float
) -> None:
    decision = decide(failure, kind, attempts=attempts, seconds_left=left, retry_after=named, policy=POLICY)
    assert decision.wait_seconds == named


@given(FAILURES, KINDS, st.integers(1, 10), SECONDS, st.none() | SECONDS)
def test_nothing_is_sent_again_after_the_deadline_or_too_often(
    failure: Failure, kind: RequestKind, attempts: int, left: float, named: float | None
) -> None:
    decision = decide(failure, kind, attempts=attempts, seconds_left=left, retry_after=named, policy=POLICY)
    if decision.retry:
        assert decision.wait_seconds < left
        assert attempts < POLICY.max_attempts * (2 if failure is Failure.RATE_LIMITED else 1)
        assert not (kind is RequestKind.WRITE and leaves_doubt(failure, kind))
