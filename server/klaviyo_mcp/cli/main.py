"""The entry point of the command."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

GC_THRESHOLD = 10_000
"""New objects after which the garbage collector goes through them. A page of a hundred records makes the 700 that
Python waits for up to 3.12: it went through them again and again, and found nothing."""


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Import without the garbage collector, and keep what was imported from its sight for good.

    Importing makes some hundred thousand objects, nearly all of which stay: going through them again and again takes
    a tenth of the time to the first tools/list.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        gc.enable()


def main() -> None:
    """Run the command `klaviyo-mcp`."""
    with without_garbage_collection():
        from klaviyo_mcp.cli.commands import main as command
    command(prog_name="klaviyo-mcp")
