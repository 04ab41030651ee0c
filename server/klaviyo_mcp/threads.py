"""Work on a large answer of Klaviyo's happens in a thread, so that other calls go on meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread

T = TypeVar("T")

LARGE_BYTES = 256_000
"""An answer with more bytes is decoded and shown in a thread. Below, the thread costs more than it saves."""


async def run_sized(size: int, work: Callable[[], T]) -> T:
    """The result of work on `size` bytes: in a thread where these are more than `LARGE_BYTES`, else at once."""
    return await anyio.to_thread.run_sync(work) if size > LARGE_BYTES else work()
