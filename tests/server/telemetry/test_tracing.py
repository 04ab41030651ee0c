"""A call is one line in the log and one span, with a span for each request below it: counts, and no content."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import mcp.shared._otel
import pytest
from mcp.client.client import Client
from opentelemetry.trace import SpanKind, StatusCode
from tests.server.fake_gateway import OK, Answer, Step, fake_gateway
from tests.server.span_recorder import RecordedSpan, SpanRecorder

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server
from klaviyo_mcp.settings import load_settings
from klaviyo_mcp.telemetry import tracing
from klaviyo_mcp.telemetry.logs import JsonLines

pytestmark = pytest.mark.anyio
PRIVATE = "ann.private@example.com"
KEY = "mtn_invented_and_secret"


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> SpanRecorder:
    tracer = SpanRecorder()
    monkeypatch.setattr(tracing, "_tracer", tracer)
    monkeypatch.setattr(mcp.shared._otel, "_tracer", tracer)
    return tracer


@asynccontextmanager
async def connected(*steps: Step) -> AsyncIterator[Client]:
    async with fake_gateway(*steps) as upstream:
        maton = GatewayClient(
            key=KEY,
            base_url=upstream.url,
            connection="c1",
            pacer=Pacer(enabled=False),
            backoff_seconds=0.001,
            max_attempts=2,
        )
        calls = CallService(
            load_settings({"toolsets": "all", "confirm": "never"}, {"MATON_CONNECTION": "c1"}), lambda: maton
        )
        try:
            async with Client(server.create_server(calls)) as client:
                yield client
        finally:
            await calls.aclose()


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    logged = [
        json.loads(JsonLines().format(record))
        for record in caplog.records
        if record.name == "klaviyo_mcp.protocol.server"
    ]
    for line in logged:
        assert line.pop("ms") >= 0
        assert line.pop("wait", 0.0) < 1
        del line["time"], line["logger"]
    return logged


def attributes_of(span: RecordedSpan) -> dict[str, Any]:
    return {
        name: value for name, value in span.attributes.items() if name not in ("klaviyo_mcp.ms", "klaviyo_mcp.wait")
    }


async def test_a_call_and_its_requests_are_spans(tracer: SpanRecorder) -> None:
    async with connected(Answer(503), OK) as client:
        await client.call_tool("get_profiles", {"filter": f'equals(email,"{PRIVATE}")'})
    call = next(
        span for span in tracer.spans if span.name == "tools/call get_profiles" and span.kind is SpanKind.SERVER
    )
    requests = [span for span in tracer.spans if span.name == "GET get_profiles"]
    assert [(span.kind, span.parent, span.ended) for span in requests] == [(SpanKind.CLIENT, call, True)] * 2
    assert attributes_of(requests[0]) == {
        "klaviyo_mcp.operation": "get_profiles",
        "http.request.method": "GET",
        "server.address": "127.0.0.1",
        "http.response.status_code": 503,
        "http.response.body.size": 0,
        "error.type": "UpstreamError",
    }
    assert requests[0].status is StatusCode.ERROR
    assert attributes_of(requests[1])["http.request.resend_count"] == 1
    assert requests[1].status is None
    assert {name: value for name, value in attributes_of(call).items() if name.startswith("klaviyo_mcp.")} == {
        "klaviyo_mcp.operation": "get_profiles",
        "klaviyo_mcp.status": "ok",
        "klaviyo_mcp.attempts": 2,
        "klaviyo_mcp.received": 12,
        "klaviyo_mcp.bytes": call.attributes["klaviyo_mcp.bytes"],
    }


async def test_spans_hold_no_arguments_no_content_and_no_key(tracer: SpanRecorder) -> None:
    refusal = {"errors": [{"code": "duplicate_profile", "detail": f"{PRIVATE} is taken {KEY}", "source": {}}]}
    async with connected(Answer(409, refusal), Answer(200, {"data": [{"type": "x", "id": PRIVATE}]})) as client:
        await client.call_tool("create_profile", {"email": PRIVATE})
        await client.call_tool("get_profiles", {"filter": f'equals(email,"{PRIVATE}")'})
        await client.call_tool("get_profile", {"profile_id": "01HPRIVATEID"})
    everything = repr(
        [
            (s.name, s.attributes, s.events, s.status_description)
            for s in tracer.spans
            if "klaviyo" in repr(attributes_of(s))
        ]
    )
    assert "create_profile" in everything
    for hidden in (PRIVATE, KEY, "01HPRIVATEID", "equals"):
        assert hidden not in everything


async def test_a_call_is_one_line_of_the_log_with_its_cost(
    caplog: pytest.LogCaptureFixture, tracer: SpanRecorder
) -> None:
    caplog.set_level(logging.INFO, "klaviyo_mcp")
    async with connected(Answer(429, b"", {"Retry-After": "0"}), Answer(500)) as client:
        await client.call_tool("create_list", {"name": PRIVATE})
        await client.call_tool("create_list", {"nam": PRIVATE})
    sent, refused = lines(caplog)
    assert {name: sent[name] for name in ("event", "tool", "operation", "status", "error")} == {
        "event": "call",
        "tool": "create_list",
        "operation": "create_list",
        "status": "error",
        "error": "InDoubtError",
    }
    assert sent["attempts"] >= 2
    assert (refused["error"], "attempts" in refused) == ("ArgumentError", False)
    assert PRIVATE not in caplog.text


async def test_without_a_call_the_counters_do_nothing() -> None:
    tracing.name_operation("get_lists")
    tracing.record_error(ValueError())
    tracing.add_wait(1)
    with tracing.trace_attempt("get_lists", "GET", "127.0.0.1", 0) as attempt:
        attempt.record_answer(200, 1)
        attempt.record_failure(ValueError())
    with tracing.trace_call() as work:
        assert work.facts() == {}
