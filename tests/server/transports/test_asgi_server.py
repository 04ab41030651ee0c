from __future__ import annotations

import asyncio
import socket

import pytest

from klaviyo_mcp.settings import StartupError
from klaviyo_mcp.transports.asgi_server import bind


def test_connections_send_at_once_without_nagle() -> None:
    async def sends_at_once() -> bool:
        accepted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection: socket.socket = writer.get_extra_info("socket")
            accepted.set_result(bool(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
            writer.close()

        async with await asyncio.start_server(serve, sock=bound):
            _, writer = await asyncio.open_connection(*bound.getsockname())
            writer.close()
            return await accepted

    bound = bind("127.0.0.1", 0)
    assert asyncio.run(sends_at_once())


def test_a_port_that_is_taken_is_named() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartupError, match=f"cannot listen on 127.0.0.1 port {port}: address already in use"):
            bind("127.0.0.1", port)
