"""A new connection: a person is sent to its address, and no answer shows the address where the client can do that."""

from __future__ import annotations

import json
import re

import pytest
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitRequestURLParams, ElicitResult
from tests.server.sandbox_server import CONNECTION_ID, ERAS, Person, answer_text, client, sandbox_server

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("era", ERAS)
async def test_the_person_is_sent_to_the_address_of_a_new_connection_and_no_answer_shows_it(era: str) -> None:
    server, person = sandbox_server(), Person("accept")
    async with client(server.calls, era, person) as session:
        answer = answer_text(await session.call_tool("create_connection", {}))
    new = next(one for id_, one in server.sandbox.connections.by_id.items() if id_ != CONNECTION_ID)
    assert person.urls == [new["url"]]
    assert answer == (
        f"Connection {new['connection_id']} was made (status PENDING), and the person was sent to its address to "
        f"authorize it. Next: get_connection(connection_id={new['connection_id']}), until it is ACTIVE."
    )
    assert server.writes() == ["POST /connections"]


async def test_a_connection_that_the_person_has_authorized_by_then_is_active() -> None:
    server, person = sandbox_server(), Person("accept")
    record = {**server.sandbox.connections.by_id[CONNECTION_ID], "connection_id": "new"}
    server.sandbox.faults.add(status=200, path="/connections/*", method="GET", body=json.dumps({"connection": record}))
    async with client(server.calls, ERAS[-1], person) as session:
        answer = answer_text(await session.call_tool("create_connection", {}))
    assert re.fullmatch("Connection .{36} is ACTIVE: the person has authorized it.", answer)


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_who_does_not_open_the_address_leaves_the_connection_pending(era: str) -> None:
    server, person = sandbox_server(), Person("decline")
    async with client(server.calls, era, person) as session:
        answer = answer_text(await session.call_tool("create_connection", {}))
    new = next(id_ for id_ in server.sandbox.connections.by_id if id_ != CONNECTION_ID)
    assert answer == (
        f"Connection {new} was made, but the person did not open its address: it stays pending. "
        f"get_connection(connection_id={new}) shows the address; delete_connection removes the connection."
    )
    assert server.writes() == ["POST /connections"]


@pytest.mark.parametrize("era", ERAS)
async def test_an_answer_shows_the_address_where_the_client_opens_none(era: str) -> None:
    server = sandbox_server()
    async with client(server.calls, era) as session:
        answer = answer_text(await session.call_tool("create_connection", {}))
    new = next(one for id_, one in server.sandbox.connections.by_id.items() if id_ != CONNECTION_ID)
    assert f'"url":"{new["url"]}"' in answer


@pytest.mark.parametrize("url", ["http://connect.maton.ai/?session_token=1", "javascript:alert(1)", "", None])
async def test_a_person_is_sent_to_https_addresses_only(url: str | None) -> None:
    server, person = sandbox_server(), Person("accept")
    first = server.sandbox.connections.by_id[CONNECTION_ID]
    record = {**first, "connection_id": "new", "status": "PENDING", "url": url}
    body = json.dumps({"connection": record})
    server.sandbox.faults.add(status=200, path="/connections", method="POST", body=body)
    async with client(server.calls, ERAS[-1], person) as session:
        answer = answer_text(await session.call_tool("create_connection", {}))
    assert person.urls == []
    assert "Maton gave no https address that a person could open" in answer
    assert not url or url not in answer


@pytest.mark.parametrize("era", ERAS)
async def test_under_writes_a_connection_is_confirmed_first_and_created_once(era: str) -> None:
    server, person = sandbox_server(confirm="writes"), Person("accept")
    async with client(server.calls, era, person) as session:
        await session.call_tool("create_connection", {})
    assert person.questions == ["Maton: create connection.\nGo ahead?"]
    assert len(person.urls) == 1
    assert server.writes() == ["POST /connections"]


async def test_a_client_that_fails_to_open_the_address_leaves_the_connection_pending() -> None:
    async def broken(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestURLParams)
        raise RuntimeError("no browser")

    server = sandbox_server()
    async with client(server.calls, "legacy", broken) as session:
        answer = answer_text(await session.call_tool("create_connection", {}))
    assert "was made, but the person did not open its address: it stays pending." in answer
    assert server.writes() == ["POST /connections"]


async def test_a_new_connection_says_who_opens_its_url_and_what_to_call_then() -> None:
    first, second = (await sandbox_server(toolsets=("none",)).run("call_write_tool", name="create_connection")).split(
        "\n"
    )
    assert '"status":"PENDING"' in first
    assert second.startswith("Next: a person opens that url in a browser and authorizes; then call_read_tool(")
    assert second.endswith("), until it is ACTIVE.")
