"""What a call costs upstream: counted for its line in the log, and told as OpenTelemetry spans.

The protocol library opens a span for every call (`tools/call NAME`); this module adds what is known of it by its end,
and a span below it for every request to the gateway. Without an OpenTelemetry SDK in the process all of it is inert;
nothing is sent anywhere by us. Neither spans nor counts hold arguments, ids, addresses with queries, or content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span, get_tracer

from klaviyo_mcp import __version__

_tracer = get_tracer("klaviyo-mcp", __version__)


@dataclass(slots=True)
class CallFacts:
    """One call: the operation it came to, its requests upstream, the seconds it waited before them, the bytes read."""

    operation: str = ""
    error: str = ""
    """The class of the error that it ended with."""
    attempts: int = 0
    wait: float = 0.0
    received: int = 0

    def facts(self) -> dict[str, str | int | float]:
        """What there is to tell."""
        words = {"operation": self.operation, "error": self.error}
        told: dict[str, str | int | float] = {name: word for name, word in words.items() if word}
        if self.attempts or self.wait:
            told |= {"attempts": self.attempts, "wait": round(self.wait, 3), "received": self.received}
        return told


_current: ContextVar[CallFacts | None] = ContextVar("klaviyo_mcp_work", default=None)


@contextmanager
def trace_call() -> Iterator[CallFacts]:
    """Count what happens inside, in tasks that are started there too."""
    work = CallFacts()
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)


def set_attributes(facts: Mapping[str, str | int | float]) -> None:
    """Put the facts of a call on the span that the protocol library opened for it."""
    get_current_span().set_attributes({f"klaviyo_mcp.{name}": value for name, value in facts.items()})


def name_operation(operation: str) -> None:
    """The present call came to this operation."""
    if (work := _current.get()) is not None:
        work.operation = operation


def record_error(error: BaseException) -> None:
    """The present call ends with this error; only its class is kept."""
    if (work := _current.get()) is not None:
        work.error = type(error).__name__


def add_wait(seconds: float) -> None:
    """The present call waited: for Klaviyo's limits, or before it sent a request again."""
    if (work := _current.get()) is not None:
        work.wait += seconds


@dataclass(frozen=True, slots=True)
class AttemptSpan:
    """One request to the gateway."""

    _span: Span

    def answered(self, status: int, size: int) -> None:
        """An answer came, of so many bytes."""
        self._span.set_attributes({"http.response.status_code": status, "http.response.body.size": size})
        if (work := _current.get()) is not None:
            work.received += size

    def failed(self, error: BaseException) -> None:
        """The request brought no success; only the error's class is kept."""
        self._span.set_attribute("error.type", type(error).__name__)
        self._span.set_status(StatusCode.ERROR)


@contextmanager
def trace_attempt(operation: str, method: str, host: str, resent: int) -> Iterator[AttemptSpan]:
    """The span of a request; `resent` is how often it was sent before."""
    if (work := _current.get()) is not None:
        work.attempts += 1
    attributes: dict[str, str | int] = {
        "klaviyo_mcp.operation": operation,
        "http.request.method": method,
        "server.address": host,
    }
    if resent:
        attributes["http.request.resend_count"] = resent
    with _tracer.start_as_current_span(
        f"{method} {operation}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        # An exception's text may hold what was sent.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield AttemptSpan(span)
