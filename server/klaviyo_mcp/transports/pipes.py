"""Standard input and output of a client; pipes and sockets without threads.

The protocol library hands every line in, every line out and every flush to a thread, which takes longer than all else
it does for a call. A descriptor that the event loop can wait for needs no thread. Files, terminals and Windows' pipes
need one for each chunk.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio
import anyio.lowlevel
import anyio.to_thread

_CHUNK_BYTES = 65_536
_LOOP_TURNS = 100
"""Turns of the event loop: more than a message needs from its line to its call, or from its answer to its write."""


def can_wait() -> bool:
    """Whether the event loop can wait for both standard streams. Files, terminals and Windows' pipes need threads."""
    if sys.platform == "win32":
        return False
    try:
        modes = [os.fstat(number).st_mode for number in (0, 1, 2)]
    except OSError:  # one of them is closed
        return False
    return all(stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) for mode in modes[:2])


async def run_ready_tasks() -> None:
    """Let every task that is ready run on. On a busy machine a wait in seconds can end before they did."""
    for _ in range(_LOOP_TURNS):
        await anyio.lowlevel.checkpoint()


@contextmanager
def claim_streams() -> Iterator[tuple[LineReader, LineWriter]]:
    """Reserve standard input and output for the protocol.

    Meanwhile descriptor 0 is the null device and 1 is standard error, so that no stray print, even of a child process,
    reaches the client.
    """
    is_awaitable = can_wait()
    descriptors = [os.dup(number) for number in (0, 1)]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout.flush()
    try:
        yield (
            LineReader(descriptors[0]) if is_awaitable else ThreadLineReader(descriptors[0]),
            LineWriter(descriptors[1]) if is_awaitable else ThreadLineWriter(descriptors[1]),
        )
    finally:
        sys.stdout.flush()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)


class LineReader:
    """The lines that arrive at a descriptor, without their ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.on_end: Callable[[], Awaitable[None]] | None = None
        """Awaited after the last line, before the iteration ends."""

    async def __aiter__(self) -> AsyncIterator[str]:
        line_parts: list[bytes] = []
        while True:
            chunk = await self._read()
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                yield b"".join((*line_parts, end)).decode("utf-8", "replace")
                line_parts.clear()
            if rest:
                line_parts.append(rest)
            if not chunk:
                break
        if line_parts:
            yield b"".join(line_parts).decode("utf-8", "replace")
        if self.on_end is not None:
            await self.on_end()

    async def _read(self) -> bytes:
        """What has arrived; nothing at the end."""
        await anyio.wait_readable(self._descriptor)
        return os.read(self._descriptor, _CHUNK_BYTES)


class ThreadLineReader(LineReader):
    """The lines of a descriptor that the event loop cannot wait for."""

    async def _read(self) -> bytes:
        # Nothing ends a read of an open terminal: where it is cancelled, the thread is left behind.
        return await anyio.to_thread.run_sync(os.read, self._descriptor, _CHUNK_BYTES, abandon_on_cancel=True)


class LineWriter:
    """Text for a descriptor whose reader may be slow: what it takes is written without blocking, then it waits."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll: select.poll | None = None
        self._started_writes = self._finished_writes = 0

    async def write(self, text: str) -> None:
        """Write all of it. Raises OSError where nobody reads any more."""
        self._started_writes += 1
        await self._write(memoryview(text.encode()))
        self._finished_writes += 1

    async def wait_until_quiet(self, seconds: float) -> None:
        """Wait until nothing is being written, and no write was started for that long."""
        started_before = -1
        while started_before != self._started_writes or self._started_writes != self._finished_writes:
            started_before = self._started_writes
            await anyio.sleep(seconds)
            await run_ready_tasks()

    async def flush(self) -> None:
        """Nothing is buffered."""

    async def _write(self, rest: memoryview) -> None:
        if self._poll is None:
            self._poll = select.poll()
            self._poll.register(self._descriptor, select.POLLOUT)
        while rest:
            # A descriptor that is ready takes PIPE_BUF bytes at least (POSIX), so that it need not be set non-blocking:
            # that would change it for every process that shares it.
            while rest and self._poll.poll(0):
                rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]
            if rest:
                await anyio.wait_writable(self._descriptor)


class ThreadLineWriter(LineWriter):
    """Text for a descriptor that the event loop cannot wait for."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor)
        self._turn = anyio.Lock()

    async def _write(self, rest: memoryview) -> None:
        async with self._turn:
            while rest:
                rest = rest[await anyio.to_thread.run_sync(os.write, self._descriptor, rest) :]
