"""The seeded account, built once."""

from __future__ import annotations

import pytest
from tests.server.sandbox.life.seeded import seeded_store

from klaviyo_mcp.sandbox.state.store import Store


@pytest.fixture(scope="session")
def account() -> Store:
    """The store of the seeded account. Tests read it only."""
    return seeded_store()
