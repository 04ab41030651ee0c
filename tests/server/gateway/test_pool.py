"""Connections to the gateway: many at once, few one after another, none leaked, and httpx's errors for every fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpcore
import httpx
import pytest
from tests.server.fake_gateway import Answer, FakeGateway, Fault, Step, fake_gateway

from klaviyo_mcp.gateway.pool import HTTPCORE_ERRORS, ConnectionPool, httpx_error

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def connected(
    *steps: Step, most: int, idle: float = 15.0
) -> AsyncIterator[tuple[FakeGateway, httpx.AsyncClient]]:
    async with fake_gateway(*steps) as upstream:
        transport = ConnectionPool(upstream.url, most, idle)
        async with httpx.AsyncClient(transport=transport, base_url=upstream.url, timeout=None) as client:
            yield upstream, client


async def all_at_once(upstream: FakeGateway, client: httpx.AsyncClient, count: int, hold: asyncio.Event) -> None:
    """So many requests, which the upstream answers when it has them all."""
    requests = [asyncio.create_task(client.get("/")) for _ in range(count)]
    while len(upstream.requests) < count:
        upstream.arrived.clear()
        await upstream.arrived.wait()
    hold.set()
    await asyncio.gather(*requests)


async def test_requests_at_once_have_a_connection_each_and_later_ones_reuse_them() -> None:
    hold = asyncio.Event()
    async with connected(*[Answer(hold=hold)] * 20, Answer(), most=100) as (upstream, client):
        await all_at_once(upstream, client, 20, hold)
        assert upstream.connections == 20
        for _ in range(5):
            await client.get("/")
        await asyncio.gather(*(client.get("/") for _ in range(20)))
        assert upstream.connections == 20
    await upstream.closed()


async def test_requests_one_after_another_share_one_connection() -> None:
    async with connected(Answer(), most=100) as (upstream, client):
        for _ in range(5):
            await client.get("/")
        assert upstream.connections == 1


async def test_requests_beyond_the_most_connections_wait() -> None:
    async with connected(Answer(), most=2) as (upstream, client):
        answers = await asyncio.gather(*(client.get("/") for _ in range(12)))
        assert [answer.status_code for answer in answers] == [200] * 12
        assert upstream.most_open == 2


async def test_a_broken_connection_frees_its_slot() -> None:
    async with connected(*[Fault.RESET] * 3, Answer(), most=1) as (_, client):
        for _ in range(3):
            with pytest.raises(httpx.ReadError):
                await client.get("/")
        assert (await client.get("/")).status_code == 200


async def test_an_answer_that_breaks_off_frees_its_slot() -> None:
    async with connected(Answer(body=b"cut", cut=2), Answer(), most=1) as (_, client):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")
        assert (await client.get("/")).status_code == 200


async def test_a_cancelled_request_frees_its_slot() -> None:
    async with connected(Fault.SILENCE, Answer(), most=1) as (upstream, client):
        with anyio.move_on_after(0.1) as given_up:
            await client.get("/")
        assert given_up.cancelled_caught
        assert (await client.get("/")).status_code == 200
        assert upstream.connections == 2
    await upstream.closed()


async def test_a_request_that_is_cancelled_while_it_waits_takes_no_slot() -> None:
    hold = asyncio.Event()
    async with connected(Answer(hold=hold), Answer(), most=1) as (upstream, client):
        first = asyncio.create_task(client.get("/"))
        await upstream.arrived.wait()
        with anyio.move_on_after(0.05) as given_up:
            await client.get("/")
        assert given_up.cancelled_caught
        hold.set()
        assert (await first).status_code == 200
        assert (await client.get("/")).status_code == 200
        assert upstream.most_open == 1


async def test_a_body_that_is_not_read_closes_its_connection_and_frees_its_slot() -> None:
    async with connected(Answer(body=b"x" * 1_000_000), Answer(), most=1) as (upstream, client):
        async with client.stream("GET", "/") as response:
            assert response.status_code == 200
        assert (await client.get("/")).status_code == 200
    await upstream.closed()


async def test_a_connection_that_the_gateway_has_closed_is_not_reused() -> None:
    async with connected(Answer(body=b"all", cut=3), Answer(), most=5) as (upstream, client):
        assert (await client.get("/")).content == b"all"
        await upstream.closed()
        assert (await client.get("/")).status_code == 200
        assert upstream.connections == 2


async def test_connections_that_were_idle_for_too_long_are_closed_at_the_next_request() -> None:
    hold = asyncio.Event()
    async with connected(*[Answer(hold=hold)] * 3, Answer(), most=5, idle=0.05) as (upstream, client):
        await all_at_once(upstream, client, 3, hold)
        await asyncio.sleep(0.1)
        await client.get("/")
        while upstream.open > 1:
            upstream.disconnected.clear()
            await upstream.disconnected.wait()
        assert upstream.connections == 4


async def test_a_request_that_outlasts_the_pool_closes_its_connection_at_its_end() -> None:
    hold = asyncio.Event()
    async with fake_gateway(Answer(hold=hold)) as upstream:
        transport = ConnectionPool(upstream.url, 5, 15.0)
        client = httpx.AsyncClient(transport=transport)
        requests = asyncio.create_task(client.get(upstream.url))
        await upstream.arrived.wait()
        await transport.aclose()
        hold.set()
        assert (await requests).status_code == 200
        await upstream.closed()


async def test_a_failed_connection_raises_and_frees_its_slot() -> None:
    async with fake_gateway(Answer()) as upstream:
        nobody = upstream.url
    async with httpx.AsyncClient(transport=ConnectionPool(nobody, 1, 15.0)) as client:
        for _ in range(2):
            with pytest.raises(httpx.ConnectError):
                await client.get(nobody)


@pytest.mark.parametrize(
    "kind", [k for k in vars(httpcore).values() if isinstance(k, type) and issubclass(k, HTTPCORE_ERRORS)]
)
def test_every_error_of_httpcore_becomes_the_error_of_httpx_with_that_name(kind: type[Exception]) -> None:
    error = httpx_error(kind("why"))
    assert type(error).__name__ == kind.__name__
    assert isinstance(error, httpx.TransportError)
    assert str(error) == "why"
