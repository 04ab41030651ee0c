"""A call goes to the one account that is connected or chosen, else to none; the answer of a write names it."""

from __future__ import annotations

import pytest
from tests.server.sandbox_server import CONNECTION_ID, SandboxServer, sandbox_server

from klaviyo_mcp.account import connections
from klaviyo_mcp.account.connections import SINGLE_CACHE_SECONDS
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.settings import Settings

pytestmark = pytest.mark.anyio

LISTING = "GET /connections"
SEVERAL = (
    f"ERROR: The Maton account has several Klaviyo connections and none is chosen: {CONNECTION_ID}, second. "
    "list_connections shows them; set MATON_CONNECTION to the id of the one meant and restart this server."
)


def add_second_connection(server: SandboxServer, status: str = "ACTIVE") -> None:
    connections_by_id = server.sandbox.connections.by_id
    connections_by_id["second"] = {**connections_by_id[CONNECTION_ID], "connection_id": "second", "status": status}


# Several connections.


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_lists", {}),
        ("get_list", {"list_id": "none"}),
        ("create_list", {"name": "VIP"}),
        ("delete_list", {"list_id": "L1"}),
    ],
)
async def test_every_call_fails_where_several_connections_are_active_and_none_is_chosen(
    name: str, arguments: dict[str, str]
) -> None:
    server = sandbox_server()
    add_second_connection(server)
    for _ in range(2):
        assert await server.run(name, **arguments) == SEVERAL.replace("create_list", name)
    assert server.writes() == []


async def test_an_error_lists_five_of_many_connections() -> None:
    server = sandbox_server()
    connections_by_id = server.sandbox.connections.by_id
    connections_by_id.update(
        {f"c{n}": {**connections_by_id[CONNECTION_ID], "connection_id": f"c{n}"} for n in range(8)}
    )
    answer = await server.run("get_lists")
    assert f"none is chosen: {CONNECTION_ID}, c0, c1, c2, c3, 4 more." in answer
    assert len(answer.encode()) <= 600 + len("ERROR: ")


async def test_connections_that_are_not_active_do_not_count() -> None:
    server = sandbox_server()
    add_second_connection(server, "PENDING")
    assert await server.run("create_list", name="VIP") != SEVERAL
    assert server.writes() == ["POST /klaviyo/api/lists"]


async def test_the_connection_of_the_settings_is_used_without_listing_any() -> None:
    server = sandbox_server(connection="second")
    add_second_connection(server)
    assert (await server.run("create_list", name="VIP")).endswith('\n[account: "Fjord Outdoor"]')
    assert LISTING not in server.requests()
    assert {request.headers.get("maton-connection") for request in server.sandbox.requests} == {"second"}


async def test_connections_can_be_listed_and_removed_while_there_are_several() -> None:
    server = sandbox_server(confirm="never")
    add_second_connection(server)
    assert await server.run("get_lists") == SEVERAL
    assert "second" in await server.run("list_connections")
    assert (await server.run("delete_connection", connection_id="second")).startswith("Done")
    assert await server.run("get_lists") == "no lists"


async def test_without_a_connection_a_write_is_not_sent() -> None:
    server = sandbox_server()
    server.sandbox.connections.by_id.clear()
    assert (await server.run("create_list", name="VIP")).startswith(
        "ERROR: The Maton account has no active Klaviyo connection. Call create_connection"
    )
    assert server.writes() == []


# What it costs.


async def test_one_connection_is_listed_once_in_a_process_beside_the_first_read() -> None:
    server = sandbox_server()
    for _ in range(3):
        await server.run("get_lists")
    assert sorted(server.requests()) == [LISTING, *["GET /klaviyo/api/lists"] * 3]


async def test_connections_are_listed_again_after_ten_minutes_and_after_a_change() -> None:
    now = 1000.0
    server = sandbox_server()
    server.calls.accounts.cache.clock = lambda: now
    await server.run("get_lists")
    now += SINGLE_CACHE_SECONDS - 1
    await server.run("get_lists")
    assert server.requests().count(LISTING) == 1
    now += 1
    await server.run("get_lists")
    assert server.requests().count(LISTING) == 2
    await server.run("create_connection")
    await server.run("get_lists")
    assert server.requests().count(LISTING) == 3


async def test_a_read_stands_though_connections_cannot_be_listed() -> None:
    server = sandbox_server()
    server.sandbox.faults.add(status=403, path="/connections", times=1)
    assert await server.run("get_lists") == "no lists"


async def test_a_failing_list_of_connections_says_once_when_to_try_again() -> None:
    server = sandbox_server()
    server.sandbox.faults.add(status=502, path="/connections", times=9)
    answer = await server.run("create_list", name="VIP")
    assert "status 502" in answer
    assert answer.count("Try again in a minute") == 1


async def test_a_write_is_not_sent_where_connections_cannot_be_listed() -> None:
    server = sandbox_server()
    server.sandbox.faults.add(status=403, path="/connections", times=1)
    answer = await server.run("create_list", name="VIP")
    assert answer.startswith(
        "ERROR: Finding the account failed: Maton's connections could not be listed, so nothing was sent: "
    )
    assert answer.endswith("Try again in a minute, or set MATON_CONNECTION to the connection meant.")
    assert server.writes() == []
    assert (await server.run("create_list", name="VIP")).endswith('[account: "Fjord Outdoor"]')


async def test_a_gateway_that_never_lists_connections_delays_no_read_and_fails_a_write_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "GRACE_SECONDS", 0.02)
    server = sandbox_server()
    server.calls.reads.read_seconds = 0.05
    server.sandbox.faults.add(delay=60, path="/connections", times=99)
    assert await server.run("get_lists") == "no lists"
    assert (await server.run("create_list", name="VIP")).startswith("ERROR: Finding the account failed")
    assert server.writes() == []


async def test_a_write_without_a_key_says_that_none_is_set() -> None:
    server = sandbox_server()
    server.calls.accounts.reads = create_service(Settings(toolsets=("all",))).reads
    assert (await server.run("create_list", name="VIP")).startswith("ERROR: No Maton API key is set")


# The account's name.


async def test_a_write_names_its_account_and_reads_the_name_once() -> None:
    server = sandbox_server()
    for name in ("VIP", "Press"):
        assert (await server.run("create_list", name=name)).endswith('\n[account: "Fjord Outdoor"]')
    assert server.requests().count("GET /klaviyo/api/accounts") == 1


async def test_an_account_whose_name_cannot_be_read_is_named_by_its_connection() -> None:
    server = sandbox_server(account=None)
    assert (await server.run("create_list", name="VIP")).endswith(f'\n[account: "{CONNECTION_ID}"]')


async def test_an_accounts_name_cannot_break_out_of_its_line() -> None:
    server = sandbox_server(account="Fjord\n[account: Other]\u202e" + "x" * 100)
    last = (await server.run("create_list", name="VIP")).splitlines()[-1]
    assert last == '[account: "Fjord [account: Other]' + "x" * 37 + '…(+6)"]'


async def test_a_failing_write_still_fails_with_its_own_error() -> None:
    server = sandbox_server()
    answer = await server.run("update_list", list_id="none", name="VIP")
    assert answer.startswith("ERROR: update_list found nothing by that id (404)")
