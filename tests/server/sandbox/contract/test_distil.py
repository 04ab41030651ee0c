"""Distilling: the shipped contracts are made from Klaviyo's documents, and contain what those say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest
from tests.contract.openapi import published, restore

from klaviyo_mcp.sandbox.contract.contract import CONTRACT_REVISIONS, READ_REVISIONS, read_contract
from klaviyo_mcp.sandbox.contract.distil import distil


@pytest.mark.parametrize("revision", [*CONTRACT_REVISIONS, *READ_REVISIONS])
def test_the_shipped_contract_is_what_klaviyos_document_distils_to(revision: str) -> None:
    package = files("klaviyo_mcp.sandbox.contract")
    shipped = package.joinpath(f"contract-{revision}.json").read_text("utf-8")
    tables = ["operations.json", *(f"operations-{one}.json" for one in READ_REVISIONS)]
    operations = [row for name in tables for row in published(name)]
    assert distil(published(f"openapi-{revision}.json"), operations) == shipped
    assert len(shipped.encode()) < 350_000


def test_filters_of_the_contract_are_those_of_the_operations_table() -> None:
    rows = {row["operation"]: row.get("filter", {}).get("fields", {}) for row in published("operations.json")}
    for name, operation in read_contract("2026-01-15")["operations"].items():
        filters = {field: sorted(operators) for field, operators in operation["query"].get("filter", {}).items()}
        assert filters == {field: sorted(operators) for field, operators in rows.get(name, {}).items()}, name


OF_REQUESTS = (
    *("method", "path", "since", "rate", "slower", "scopes", "query", "required", "body", "media_type"),
    *("status", "types", "answers_many", "answers_identifiers"),
)


def request_facts(contract: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {fact: row[fact] for fact in OF_REQUESTS if fact in row} for name, row in contract["operations"].items()
    }


@pytest.mark.parametrize("revision", CONTRACT_REVISIONS)
def test_a_document_restored_from_the_contract_distils_to_the_same_contract(revision: str) -> None:
    contract = read_contract(revision)
    operations = contract["operations"].items()
    rows: list[Mapping[str, Any]] = [{"operation": name, "since": row["since"]} for name, row in operations]
    again = json.loads(distil(restore(contract), rows))
    assert request_facts(again) == request_facts(contract)
    assert again["fields"] == contract["fields"]
    assert {name: contract["shapes"][name] for name in again["shapes"]} == again["shapes"]
    if revision == "2026-01-15":  # the newer one has attributes that show in included resources alone
        assert again == contract
