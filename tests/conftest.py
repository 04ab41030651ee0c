"""Settings and fixtures that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

# No deadlines: how long an example takes depends on the machine and on what else runs there.
settings.register_profile("klaviyo", deadline=None)
settings.load_profile("klaviyo")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
