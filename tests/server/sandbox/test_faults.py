"""Failures on demand and rate limits."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import only_error, send

from klaviyo_mcp.sandbox.app import Sandbox
from klaviyo_mcp.sandbox.faults import Fault, Faults, RateLimits
from klaviyo_mcp.sandbox.state.store import Store


@pytest.mark.anyio
async def test_a_fault_begins_after_some_requests_and_ends_after_others(sandbox: Sandbox) -> None:
    sandbox.faults.add(path="/klaviyo/api/lists*", status=503, times=2, after=1, headers={"retry-after": "3"})
    responses = [await send(sandbox, "GET", "/klaviyo/api/lists") for _ in range(4)]
    assert [response.status_code for response in responses] == [200, 503, 503, 200]
    assert responses[1].headers["retry-after"] == "3"
    error = only_error(responses[1].json())
    assert (error["status"], error["code"]) == (503, "sandbox_fault")
    assert (await send(sandbox, "GET", "/klaviyo/api/tags")).status_code == 200


@pytest.mark.anyio
async def test_a_fault_can_answer_with_any_body(sandbox: Sandbox) -> None:
    sandbox.faults.add(method="GET", status=200, body="<html>", content_type="text/html", times=1)
    response = await send(sandbox, "GET", "/klaviyo/api/lists")
    assert (response.text, response.headers["content-type"]) == ("<html>", "text/html")


def test_the_first_fault_that_matches_applies() -> None:
    faults = Faults([Fault(path="/a/*", status=500), Fault(status=400)])
    applied = [faults.take("GET", path) for path in ("/a/b", "/c")]
    assert [fault.status for fault in applied if fault] == [500, 400]


@pytest.mark.anyio
@pytest.mark.parametrize("retry_after", [True, False])
async def test_rate_limits_are_the_fixed_windows_of_the_contract(retry_after: bool) -> None:
    now = [1000.0]
    limits = RateLimits(clock=lambda: now[0], retry_after=retry_after)
    sandbox = Sandbox(Store(), key="sandbox", faults=Faults(), rate_limits=limits, seed=1)
    first, second = [await send(sandbox, "GET", "/klaviyo/api/accounts") for _ in range(2)]
    assert first.status_code == 200
    assert first.headers["ratelimit-remaining"] == "14"
    assert second.status_code == 429
    assert only_error(second.json())["code"] == "throttled"
    assert ("retry-after" in second.headers) is retry_after
    now[0] += 1
    assert (await send(sandbox, "GET", "/klaviyo/api/accounts")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "costly"),
    [
        ("lists/x", "lists/x?additional-fields[list]=profile_count"),
        ("segments/x", "segments/x?additional-fields[segment]=profile_count"),
        ("profiles/x", "profiles/x?include=lists"),
    ],
)
async def test_costly_requests_have_lower_limits(path: str, costly: str) -> None:
    sandbox = Sandbox(Store(), key="sandbox", faults=Faults(), rate_limits=RateLimits(clock=lambda: 0.0), seed=1)
    statuses = [(await send(sandbox, "GET", f"/klaviyo/api/{costly}")).status_code for _ in range(2)]
    assert statuses == [404, 429]
    assert (await send(sandbox, "GET", f"/klaviyo/api/{path}")).status_code == 404
