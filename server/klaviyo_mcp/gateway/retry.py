"""Whether a request is sent again after a failure, and whether a write may have been applied: one table.

A read is sent again wherever that may help. A write is sent again only where Klaviyo surely did not apply it: nothing
arrived, or the answer was 429. An idempotent write is one that Klaviyo applies once however often it arrives (an event
with a `unique_id`): it is sent again like a read, and after that nobody can say that nothing was changed.

The loop around `decide` is our own rather than stamina's: whether to go on depends on the wait itself, which must fit
into the time left; the wait holds other calls back and is announced before it begins; and both decide which error ends
the call. A library would only contribute the sleep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from klaviyo_mcp.errors import (
    DeadlineError,
    InDoubtError,
    KlaviyoMcpError,
    RateLimitError,
    UnreachableError,
    UpstreamError,
)


class RequestKind(Enum):
    """What sending a request a second time would do."""

    READ = "read"
    IDEMPOTENT_WRITE = "idempotent write"
    WRITE = "write"


class Failure(Enum):
    """The outcomes of an attempt without success."""

    UNREACHABLE = "no connection came about"
    BAD_CERTIFICATE = "the gateway's certificate could not be verified"
    TIMEOUT_UNSENT = "time ran out before the request was written"
    BROKEN_UNSENT = "the connection broke before the request was written"
    TIMEOUT = "time ran out while the answer was awaited"
    BROKEN = "the connection broke while the answer was awaited"
    RATE_LIMITED = "429"
    SERVER_ERROR = "5xx or 408"
    REDIRECT = "3xx"
    REFUSED = "another 4xx, or an expired authorization"
    TRUNCATED_SUCCESS = "2xx whose body stopped or broke off"
    UNREADABLE_SUCCESS = "2xx whose body is too large or not the JSON that was expected"


class Step(Enum):
    """The step that follows a failure."""

    RETRY = "send it again; nothing was changed so far"
    FAIL = "raise the failure's own error; nothing was changed"
    RETRY_IN_DOUBT = "send it again; it may have been applied already"
    IN_DOUBT = "raise InDoubtError; it may have been applied"


class Row(NamedTuple):
    """One failure: the class of its error where nothing was changed, and the step for each kind of request."""

    error: type[KlaviyoMcpError]
    read: Step
    idempotent: Step
    write: Step


RETRY, FAIL, RETRY_IN_DOUBT, IN_DOUBT = Step.RETRY, Step.FAIL, Step.RETRY_IN_DOUBT, Step.IN_DOUBT

TABLE: Mapping[Failure, Row] = {
    #                                error             read   idempotent      write
    Failure.UNREACHABLE:         Row(UnreachableError, RETRY, RETRY,          RETRY),
    Failure.BAD_CERTIFICATE:     Row(UnreachableError, FAIL,  FAIL,           FAIL),
    Failure.TIMEOUT_UNSENT:      Row(DeadlineError,    RETRY, RETRY,          RETRY),
    Failure.BROKEN_UNSENT:       Row(UpstreamError,    RETRY, RETRY,          RETRY),
    Failure.TIMEOUT:             Row(DeadlineError,    RETRY, RETRY_IN_DOUBT, IN_DOUBT),
    Failure.BROKEN:              Row(UpstreamError,    RETRY, RETRY_IN_DOUBT, IN_DOUBT),
    Failure.RATE_LIMITED:        Row(RateLimitError,   RETRY, RETRY,          RETRY),
    Failure.SERVER_ERROR:        Row(UpstreamError,    RETRY, RETRY_IN_DOUBT, IN_DOUBT),
    Failure.REDIRECT:            Row(UpstreamError,    FAIL,  IN_DOUBT,       IN_DOUBT),
    Failure.REFUSED:             Row(KlaviyoMcpError,  FAIL,  FAIL,           FAIL),
    Failure.TRUNCATED_SUCCESS:   Row(UpstreamError,    RETRY, IN_DOUBT,       IN_DOUBT),
    Failure.UNREADABLE_SUCCESS:  Row(UpstreamError,    FAIL,  IN_DOUBT,       IN_DOUBT),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a request is sent, and the first wait where the gateway names none; each further wait doubles."""

    max_attempts: int = 4
    backoff_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the request is sent again, and after how many seconds; the seconds hold for other calls after a 429."""

    retry: bool
    wait_seconds: float


def step_after(failure: Failure, kind: RequestKind) -> Step:
    """The step that the table names."""
    row = TABLE[failure]
    match kind:
        case RequestKind.READ:
            return row.read
        case RequestKind.IDEMPOTENT_WRITE:
            return row.idempotent
        case RequestKind.WRITE:
            return row.write


def leaves_doubt(failure: Failure, kind: RequestKind) -> bool:
    """Whether the request may have been applied."""
    return step_after(failure, kind) in (Step.RETRY_IN_DOUBT, Step.IN_DOUBT)


def error_class(failure: Failure, kind: RequestKind) -> type[KlaviyoMcpError]:
    """The class of the error that ends the call if the request is not sent again."""
    return InDoubtError if leaves_doubt(failure, kind) else TABLE[failure].error


def decide(
    failure: Failure,
    kind: RequestKind,
    *,
    attempts: int,
    seconds_left: float,
    retry_after: float | None = None,
    policy: RetryPolicy,
    jitter: float = 1.0,
) -> Decision:
    """Decide after a failed attempt whether the request is sent again.

    Args:
        failure: What became of the attempt.
        kind: What sending it again would do.
        attempts: How often it was sent, this attempt included.
        seconds_left: Until the call's deadline; a wait must end before it.
        retry_after: Seconds that the gateway asked to wait, None where it named none.
        policy: How often, and the first wait.
        jitter: Factor of a wait that we chose, so that calls which failed together do not return together.

    After a 429 there are twice as many attempts, and waits of our own are twice as long and have no jitter: the pacer
    lets the calls that waited through one by one.
    """
    limited = failure is Failure.RATE_LIMITED
    factor, max_attempts = (2.0, 2 * policy.max_attempts) if limited else (jitter, policy.max_attempts)
    wait = retry_after if retry_after is not None else policy.backoff_seconds * 2 ** (attempts - 1) * factor
    may_retry = step_after(failure, kind) in (Step.RETRY, Step.RETRY_IN_DOUBT)
    return Decision(may_retry and attempts < max_attempts and wait < seconds_left, wait)
