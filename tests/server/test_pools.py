"""Connections to the gateway: many at once, few in turn, none forgotten."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from klaviyo_mcp.pools import Pools

from .upstream import Answer, Fault, serve

pytestmark = pytest.mark.anyio


async def test_calls_at_once_have_a_connection_each_and_later_ones_use_those() -> None:
    hold = asyncio.Event()
    async with serve(*[Answer(hold=hold)] * 20, Answer()) as upstream:
        async with httpx.AsyncClient(transport=Pools(100, 15.0, verify=False)) as client:
            first = [asyncio.create_task(client.get(upstream.url)) for _ in range(20)]
            while len(upstream.seen) < 20:
                upstream.arrived.clear()
                await upstream.arrived.wait()
            assert upstream.connections == 20
            hold.set()
            await asyncio.gather(*first)
            for _ in range(5):
                await client.get(upstream.url)
            await asyncio.gather(*(client.get(upstream.url) for _ in range(20)))
        assert upstream.connections == 20
        await upstream.closed()


async def test_what_exceeds_the_connections_waits_for_one() -> None:
    async with serve(Answer()) as upstream:
        async with httpx.AsyncClient(transport=Pools(2, 15.0, verify=False)) as client:
            answers = await asyncio.gather(*(client.get(upstream.url) for _ in range(12)))
        assert [answer.status_code for answer in answers] == [200] * 12
        assert upstream.most_open <= 2


async def test_a_broken_connection_leaves_its_place_to_others() -> None:
    transport = Pools(1, 15.0, verify=False)
    async with serve(*[Fault.RESET] * 3, Answer()) as upstream, httpx.AsyncClient(transport=transport) as client:
        for _ in range(3):
            with pytest.raises(httpx.HTTPError):
                await client.get(upstream.url)
        assert (await client.get(upstream.url)).status_code == 200
