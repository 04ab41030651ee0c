"""A tracer that records its spans, in place of an OpenTelemetry SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    get_current_span,
    use_span,
)


class RecordedSpan(NonRecordingSpan):
    """A span: its name, kind, attributes, events, status, and the span in which it began."""

    def __init__(self, name: str, kind: Any, attributes: Mapping[str, Any] | None, number: int) -> None:
        super().__init__(SpanContext(1, number, is_remote=False, trace_flags=TraceFlags(1)))
        self.name, self.kind, self.parent = name, kind, get_current_span()
        self.attributes: dict[str, Any] = dict(attributes or {})
        self.events: list[Any] = []
        self.status: StatusCode | None = None
        self.status_description: str | None = None
        self.ended = False

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self.attributes.update(attributes)

    def record_exception(self, exception: BaseException, *_: Any, **__: Any) -> None:
        self.events.append(exception)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self.status = status if isinstance(status, StatusCode) else status.status_code
        self.status_description = description

    def end(self, end_time: int | None = None) -> None:
        self.ended = True


class SpanRecorder:
    """A tracer, for the SDK's library or for this server."""

    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []

    @contextmanager
    def start_as_current_span(
        self, name: str, *, kind: Any = None, attributes: Any = None, **_: Any
    ) -> Iterator[RecordedSpan]:
        span = RecordedSpan(name, kind, attributes, len(self.spans) + 1)
        self.spans.append(span)
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            yield span
