"""The entry point of the command."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Import without the garbage collector, and keep what was imported from its sight for good.

    Importing makes some hundred thousand objects, nearly all of which stay: going through them again and again takes
    a tenth of the time to the first tools/list.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def main() -> None:
    """Run the command `klaviyo-mcp`."""
    with uninterrupted():
        from .cli import main as command
    command(prog_name="klaviyo-mcp")
