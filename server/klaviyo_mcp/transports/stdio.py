"""Serves one client over standard input and output."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any, NoReturn, cast

import anyio
from anyio.abc import TaskGroup
from mcp.server.stdio import stdio_server

from klaviyo_mcp.protocol import server as protocol
from klaviyo_mcp.settings import StartupError
from klaviyo_mcp.transports import pipes
from klaviyo_mcp.transports.lines import AnswerableLines, MendedMessages
from klaviyo_mcp.transports.signals import received_signals

DRAIN_SECONDS = 5.0
"""Time for running calls to end after the input has ended; a client that waits for less sends a signal."""
SETTLE_SECONDS = 0.05
"""Time for a message that was read to become a call, and for an answer to be written."""
CLOSE_SECONDS = 2


def run(service: protocol.ToolService) -> None:
    """Serve until standard input ends, or SIGINT or SIGTERM; those exit with 130 and 143, as shells expect.

    A signal ends the running calls, each of which tells its client; a second signal exits at once.

    Raises:
        StartupError: There are no standard streams.
    """
    if sys.stdin is None or sys.stdout is None:
        raise StartupError("standard input or output is closed: a client speaks to this server through them")
    try:
        code = anyio.run(_serve, service)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseExceptionGroup as group:
        if group.split((BrokenPipeError, ConnectionResetError))[1] is not None:
            raise
        _exit(0)  # the client went away while an answer was being written
    if code:
        _exit(code)


async def _serve(service: protocol.ToolService) -> int:
    return await StdioSession(service).serve()


class StdioSession:
    """One client, from the first line that it sends to its end or a signal."""

    def __init__(self, service: protocol.ToolService) -> None:
        self._service = service
        self._handlers = protocol.Handlers(service)
        self._serving = anyio.CancelScope()
        self._received_signal = 0

    async def serve(self) -> int:
        """Serve until standard input ends; a signal ends the process. Returns the exit code."""
        server = protocol.server_of(self._handlers)
        async with anyio.create_task_group() as group:
            group.start_soon(self._end_on_signal, group)
            async with _streams(self._drain) as (reader, writer):
                # What stays in the buffer of a stray print would reach the client once stdout is given back.
                with contextlib.redirect_stdout(sys.stderr), self._serving:
                    await server.run(MendedMessages(reader, writer), writer, server.create_initialization_options())
                with anyio.CancelScope(shield=True), anyio.move_on_after(CLOSE_SECONDS):
                    await self._service.aclose()
                if self._received_signal:
                    _exit(128 + self._received_signal)  # a thread that waits for standard input cannot be cancelled
            group.cancel_scope.cancel()
        return 0

    async def _drain(self, writer: pipes.LineWriter) -> None:
        """After the end of the input: let running calls end too and their answers be written, however slowly."""
        with anyio.move_on_after(DRAIN_SECONDS):
            await anyio.sleep(SETTLE_SECONDS)
            await pipes.run_ready_tasks()
            await self._handlers.idle()
        await self._handlers.stop()
        await writer.wait_until_quiet(SETTLE_SECONDS)

    async def _end_on_signal(self, group: TaskGroup) -> None:
        with received_signals() as signals:
            async for number in signals:
                if self._received_signal:
                    _exit(128 + number)
                self._received_signal = int(number)
                group.start_soon(self._end)

    async def _end(self) -> None:
        await self._handlers.stop()
        await anyio.sleep(SETTLE_SECONDS)
        self._serving.cancel()
        await anyio.sleep(CLOSE_SECONDS)
        _exit(128 + self._received_signal)  # a client that stops reading would block a normal exit


@contextlib.asynccontextmanager
async def _streams(drain: Callable[[pipes.LineWriter], Awaitable[None]]) -> AsyncIterator[tuple[Any, Any]]:
    """The streams of messages; `drain` is awaited between the end of the input and that of its stream."""
    with pipes.claim_streams() as (lines, writer):
        lines.on_end = partial(drain, writer)
        # The SDK only iterates, writes and flushes its files; these classes offer that.
        async with stdio_server(cast("Any", AnswerableLines(lines)), cast("Any", writer)) as streams:
            yield streams


def _exit(code: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(code)
