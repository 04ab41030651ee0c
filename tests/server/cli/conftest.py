"""What every test of a command needs: an environment without settings, and the log of the tests put back."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def restored_log() -> Iterator[None]:
    """A command configures the log of its process; this puts the log of the tests back."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("MATON_", "KLAVIYO_")):
            monkeypatch.delenv(name)
