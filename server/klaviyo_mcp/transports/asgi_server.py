"""Serves an ASGI application on a port; with `connections`, the only module that knows uvicorn."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import anyio
import uvicorn
from starlette.types import ASGIApp

from klaviyo_mcp.settings import StartupError
from klaviyo_mcp.transports.connections import ConnectionLimits, OpenConnections
from klaviyo_mcp.transports.signals import received_signals

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 6.0
"""Time for calls to end after SIGTERM: with the closing of streams, less than the 10 s that Docker waits."""
CLOSE_SECONDS = 2
BACKLOG = 1_024
"""Connections that the kernel holds until they are accepted; in a burst of more, clients wait for seconds."""
ACCEPT_BATCH = 16
"""Connections accepted in one turn of the event loop.

asyncio takes it from the backlog that it is given, and logs an error for each of a turn's where descriptors run out.
"""
MAX_HEADERS_BYTES = 32_768

DEFAULT_LIMITS = ConnectionLimits()

Drain = Callable[[float], Awaitable[None]]
"""Lets the calls end within some seconds."""
Announce = Callable[[int], object]
"""Called with the port once requests are answered."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: calls must end before the streams that carry their answers are closed."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], object]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for bound in sockets or []:
            bound.listen(BACKLOG)
        if self.started:
            self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        """Close the streams and stop.

        The library of the event streams replaces this handler to learn of the end, so it must be called.
        """
        self.handle_exit(signal.SIGTERM, None)


def serve(
    application: ASGIApp,
    host: str,
    port: int,
    announce: Announce,
    drain: Drain | None = None,
    limits: ConnectionLimits = DEFAULT_LIMITS,
) -> None:
    """Serve until SIGINT or SIGTERM, then drain and stop; a second signal stops at once.

    Raises:
        StartupError: The address cannot be listened on.
    """
    bound = bind(host, port)
    anyio.run(serve_socket, application, bound, announce, drain, limits)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises StartupError where the address is taken, unknown or not allowed."""
    name = host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        bound = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        raise StartupError(
            f"cannot listen on {host} port {port}: {(error.strerror or 'no such address').lower()}"
        ) from None
    # asyncio sets TCP_NODELAY only where a socket says that it is TCP; without it each answer took 40 ms more.
    return socket.socket(bound.family, bound.type, socket.IPPROTO_TCP, fileno=bound.detach())


async def serve_socket(
    application: ASGIApp,
    bound: socket.socket,
    announce: Announce,
    drain: Drain | None = None,
    limits: ConnectionLimits = DEFAULT_LIMITS,
) -> None:
    """Serve on a listening socket, as `serve` does."""
    connections = OpenConnections(limits)
    config = uvicorn.Config(
        application,
        http=connections.protocol_factory(),
        backlog=ACCEPT_BATCH,
        timeout_keep_alive=limits.keep_alive,
        h11_max_incomplete_event_size=MAX_HEADERS_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    port = bound.getsockname()[1]
    server = _Server(config, lambda: announce(port))
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_on_signal, server, drain)
        group.start_soon(connections.enforce_times)
        await server.serve(sockets=[bound])
        group.cancel_scope.cancel()


async def _stop_on_signal(server: _Server, drain: Drain | None) -> None:
    drain_seconds = DRAIN_SECONDS
    with received_signals() as signals:
        async with anyio.create_task_group() as group:
            async for number in signals:
                logger.info("stopping", extra={"facts": {"signal": signal.Signals(number).name}})
                group.start_soon(_stop, server, drain, drain_seconds)
                drain_seconds = 0.0


async def _stop(server: _Server, drain: Drain | None, seconds: float) -> None:
    if drain is not None:
        await drain(seconds)
    server.close()
