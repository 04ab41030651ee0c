"""Standard input and output of a client that reads and writes pipes or sockets, without threads.

The protocol library hands every line in, every line out and every flush to a thread, which takes longer than all else
it does for a call. A descriptor that can be waited for needs none.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

_CHUNK = 65_536


def can_wait() -> bool:
    """Whether both standard streams can be waited for: files, terminals and Windows' pipes are left to threads."""
    if sys.platform == "win32":
        return False
    try:
        modes = [os.fstat(number).st_mode for number in (0, 1, 2)]
    except OSError:  # one of them is closed
        return False
    return all(stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) for mode in modes[:2])


@contextmanager
def claim_streams() -> Iterator[tuple[LineReader, LineWriter]]:
    """Standard input and output for the protocol alone: meanwhile 0 is the null device and 1 is standard error, so that
    no stray print, of a child process either, gets on the wire."""
    wires = [os.dup(number) for number in (0, 1)]
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout.flush()
    try:
        yield LineReader(wires[0]), LineWriter(wires[1])
    finally:
        sys.stdout.flush()
        for number, wire in enumerate(wires):
            os.dup2(wire, number)
            os.close(wire)


class LineReader:
    """The lines that arrive at a descriptor, without their ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.ended: Callable[[], Awaitable[None]] | None = None
        """Awaited after the last line, before there are no more."""

    async def __aiter__(self) -> AsyncIterator[str]:
        begun: list[bytes] = []
        while True:
            await anyio.wait_readable(self._descriptor)
            part = os.read(self._descriptor, _CHUNK)
            *ends, rest = part.split(b"\n")
            for end in ends:
                yield b"".join((*begun, end)).decode("utf-8", "replace")
                begun.clear()
            if rest:
                begun.append(rest)
            if not part:
                break
        if begun:
            yield b"".join(begun).decode("utf-8", "replace")
        if self.ended is not None:
            await self.ended()


class LineWriter:
    """Text for a descriptor whose reader may be slow: written as far as it takes without blocking, then waited for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)
        self._begun = self._done = 0

    async def write(self, text: str) -> None:
        """Write all of it. Raises OSError where nobody reads any more."""
        self._begun += 1
        left = memoryview(text.encode())
        while left:
            # What is ready takes this many bytes at least (POSIX), so that the descriptor need not be set non-blocking:
            # that would change it for every process that shares it.
            while left and self._ready.poll(0):
                left = left[os.write(self._descriptor, left[: select.PIPE_BUF]) :]
            if left:
                await anyio.wait_writable(self._descriptor)
        self._done += 1

    async def quiet(self, seconds: float) -> None:
        """Wait until nothing is being written, and nothing was begun for so long."""
        before = -1
        while before != self._begun or self._begun != self._done:
            before = self._begun
            await anyio.sleep(seconds)

    async def flush(self) -> None:
        """Nothing is held back."""
