"""The gateway in front of Klaviyo, the control endpoints, and the creation of a sandbox."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import httpx
import pytest
from tests.server.sandbox.sandbox_api import HEADERS, only_error, send

from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.faults import Faults, RateLimits

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LIST = {"data": {"type": "list", "attributes": {"name": "A"}}}


@pytest.mark.anyio
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic sandbox", "Bearer wrong", "sandbox"])
async def test_the_gateway_refuses_a_missing_or_wrong_key(sandbox: Sandbox, authorization: str | None) -> None:
    headers = {"revision": "2026-01-15"} | ({"authorization": authorization} if authorization is not None else {})
    for path in ("/klaviyo/api/profiles", "/connections"):
        response = await send(sandbox, "GET", path, headers)
        assert response.status_code == 401
        assert "errors" not in response.json()
        assert "API key" in response.json()["error"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("authorization", "code"),
    [(None, "not_authenticated"), ("Basic sandbox", "not_authenticated"), ("Klaviyo-API-Key", "not_authenticated"),
     ("Klaviyo-API-Key wrong", "authentication_failed"), ("Bearer wrong", "authentication_failed")],
)  # fmt: skip
async def test_klaviyo_itself_refuses_a_missing_or_wrong_key(
    sandbox: Sandbox, authorization: str | None, code: str
) -> None:
    headers = {"revision": "2026-01-15"} | ({"authorization": authorization} if authorization else {})
    response = await send(sandbox, "GET", "/api/profiles", headers)
    assert response.status_code == 401
    assert only_error(response.json())["code"] == code


@pytest.mark.anyio
@pytest.mark.parametrize("authorization", ["Klaviyo-API-Key sandbox", "Bearer sandbox"])
async def test_klaviyos_own_clients_ask_without_the_gateway(sandbox: Sandbox, authorization: str) -> None:
    headers = {"authorization": authorization, "revision": "2026-01-15"}
    assert (await send(sandbox, "POST", "/api/lists/", headers, json=LIST)).status_code == 201
    (connection_id,) = sandbox.connections.active()
    await send(sandbox, "DELETE", f"/connections/{connection_id}")
    assert (await send(sandbox, "GET", "/api/lists", headers)).json()["data"][0]["attributes"]["name"] == "A"


@pytest.mark.anyio
async def test_links_name_the_host_that_was_asked(sandbox: Sandbox) -> None:
    headers = {"authorization": "Klaviyo-API-Key sandbox", "revision": "2026-01-15"}
    for name in "abc":
        profile = {"type": "profile", "attributes": {"email": f"{name}@example.com"}}
        await send(sandbox, "POST", "/api/profiles", headers, json={"data": profile})
    first = (await send(sandbox, "GET", "/api/profiles?page[size]=2", headers)).json()
    link = first["links"]["next"]
    assert link.startswith("http://sandbox/api/profiles?")
    assert first["data"][0]["links"]["self"].startswith("http://sandbox/api/profiles/")
    followed, given_whole = [
        (await send(sandbox, "GET", path, headers, **options)).json()["data"]
        for path, options in ((link, {}), ("/api/profiles", {"params": {"page[size]": "2", "page[cursor]": link}}))
    ]
    assert followed == given_whole
    assert len({one["id"] for one in [*first["data"], *followed]}) == 3


@pytest.mark.anyio
async def test_the_gateway_refuses_requests_without_an_active_connection(sandbox: Sandbox) -> None:
    (connection_id,) = sandbox.connections.active()
    assert (await send(sandbox, "DELETE", f"/connections/{connection_id}")).status_code == 200
    response = await send(sandbox, "GET", "/klaviyo/api/profiles")
    assert response.status_code == 400
    assert "connection" in response.json()["error"]


@pytest.mark.anyio
async def test_the_gateway_refuses_an_unknown_connection(sandbox: Sandbox) -> None:
    response = await send(sandbox, "GET", "/klaviyo/api/profiles", {**HEADERS, "maton-connection": "nope"})
    assert response.status_code == 400
    assert "nope" in response.json()["error"]


@pytest.mark.anyio
@pytest.mark.parametrize(("revision", "code"), [(None, "missing_revision"), ("2020-01-01", "invalid_revision")])
async def test_a_request_needs_a_revision_that_exists(sandbox: Sandbox, revision: str | None, code: str) -> None:
    headers = {"authorization": "Bearer sandbox"} | ({"revision": revision} if revision else {})
    response = await send(sandbox, "GET", "/klaviyo/api/lists", headers)
    assert response.status_code == 400
    assert only_error(response.json())["code"] == code


@pytest.mark.anyio
async def test_an_older_revision_falls_forward_to_the_oldest_contract(sandbox: Sandbox) -> None:
    response = await send(sandbox, "GET", "/klaviyo/api/lists", {**HEADERS, "revision": "2024-10-15"})
    assert response.status_code == 200


@pytest.mark.anyio
async def test_other_tasks_run_between_the_requests_of_a_scan(sandbox: Sandbox) -> None:
    """In process nothing of a request waits for the network: a cancellation would be read when the scan has ended."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox), base_url="http://sandbox") as client:
        answered = 0

        async def scan() -> None:
            nonlocal answered
            for _ in range(1_000):
                await client.get("/klaviyo/api/lists", headers=HEADERS)
                answered += 1

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(scan)
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
    assert answered < 100


@pytest.mark.anyio
async def test_newer_operations_need_a_newer_revision(sandbox: Sandbox) -> None:
    assert (await send(sandbox, "GET", "/klaviyo/api/object-types")).status_code == 404
    newer = {**HEADERS, "revision": "2026-07-15"}
    assert (await send(sandbox, "GET", "/klaviyo/api/object-types", newer)).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/klaviyo/api/nothing", 404),
        ("GET", "/klaviyo/api/lists//profiles", 404),
        ("PUT", "/klaviyo/api/lists", 405),
    ],
)
async def test_unknown_paths_and_methods_are_refused(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    response = await send(sandbox, method, path)
    assert response.status_code == only_error(response.json())["status"] == status
    assert (await send(sandbox, "GET", "/slack/api/x")).status_code == 404


@pytest.mark.anyio
async def test_the_control_endpoints_set_faults_and_show_requests(sandbox: Sandbox) -> None:
    response = await send(sandbox, "POST", "/_sandbox/faults", {}, json={"path": "*", "status": 500, "times": 1})
    assert [fault["status"] for fault in response.json()] == [500]
    assert (await send(sandbox, "POST", "/_sandbox/faults", {}, json={"nonsense": 1})).status_code == 400
    assert (await send(sandbox, "GET", "/klaviyo/api/lists?sort=name")).status_code == 500
    requests = (await send(sandbox, "GET", "/_sandbox/requests", {})).json()
    assert [(one["method"], one["path"], one["query"], one["status"]) for one in requests] == [
        ("GET", "/klaviyo/api/lists", {"sort": "name"}, 500)
    ]
    assert "sandbox" not in str(requests[0]["headers"].get("authorization", ""))
    assert (await send(sandbox, "DELETE", "/_sandbox/requests", {})).status_code == 204
    assert (await send(sandbox, "DELETE", "/_sandbox/faults", {})).json() == []
    assert (await send(sandbox, "GET", "/_sandbox/faults", {})).json() == []
    assert (await send(sandbox, "GET", "/_sandbox/nothing", {})).status_code == 404
    assert not sandbox.requests


@pytest.mark.anyio
async def test_requests_with_binary_files_can_be_shown(sandbox: Sandbox) -> None:
    files = {"file": ("a.png", b"\x89PNG\xff\xfe", "image/png")}
    assert (await send(sandbox, "POST", "/klaviyo/api/image-upload", files=files)).status_code == 201
    (request,) = (await send(sandbox, "GET", "/_sandbox/requests", {})).json()
    assert request["body"] == {"file": ["a.png", "iVBOR__-"]}


@pytest.mark.anyio
async def test_requests_are_recorded_with_their_bodies(sandbox: Sandbox) -> None:
    await send(sandbox, "POST", "/klaviyo/api/lists", json=LIST)
    (request,) = sandbox.requests
    assert (request.method, request.path, request.body, request.status) == ("POST", "/klaviyo/api/lists", LIST, 201)
    assert request.headers["revision"] == "2026-01-15"
    assert "authorization" not in request.headers


def test_the_same_seed_and_day_create_the_same_account() -> None:
    first, second = (create_sandbox(30, seed=5, now=NOW) for _ in range(2))
    for type_ in ("profile", "list", "metric", "event"):
        assert [(one.id, one.attributes, one.links) for one in first.store.all(type_)] == [
            (one.id, one.attributes, one.links) for one in second.store.all(type_)
        ]
    assert first.store.count("profile") == 30
    assert first.connections.active() == second.connections.active()


def test_another_seed_creates_another_account() -> None:
    first, second = (create_sandbox(5, seed=seed, now=NOW) for seed in (1, 2))
    assert [one.id for one in first.store.all("profile")] != [one.id for one in second.store.all("profile")]


@pytest.mark.parametrize(("option", "has_limits"), [(False, False), (True, True), (RateLimits(), True)])
def test_options_reach_the_sandbox(option: bool | RateLimits, has_limits: bool) -> None:
    faults = Faults()
    sandbox = create_sandbox(1, key="other", faults=faults, rate_limits=option)
    assert (sandbox.key, sandbox.faults) == ("other", faults)
    assert (sandbox.rate_limits is not None) is has_limits
