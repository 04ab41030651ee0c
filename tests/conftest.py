"""Settings and fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# No deadlines: how long an example takes depends on the machine and on what else runs there.
settings.register_profile("klaviyo", deadline=None)
settings.load_profile("klaviyo")


@pytest.fixture(autouse=True, scope="session")
def _state_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state directory for every process that a test starts: no test writes into the user's own."""
    directory = tmp_path_factory.mktemp("state")
    os.environ["XDG_STATE_HOME"] = str(directory)
    yield directory
    del os.environ["XDG_STATE_HOME"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
