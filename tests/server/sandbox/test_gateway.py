"""The gateway in front, and what a test can tell the sandbox to do."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from klaviyo_mcp.sandbox.app import Sandbox
from klaviyo_mcp.sandbox.faults import Fault, Faults, RateLimits
from klaviyo_mcp.sandbox.state.store import Store

pytestmark = pytest.mark.anyio
HEADERS = {"authorization": "Bearer sandbox", "revision": "2026-01-15"}


async def ask(sandbox: Sandbox, method: str, path: str, headers: dict[str, str], **request: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        return await client.request(method, path, headers=headers, **request)


def the_error(response: httpx.Response) -> dict[str, Any]:
    (error,) = response.json()["errors"]
    assert set(error) == {"id", "status", "code", "title", "detail", "source", "links", "meta"}
    assert error["status"] == response.status_code
    assert isinstance(error["detail"], str)
    return dict(error)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic sandbox", "Bearer wrong", "sandbox"])
async def test_missing_or_wrong_key_is_the_gateways_401(sandbox: Sandbox, authorization: str | None) -> None:
    headers = {"revision": "2026-01-15"} | ({"authorization": authorization} if authorization is not None else {})
    for path in ("/klaviyo/api/profiles", "/connections"):
        response = await ask(sandbox, "GET", path, headers)
        assert response.status_code == 401
        assert "errors" not in response.json()
        assert "API key" in response.json()["error"]


async def test_no_active_connection_is_the_gateways_400(sandbox: Sandbox) -> None:
    (only,) = sandbox.connections.active()
    assert (await ask(sandbox, "DELETE", f"/connections/{only}", HEADERS)).status_code == 200
    response = await ask(sandbox, "GET", "/klaviyo/api/profiles", HEADERS)
    assert response.status_code == 400
    assert "connection" in response.json()["error"]


async def test_unknown_connection_is_the_gateways_400(sandbox: Sandbox) -> None:
    response = await ask(sandbox, "GET", "/klaviyo/api/profiles", {**HEADERS, "maton-connection": "nope"})
    assert response.status_code == 400
    assert "nope" in response.json()["error"]


async def test_new_connection_is_pending_until_its_second_read(sandbox: Sandbox) -> None:
    made = (await ask(sandbox, "POST", "/connections", HEADERS, json={"app": "klaviyo"})).json()["connection"]
    assert made["status"] == "PENDING"
    assert made["url"].startswith("https://")
    path = f"/connections/{made['connection_id']}"
    refused = await ask(sandbox, "GET", "/klaviyo/api/lists", {**HEADERS, "maton-connection": made["connection_id"]})
    assert refused.status_code == 400
    statuses = [(await ask(sandbox, "GET", path, HEADERS)).json()["connection"]["status"] for _ in range(2)]
    assert statuses == ["PENDING", "ACTIVE"]
    listed = await ask(sandbox, "GET", "/connections?app=klaviyo&status=ACTIVE", HEADERS)
    assert len(listed.json()["connections"]) == 2
    assert (await ask(sandbox, "GET", "/connections?app=slack", HEADERS)).json() == {"connections": []}
    assert (await ask(sandbox, "GET", "/connections/nope", HEADERS)).status_code == 404
    assert (await ask(sandbox, "POST", "/connections", HEADERS, json={})).status_code == 400


@pytest.mark.parametrize(("revision", "code"), [(None, "missing_revision"), ("2020-01-01", "invalid_revision")])
async def test_revision_is_required_and_known(sandbox: Sandbox, revision: str | None, code: str) -> None:
    headers = {"authorization": "Bearer sandbox"} | ({"revision": revision} if revision else {})
    response = await ask(sandbox, "GET", "/klaviyo/api/lists", headers)
    assert response.status_code == 400
    assert the_error(response)["code"] == code


async def test_newer_operations_need_the_newer_revision(sandbox: Sandbox) -> None:
    assert (await ask(sandbox, "GET", "/klaviyo/api/object-types", HEADERS)).status_code == 404
    newer = {**HEADERS, "revision": "2026-07-15"}
    assert (await ask(sandbox, "GET", "/klaviyo/api/object-types", newer)).status_code == 200


async def test_unknown_path_method_and_media_type(sandbox: Sandbox) -> None:
    assert the_error(await ask(sandbox, "GET", "/klaviyo/api/nothing", HEADERS))["status"] == 404
    assert the_error(await ask(sandbox, "GET", "/klaviyo/api/lists//profiles", HEADERS))["status"] == 404
    assert the_error(await ask(sandbox, "PUT", "/klaviyo/api/lists", HEADERS))["status"] == 405
    assert (await ask(sandbox, "GET", "/slack/api/x", HEADERS)).status_code == 404
    text = {**HEADERS, "content-type": "text/plain"}
    assert the_error(await ask(sandbox, "POST", "/klaviyo/api/lists", text, content="{}"))["status"] == 415
    json_api = {**HEADERS, "content-type": "application/vnd.api+json"}
    for body in ("", "{", "[]", '"x"'):
        assert the_error(await ask(sandbox, "POST", "/klaviyo/api/lists", json_api, content=body))["status"] == 400


async def test_plain_json_is_read_as_json_api(sandbox: Sandbox) -> None:
    body = {"data": {"type": "list", "attributes": {"name": "A"}}}
    assert (await ask(sandbox, "POST", "/klaviyo/api/lists", HEADERS, json=body)).status_code == 201


async def test_fault_strikes_as_told_then_ends(sandbox: Sandbox) -> None:
    sandbox.faults.add(path="/klaviyo/api/lists*", status=503, times=2, after=1, headers={"retry-after": "3"})
    answers = [await ask(sandbox, "GET", "/klaviyo/api/lists", HEADERS) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
    assert answers[1].headers["retry-after"] == "3"
    assert the_error(answers[1])["code"] == "sandbox_fault"
    assert (await ask(sandbox, "GET", "/klaviyo/api/tags", HEADERS)).status_code == 200


async def test_fault_may_answer_anything(sandbox: Sandbox) -> None:
    sandbox.faults.add(method="GET", status=200, body="<html>", content_type="text/html", times=1)
    response = await ask(sandbox, "GET", "/klaviyo/api/lists", HEADERS)
    assert (response.text, response.headers["content-type"]) == ("<html>", "text/html")


async def test_faults_and_log_are_reached_over_the_port_too(sandbox: Sandbox) -> None:
    told = await ask(sandbox, "POST", "/_sandbox/faults", {}, json={"path": "*", "status": 500, "times": 1})
    assert [fault["status"] for fault in told.json()] == [500]
    assert (await ask(sandbox, "POST", "/_sandbox/faults", {}, json={"nonsense": 1})).status_code == 400
    assert (await ask(sandbox, "GET", "/klaviyo/api/lists?sort=name", HEADERS)).status_code == 500
    seen = (await ask(sandbox, "GET", "/_sandbox/requests", {})).json()
    assert [(one["method"], one["path"], one["query"], one["status"]) for one in seen] == [
        ("GET", "/klaviyo/api/lists", {"sort": "name"}, 500)
    ]
    assert "sandbox" not in str(seen[0]["headers"].get("authorization", ""))
    assert (await ask(sandbox, "DELETE", "/_sandbox/requests", {})).status_code == 204
    assert (await ask(sandbox, "DELETE", "/_sandbox/faults", {})).json() == []
    assert not sandbox.requests


async def test_requests_are_logged_with_their_bodies(sandbox: Sandbox) -> None:
    body = {"data": {"type": "list", "attributes": {"name": "A"}}}
    await ask(sandbox, "POST", "/klaviyo/api/lists", HEADERS, json=body)
    (request,) = sandbox.requests
    assert (request.method, request.path, request.body, request.status) == ("POST", "/klaviyo/api/lists", body, 201)
    assert request.headers["revision"] == "2026-01-15"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("retry_after", [True, False])
async def test_rate_limits_are_fixed_windows_of_the_contract(retry_after: bool) -> None:
    now = [1000.0]
    limits = RateLimits(clock=lambda: now[0], retry_after=retry_after)
    sandbox = Sandbox(Store(), key="sandbox", faults=Faults(), rate_limits=limits, seed=1)
    first, second = [await ask(sandbox, "GET", "/klaviyo/api/accounts", HEADERS) for _ in range(2)]
    assert first.status_code == 200
    assert first.headers["ratelimit-remaining"] == "14"
    assert second.status_code == 429
    assert the_error(second)["code"] == "throttled"
    assert ("retry-after" in second.headers) is retry_after
    now[0] += 1
    assert (await ask(sandbox, "GET", "/klaviyo/api/accounts", HEADERS)).status_code == 200


async def test_costly_reads_have_tighter_limits() -> None:
    sandbox = Sandbox(Store(), key="sandbox", faults=Faults(), rate_limits=RateLimits(clock=lambda: 0.0), seed=1)
    path = "/klaviyo/api/lists/x?additional-fields[list]=profile_count"
    statuses = [(await ask(sandbox, "GET", path, HEADERS)).status_code for _ in range(2)]
    assert statuses == [404, 429]
    assert (await ask(sandbox, "GET", "/klaviyo/api/lists/x", HEADERS)).status_code == 404


def test_faults_match_in_the_order_they_were_told() -> None:
    faults = Faults([Fault(path="/a/*", status=500), Fault(status=400)])
    struck = [faults.take("GET", path) for path in ("/a/b", "/c")]
    assert [fault.status for fault in struck if fault] == [500, 400]
