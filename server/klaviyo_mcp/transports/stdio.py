"""Serving one client over standard input and output."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, NoReturn, cast

import anyio
from mcp.server.stdio import stdio_server

from klaviyo_mcp.protocol import server as app
from klaviyo_mcp.settings import SettingsError
from klaviyo_mcp.transports import pipes

DRAIN_SECONDS = 5.0
"""What calls under way get to end once the input has ended; whoever waits for less sends a signal."""
SETTLE_SECONDS = 0.05
"""What was read takes so long at most to become a call, and what was answered to be written."""
CLOSE_SECONDS = 2


def run(calls: app.ToolService) -> None:
    """Serve until standard input ends, or SIGINT or SIGTERM; those exit with 130 and 143, as shells expect.

    A signal ends the calls under way, and each tells its client; a second one waits for nothing. Raises SettingsError
    where there are no standard streams.
    """
    if sys.stdin is None or sys.stdout is None:
        raise SettingsError("standard input or output is closed: a client speaks to this server through them")
    try:
        code = anyio.run(_serve, calls)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseExceptionGroup as failed:
        if failed.split((BrokenPipeError, ConnectionResetError))[1] is not None:
            raise
        _leave(0)  # the client went away while an answer was being written
    if code:
        _leave(code)


async def _serve(calls: app.ToolService) -> int:
    caught = 0
    shell = app.Handlers(calls)
    server = app.server_of(shell)
    serving = anyio.CancelScope()

    async def drain(writer: pipes.LineWriter) -> None:
        """The input has ended: let what was asked end as well, and be written, however slow its reader is."""
        with anyio.move_on_after(DRAIN_SECONDS):
            await anyio.sleep(SETTLE_SECONDS)
            await shell.idle()
        await shell.stop()
        await writer.quiet(SETTLE_SECONDS)

    async def end() -> None:
        await shell.stop()
        await anyio.sleep(SETTLE_SECONDS)
        serving.cancel()
        await anyio.sleep(CLOSE_SECONDS)
        _leave(128 + caught)  # who does not read holds the streams open

    async def watch() -> None:
        nonlocal caught
        with (
            contextlib.suppress(NotImplementedError),  # Windows has no signal handlers on the loop
            anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
        ):
            async for number in signals:
                if caught:
                    _leave(128 + number)
                caught = int(number)
                group.start_soon(end)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        async with _streams(drain) as (reading, writing):
            # What stays in the buffer of a stray print would be flushed on the wire once stdout is given back.
            with contextlib.redirect_stdout(sys.stderr), serving:
                await server.run(reading, writing, server.create_initialization_options())
            with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_SECONDS):
                await calls.aclose()
            if caught:
                _leave(128 + caught)  # a thread that waits for standard input could not be called off
        group.cancel_scope.cancel()
    return 0


@contextlib.asynccontextmanager
async def _streams(drain: Callable[[pipes.LineWriter], Awaitable[None]]) -> AsyncIterator[tuple[Any, Any]]:
    """The streams of messages; `drain` is awaited between the end of the input and that of its stream.

    Not so for files and terminals, which the library reads: what they leave under way is called off with their end.
    """
    if not pipes.can_wait():
        async with stdio_server() as streams:
            yield streams
        return
    with pipes.claim_streams() as (lines, writer):
        lines.ended = partial(drain, writer)
        # Of a file the library uses what these two have.
        async with stdio_server(cast("Any", lines), cast("Any", writer)) as streams:
            yield streams


def _leave(code: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(code)
