"""The sender: every request is retried, paced and explained as its operation says."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import httpx
import pytest

from klaviyo_mcp.errors import DeadlineError, InDoubtError, KlaviyoMcpError, NotFoundError, ScopeError, UpstreamError
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_mcp.gateway.options import Reply
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio


class FakeGateway:
    """Answers every request alike and keeps what arrived."""

    def __init__(
        self, status: int = 200, body: Any = None, *, connection: str | None = None, revision: str = "2026-01-15"
    ) -> None:
        self.requests: list[httpx.Request] = []
        self.clients: list[str] = []
        self._status, self._body, self._connection = status, {"data": []} if body is None else body, connection
        self.sender = OperationSender(self.create_client, revision=revision, verify_with=registry().verify_with)

    def create_client(self) -> GatewayClient:
        self.clients.append(threading.current_thread().name)
        return GatewayClient(
            key="key-for-tests-only",
            connection=self._connection,
            transport=httpx.MockTransport(self.respond),
            pacer=Pacer(enabled=False),
            backoff_seconds=0.001,
            max_attempts=3,
        )

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self._body == "":
            return httpx.Response(self._status)
        return httpx.Response(self._status, json=self._body)

    async def send(self, name: str, /, connection: str | None = None, **arguments: Any) -> Reply:
        operation = registry()[name]
        checked = operation.arguments.model_validate(arguments)
        return await self.sender.send(operation, operation.request(checked), arguments=checked, connection=connection)

    async def failure(self, name: str, /, **arguments: Any) -> KlaviyoMcpError:
        with pytest.raises(KlaviyoMcpError) as raised:
            await self.send(name, **arguments)
        return raised.value


async def test_a_read_is_sent_again_after_a_server_error() -> None:
    gateway = FakeGateway(503)
    assert isinstance(await gateway.failure("get_lists"), UpstreamError)
    assert len(gateway.requests) == 3


async def test_a_read_by_post_is_sent_again_too() -> None:
    gateway = FakeGateway(503)
    assert isinstance(await gateway.failure("render_template", template_id="T1", context={}), UpstreamError)
    assert [request.method for request in gateway.requests] == ["POST"] * 3


async def test_a_write_is_sent_once_and_its_error_names_the_read_that_shows_whether_it_was_applied() -> None:
    gateway = FakeGateway(503)
    error = await gateway.failure("create_list", name="VIP")
    assert isinstance(error, InDoubtError)
    assert error.verify_with == "get_lists"
    assert len(gateway.requests) == 1


async def test_an_idempotent_write_is_sent_again_and_stays_in_doubt() -> None:
    gateway = FakeGateway(503)
    error = await gateway.failure("create_event", metric="Visit", properties={}, profile={"email": "a@example.com"})
    assert isinstance(error, InDoubtError)
    assert len(gateway.requests) == 3


async def test_an_error_names_the_operations_own_arguments_and_scopes() -> None:
    source = {"errors": [{"detail": "No such profile.", "source": {"pointer": "/data/id"}}]}
    missing = await FakeGateway(404, source).failure("get_profile", profile_id="p1")
    assert isinstance(missing, NotFoundError)
    assert missing.arguments == ("profile_id",)
    refused = await FakeGateway(403, {"errors": [{"detail": "no"}]}).failure("get_profile", profile_id="p1")
    assert isinstance(refused, ScopeError)
    assert refused.scopes == ("profiles:read",)


async def test_an_empty_success_is_an_error_only_where_the_operation_answers_with_a_body() -> None:
    assert isinstance(await FakeGateway(200, "").failure("get_lists"), UpstreamError)
    assert (await FakeGateway(200, "").send("delete_list", list_id="L1")).document is None


async def test_an_operation_that_has_no_body_from_a_later_revision_on_needs_one_before() -> None:
    gateway = FakeGateway(200, "")
    assert isinstance(await gateway.failure("update_tag_group", tag_group_id="G1", name="Season"), InDoubtError)
    later = FakeGateway(200, "", revision="2026-07-15")
    assert (await later.send("update_tag_group", tag_group_id="G1", name="Season")).document is None


async def test_the_connection_of_a_request_wins_over_that_of_the_client() -> None:
    gateway = FakeGateway(connection="conn-1")
    await gateway.send("get_lists")
    await gateway.send("get_lists", connection="conn-2")
    assert [request.headers["Maton-Connection"] for request in gateway.requests] == ["conn-1", "conn-2"]


async def test_a_connection_id_that_no_header_can_hold_is_refused_before_anything_is_sent() -> None:
    gateway = FakeGateway()
    with pytest.raises(KlaviyoMcpError):
        await gateway.send("get_lists", connection="conn-2\r\nX: 1")
    assert gateway.requests == []


async def test_the_client_is_built_once_with_the_first_request_and_off_the_event_loop() -> None:
    gateway = FakeGateway()
    assert gateway.clients == []
    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(gateway.send, "get_lists")
    assert len(gateway.clients) == 1
    assert gateway.clients[0] != threading.main_thread().name


async def test_closing_a_sender_that_sent_nothing_builds_no_client() -> None:
    gateway = FakeGateway()
    await gateway.sender.aclose()
    assert gateway.clients == []


async def test_the_deadline_of_a_request_ends_it() -> None:
    async def hang(request: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError(request)

    client = GatewayClient(key="key-for-tests-only", transport=httpx.MockTransport(hang), pacer=Pacer(enabled=False))
    sender = OperationSender(lambda: client, revision="2026-01-15", verify_with=registry().verify_with)
    operation = registry()["get_lists"]
    with anyio.fail_after(5), pytest.raises(DeadlineError):
        await sender.send(operation, operation.request(operation.arguments()), deadline=anyio.current_time() + 0.05)
