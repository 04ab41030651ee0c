"""The declarations against Klaviyo's document and the table computed from it, in both directions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from klaviyo_tools.catalog import STANDARD, catalog
from klaviyo_tools.check import Document, compare
from klaviyo_tools.operation import Effect, Operation, Rate
from klaviyo_tools.request import Service

KLAVIYO = [operation for operation in catalog().values() if operation.service is Service.KLAVIYO]
EFFECTS = {
    "read": Effect.READ,
    "write": Effect.WRITE,
    "delete": Effect.DELETE,
    "comms_or_consent": Effect.REACHES_PEOPLE,
    "irreversible": Effect.IRREVERSIBLE,
}
# An event is a write although a flow may start from it: its description says so.
WRITES = {"create_event", "bulk_create_events"}


def test_klaviyo_takes_every_request_of_ours_and_all_it_takes_is_reachable(
    document: Document,
) -> None:
    found = [d for d in compare(document, catalog()) if "is not declared" not in d.text]
    assert [str(difference) for difference in found] == []


def test_the_mission_is_declared_whole(table: dict[str, dict[str, Any]]) -> None:
    mission = {name for name, row in table.items() if row["in_mission"]}
    assert len(mission) == 98
    assert mission - set(catalog()) == set()
    reports = {name for name in STANDARD.split() if name.startswith("query_")} - {"query_metric_aggregates"}
    assert set(STANDARD.split()) == mission | reports | {
        "list_connections",
        "create_connection",
        "get_connection",
        "delete_connection",
    }
    assert Counter(STANDARD.split()).most_common(1)[0][1] == 1


@pytest.mark.parametrize("operation", KLAVIYO, ids=lambda operation: operation.name)
def test_a_declaration_says_what_the_table_says(operation: Operation, table: dict[str, dict[str, Any]]) -> None:
    row = table[operation.name]
    assert (operation.method, operation.since) == (row["method"], row["since"])
    assert set(operation.scopes) == set(row["scopes"])
    assert operation.rate == _rate(row["rate_limit"])
    assert set(operation.aliases) == set(row.get("aliases", ()))
    if operation.name not in WRITES and "effect" in row:
        assert operation.effect is EFFECTS[row["effect"]]
    filters = row.get("filter", {}).get("fields", {})
    assert {name: set(operators.split()) for name, operators in operation.filter.items()} == {
        name: set(operators) for name, operators in filters.items()
    }
    assert bool(operation.filter_required) == row.get("filter", {}).get("required", False)
    assert operation.paged == (operation.name != "query_metric_aggregates" and "cursor" in row)


def _rate(limits: dict[str, Any]) -> Rate:
    def number(text: str) -> int:
        return int(text.partition("/")[0])

    daily = limits.get("daily")
    return Rate(number(limits["burst"]), number(limits["steady"]), number(daily) if daily else None)


@pytest.mark.parametrize("operation", KLAVIYO, ids=lambda operation: operation.name)
def test_conditional_limits_are_declared(operation: Operation, table: dict[str, dict[str, Any]]) -> None:
    conditional = table[operation.name]["rate_limit"].get("conditional", [])
    told = {row["when"].partition("=")[2]: _rate(row) for row in conditional}
    # The table names the resource type where the argument names the relationship.
    declared = operation.slower
    assert {name.removesuffix("s") for name in declared} == {name.removesuffix("s") for name in told}
    assert set(declared.values()) == set(told.values())
