"""Klaviyo's documents beside the checkout: required in CI, skipped where they are absent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from klaviyo_tools.drift.check import Document

KLAVIYO = Path(__file__).parents[3] / "shared" / "klaviyo"


def load(name: str) -> Any:
    path = KLAVIYO / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{name} must be there when CI is set")
        pytest.skip(f"{name} is not beside the checkout")
    return json.loads(path.read_text())


REVISIONS = ("2026-01-15", "2026-07-15")


@pytest.fixture(scope="session", params=REVISIONS)
def document(request: pytest.FixtureRequest) -> Document:
    """Klaviyo's document of the oldest revision that is spoken, and of the newest."""
    return Document(load(f"openapi-{request.param}.json"))


@pytest.fixture(scope="session")
def table() -> dict[str, dict[str, Any]]:
    return {row["operation"]: row for row in load("operations.json")}
