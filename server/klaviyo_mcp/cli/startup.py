"""The garbage collector at the start of the process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

GC_THRESHOLD = 10_000
"""New objects after which the garbage collector runs.

A page of a hundred records creates more than the 700 that Python waits for up to 3.12: the collector ran several times
for each page and found nothing.
"""


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Import with the garbage collector off, and exempt the imported objects from it for good.

    Imports create some hundred thousand objects, nearly all of which stay. Collecting among them takes a tenth of the
    time to the first tools/list.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        gc.enable()
