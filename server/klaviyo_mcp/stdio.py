"""Serving one client over standard input and output."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

import anyio
from mcp.server.stdio import stdio_server

from . import app
from .calls import Calls


def run(calls: Calls) -> None:
    """Serve until standard input ends, or SIGINT or SIGTERM; those exit with 130 and 143, as shells expect."""
    caught = anyio.run(_serve, calls)
    if caught:
        _leave(128 + caught)


async def _serve(calls: Calls) -> int:
    server = app.create(calls)
    caught = 0

    async def watch() -> None:
        nonlocal caught
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                caught = int(number)
                group.cancel_scope.cancel()
                with anyio.CancelScope(shield=True), anyio.move_on_after(2):
                    await calls.aclose()
                # The thread that waits for standard input cannot be called off.
                _leave(128 + caught)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
        await calls.aclose()
        group.cancel_scope.cancel()
    return caught


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
