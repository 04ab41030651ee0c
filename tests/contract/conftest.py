"""The documents that the declarations are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.contract.openapi import published, restore

from klaviyo_mcp.sandbox.contract.contract import CONTRACT_REVISIONS, read_contract
from klaviyo_tools.drift.openapi import Document


@pytest.fixture(
    scope="session", params=[f"{kind}-{one}" for one in CONTRACT_REVISIONS for kind in ("shipped", "published")]
)
def document(request: pytest.FixtureRequest) -> Document:
    """Klaviyo's document of a revision: restored from the contract that the package ships, and as published."""
    kind, _, revision = request.param.partition("-")
    return Document(restore(read_contract(revision)) if kind == "shipped" else published(f"openapi-{revision}.json"))


@pytest.fixture(scope="session")
def contract_rows() -> Mapping[str, Mapping[str, Any]]:
    """The operations of the shipped contracts, each as the revision in which it first appeared has it."""
    rows: dict[str, Mapping[str, Any]] = {}
    for revision in CONTRACT_REVISIONS:
        for name, row in read_contract(revision)["operations"].items():
            rows.setdefault(name, row)
    return rows


@pytest.fixture(scope="session")
def table() -> Mapping[str, Mapping[str, Any]]:
    """How a reader of Klaviyo's documents judges each operation: its effect, its aliases, whether it is needed."""
    return {row["operation"]: row for row in published("operations.json")}
