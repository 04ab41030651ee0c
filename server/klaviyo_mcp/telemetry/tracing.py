"""The requests that a call makes upstream: counted for the call's line in the log, and recorded as OpenTelemetry spans.

The protocol library opens a span for every call (`tools/call NAME`). This module adds the facts of the call to it, and
a span below it for every request to the gateway. Without an OpenTelemetry SDK in the process all of it is inert; this
server exports nothing by itself. Neither spans nor counts hold arguments, ids, URLs with queries, or content.
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
    """One call: its operation, its requests upstream, the seconds it waited before them, the bytes it received."""

    operation: str = ""
    error: str = ""
    """The class of the error that ended the call."""
    attempts: int = 0
    wait_seconds: float = 0.0
    received_bytes: int = 0

    def facts(self) -> dict[str, str | int | float]:
        """The facts that are set, by the names they have in the log."""
        names = {"operation": self.operation, "error": self.error}
        facts: dict[str, str | int | float] = {name: value for name, value in names.items() if value}
        if self.attempts or self.wait_seconds:
            facts |= {"attempts": self.attempts, "wait": round(self.wait_seconds, 3), "received": self.received_bytes}
        return facts


_current_call: ContextVar[CallFacts | None] = ContextVar("klaviyo_mcp_call", default=None)


@contextmanager
def trace_call() -> Iterator[CallFacts]:
    """Collect the facts of a call in this block, and in tasks that it starts."""
    call = CallFacts()
    token = _current_call.set(call)
    try:
        yield call
    finally:
        _current_call.reset(token)


def set_attributes(facts: Mapping[str, str | int | float]) -> None:
    """Put the facts of a call on the span that the protocol library opened for it."""
    get_current_span().set_attributes({f"klaviyo_mcp.{name}": value for name, value in facts.items()})


def name_operation(operation: str) -> None:
    """Record which operation the current call runs."""
    if (call := _current_call.get()) is not None:
        call.operation = operation


def record_error(error: BaseException) -> None:
    """Record the class of the error that ends the current call."""
    if (call := _current_call.get()) is not None:
        call.error = type(error).__name__


def add_wait(seconds: float) -> None:
    """Count a wait of the current call: for Klaviyo's limits, or before a retry."""
    if (call := _current_call.get()) is not None:
        call.wait_seconds += seconds


@dataclass(frozen=True, slots=True)
class AttemptSpan:
    """One request to the gateway."""

    _span: Span

    def record_answer(self, status: int, size: int) -> None:
        """Record that an answer came; `size` is in bytes."""
        self._span.set_attributes({"http.response.status_code": status, "http.response.body.size": size})
        if (call := _current_call.get()) is not None:
            call.received_bytes += size

    def record_failure(self, error: BaseException) -> None:
        """Record that the request brought no success; only the error's class is kept."""
        self._span.set_attribute("error.type", type(error).__name__)
        self._span.set_status(StatusCode.ERROR)


@contextmanager
def trace_attempt(operation: str, method: str, host: str, resent: int) -> Iterator[AttemptSpan]:
    """The span of one request; `resent` is how often it was sent before."""
    if (call := _current_call.get()) is not None:
        call.attempts += 1
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
        # An exception's text may hold content.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield AttemptSpan(span)
