"""Serving one client over standard input and output."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any, NoReturn, cast

import anyio
from mcp.server.stdio import stdio_server

from . import app, descriptors


def run(calls: app.Tools) -> None:
    """Serve until standard input ends, or SIGINT or SIGTERM; those exit with 130 and 143, as shells expect."""
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


async def _serve(calls: app.Tools) -> int:
    caught = 0
    server = app.create(calls)

    async def watch(serving: anyio.CancelScope) -> None:
        nonlocal caught
        with (
            contextlib.suppress(NotImplementedError),  # Windows has no signal handlers on the loop
            anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals,
        ):
            async for number in signals:
                caught = int(number)
                serving.cancel()

    async with anyio.create_task_group() as group:
        serving = anyio.CancelScope()
        group.start_soon(watch, serving)
        async with _streams() as (reading, writing):
            # What stays in the buffer of a stray print would be flushed on the wire once stdout is given back.
            with contextlib.redirect_stdout(sys.stderr), serving:
                await server.run(reading, writing, server.create_initialization_options())
            with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                await calls.aclose()
            if caught:
                _leave(128 + caught)  # the thread that waits for standard input cannot be called off
        group.cancel_scope.cancel()
    return 0


@contextlib.asynccontextmanager
async def _streams() -> AsyncIterator[tuple[Any, Any]]:
    if not descriptors.waitable():
        async with stdio_server() as streams:
            yield streams
        return
    with descriptors.claimed() as (lines, writer):
        # Of a file the library uses what these two have.
        async with stdio_server(cast("Any", lines), cast("Any", writer)) as streams:
            yield streams


def _leave(code: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(code)
