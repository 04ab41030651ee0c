"""Serving an ASGI application on a port: the only place that knows uvicorn."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator

import anyio
import uvicorn
from starlette.types import ASGIApp

from klaviyo_mcp.settings import SettingsError

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 6.0
"""What calls under way get to end after SIGTERM: with the closing of streams, less than the 10 s that Docker waits."""
CLOSE_SECONDS = 2

Drain = Callable[[float], Awaitable[None]]


class _Uvicorn(uvicorn.Server):
    """Leaves signals to us: calls are to end before the streams that carry their answers are closed."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], object]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def close(self) -> None:
        """Close the streams and stop. The library of the event streams listens to this handler for it."""
        self.handle_exit(signal.SIGTERM, None)


def run(
    application: ASGIApp, host: str, port: int, announce: Callable[[int], object], drain: Drain | None = None
) -> None:
    """Serve until SIGINT or SIGTERM, then `drain` and stop; a second signal drains no longer.

    `announce` is told the port once requests are answered. Raises SettingsError where it cannot listen.
    """
    listening = bind(host, port)
    anyio.run(_serve, application, listening, announce, drain)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises SettingsError where the address is taken, unknown or not allowed."""
    name = host.strip("[]")
    try:
        family, _, _, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        made = socket.create_server(address, family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on {host} port {port}: {(error.strerror or 'no such address').lower()}"
        ) from None
    # asyncio only sends at once (TCP_NODELAY) where a socket says that it is TCP: each answer took 40 ms more.
    return socket.socket(made.family, made.type, socket.IPPROTO_TCP, fileno=made.detach())


async def _serve(
    application: ASGIApp, listening: socket.socket, announce: Callable[[int], object], drain: Drain | None
) -> None:
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    port = listening.getsockname()[1]
    server = _Uvicorn(config, lambda: announce(port))
    async with anyio.create_task_group() as group:
        group.start_soon(_stop_on_signal, server, drain)
        await server.serve(sockets=[listening])
        group.cancel_scope.cancel()


async def _stop_on_signal(server: _Uvicorn, drain: Drain | None) -> None:
    patience = DRAIN_SECONDS
    with (
        contextlib.suppress(NotImplementedError),  # Windows has no signal handlers on the loop
        anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
    ):
        async with anyio.create_task_group() as group:
            async for number in signals:
                logger.info("stopping", extra={"facts": {"signal": signal.Signals(number).name}})
                group.start_soon(_stop, server, drain, patience)
                patience = 0.0


async def _stop(server: _Uvicorn, drain: Drain | None, patience: float) -> None:
    if drain is not None:
        await drain(patience)
    server.close()
