"""The signals that end a server, on systems whose event loop handles them and on those whose event loop does not."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import FrameType

import anyio

ENDING_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name))
"""Ctrl-C, the end that a process manager asks for, and Ctrl-Break of Windows."""


@contextmanager
def received_signals() -> Iterator[AsyncIterator[signal.Signals]]:
    """The signals that arrive during the block, instead of their usual effect. For the main thread alone."""
    with contextlib.ExitStack() as stack:
        try:
            signals = stack.enter_context(anyio.open_signal_receiver(*ENDING_SIGNALS))
        except NotImplementedError:  # Windows
            signals = stack.enter_context(_signals_of_handlers())
        yield signals


@contextmanager
def _signals_of_handlers() -> Iterator[AsyncIterator[signal.Signals]]:
    loop = asyncio.get_running_loop()
    sending, receiving = anyio.create_memory_object_stream[signal.Signals](math.inf)

    def note(number: int, _: FrameType | None) -> None:
        # The event loop sleeps in a system call: only a call from "another thread" wakes it.
        loop.call_soon_threadsafe(sending.send_nowait, signal.Signals(number))

    with sending, receiving:
        previous = {number: signal.signal(number, note) for number in ENDING_SIGNALS}
        try:
            yield receiving
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
