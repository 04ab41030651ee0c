"""The declarations against Klaviyo's documents, in both directions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from klaviyo_tools.drift.__main__ import main
from klaviyo_tools.drift.compare import IGNORED_OPERATIONS, UNREACHED_PARAMETERS, compare
from klaviyo_tools.drift.openapi import Document
from klaviyo_tools.operation.facts import OLDEST_REVISION, Effect, Rate
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import registry
from klaviyo_tools.toolsets import STANDARD

Rows = Mapping[str, Mapping[str, Any]]
KLAVIYO_OPERATIONS = [operation for operation in registry().values() if operation.service is Service.KLAVIYO]
EFFECTS = {
    "read": Effect.READ,
    "write": Effect.WRITE,
    "delete": Effect.DELETE,
    "comms_or_consent": Effect.REACHES_PEOPLE,
    "irreversible": Effect.IRREVERSIBLE,
}
DECLARED_AS_WRITES = {"create_event", "bulk_create_events"}
"""An event is a write although a flow may start from it: its description says so."""


def test_klaviyo_takes_every_request_of_ours_and_all_it_takes_is_reachable(document: Document) -> None:
    assert [str(difference) for difference in compare(document, registry())] == []


def test_every_operation_but_those_for_browsers_is_a_tool_or_an_argument(contract_rows: Rows) -> None:
    offered = set(contract_rows)
    assert len(offered) == 333
    declared = {operation.name for operation in KLAVIYO_OPERATIONS}
    assert declared | set(registry().argument_operations) == offered
    assert declared & set(registry().argument_operations) == set()
    old = {name for name in offered if contract_rows[name]["since"] == OLDEST_REVISION}
    at_oldest = {operation.name: operation for operation in registry().at_revision(OLDEST_REVISION)}
    ids = {operation.reading.ids_operation for operation in at_oldest.values() if operation.reading.ids_operation}
    assert (len(old), len(ids)) == (294, 40)
    assert {name for name, one in at_oldest.items() if one.service is Service.KLAVIYO} | ids == old


def test_reads_of_ids_need_the_scopes_of_their_operation_and_have_its_limits(contract_rows: Rows) -> None:
    for name, (tool, _) in registry().argument_operations.items():
        row, operation = contract_rows[name], registry()[tool]
        assert (row["since"], set(row["scopes"])) == (operation.revisions.since, set(operation.scopes)), name
        assert _rate(row["rate"]) == operation.limits.rate, name


def test_the_command_says_how_much_differs(
    capsys: pytest.CaptureFixture[str], document: Document, tmp_path: Path
) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m klaviyo_tools.drift OPENAPI.json …\n"
    path = tmp_path / f"openapi-{document.revision}.json"
    path.write_text(json.dumps(document.content))
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 0 differences, 0 break\n"


def test_what_is_left_out_says_why() -> None:
    assert all(len(reason) > 10 for reason in (*IGNORED_OPERATIONS.values(), *UNREACHED_PARAMETERS.values()))


def test_a_revision_that_takes_something_away_breaks_and_one_that_adds_does_not(document: Document) -> None:
    changed = json.loads(json.dumps(document.content))
    paths = changed["paths"]
    del paths["/api/lists/{id}/relationships/tags"]["get"]
    paths["/api/things"] = {"get": {"operationId": "get_things", "responses": {"200": {}}}}
    of_lists = paths["/api/lists"]["get"]
    of_lists["parameters"] = [p for p in of_lists["parameters"] if p["name"] != "sort"]
    [filter_] = [p for p in of_lists["parameters"] if p["name"] == "filter"]
    filter_["description"] += "<br>`color`: `equals`"
    attributes = changed["components"]["schemas"]["ListCreateQueryResourceObject"]["properties"]["attributes"]
    attributes["properties"]["color"] = {"type": "string"}
    attributes["required"].append("color")
    expected = [
        ("get_lists", "breaks  get_lists: takes no parameter sort"),
        ("get_lists", "adds    get_lists: filter color: equals is not reachable"),
        (
            "create_list",
            'breaks  create_list: refuses the body of {"name": "01HEXAMPLE"}: $.data.attributes: '
            "'color' is a required property",
        ),
        (
            "create_list",
            'breaks  create_list: refuses the body of {"name": "01HEXAMPLE", "opt_in_process": '
            "\"single_opt_in\"}: $.data.attributes: 'color' is a required property",
        ),
        (
            "create_list",
            'breaks  create_list: refuses the body of {"name": "01HEXAMPLE", "opt_in_process": '
            "\"double_opt_in\"}: $.data.attributes: 'color' is a required property",
        ),
        ("create_list", "adds    create_list: data.attributes.color is not reachable"),
        ("get_things", "adds    get_things: GET /api/things is not declared"),
    ]
    order = list(Document(changed).operations)
    assert [str(difference) for difference in compare(Document(changed), registry())] == [
        *(text for _, text in sorted(expected, key=lambda row: order.index(row[0]))),
        "breaks  get_tags_for_list: get_tag_ids_for_list, declared as its ids, is gone",
    ]


def test_the_mission_is_declared_whole(table: Rows) -> None:
    mission = {name for name, row in table.items() if row["in_mission"]}
    assert len(mission) == 98
    assert mission - set(registry()) == set()
    reports = {name for name in STANDARD.split() if name.startswith("query_")} - {"query_metric_aggregates"}
    assert set(STANDARD.split()) == mission | reports | {
        "list_connections",
        "create_connection",
        "get_connection",
        "delete_connection",
    }
    assert Counter(STANDARD.split()).most_common(1)[0][1] == 1


def test_effects_and_aliases_are_those_of_the_table(table: Rows) -> None:
    effects = {
        one.name: EFFECTS[table[one.name]["effect"]]
        for one in KLAVIYO_OPERATIONS
        if "effect" in table[one.name] and one.name not in DECLARED_AS_WRITES
    }
    assert {one.name: one.effect for one in KLAVIYO_OPERATIONS if one.name in effects} == effects
    aliases = {one.name: set(table[one.name].get("aliases", ())) for one in KLAVIYO_OPERATIONS}
    assert {one.name: set(one.aliases) for one in KLAVIYO_OPERATIONS} == aliases


@pytest.mark.parametrize("operation", KLAVIYO_OPERATIONS, ids=lambda operation: operation.name)
def test_a_declaration_says_what_the_contract_says(operation: Operation, contract_rows: Rows) -> None:
    row = contract_rows[operation.name]
    assert (operation.method, operation.revisions.since) == (row["method"], row["since"])
    assert set(operation.scopes) == set(row["scopes"])
    assert operation.limits.rate == _rate(row["rate"])
    filters = operation.filter_at(operation.revisions.since)
    assert {name: set(operators.split()) for name, operators in filters.items()} == {
        name: set(operators) for name, operators in row["query"].get("filter", {}).items()
    }
    assert bool(operation.reading.filter_required) == ("filter" in row.get("required", ()))
    assert operation.paging.takes_cursor == bool({"page[cursor]", "page_cursor"} & set(row["query"]))


def _rate(limits: Mapping[str, str]) -> Rate:
    daily = limits.get("daily")
    return Rate(_count(limits["burst"]), _count(limits["steady"]), _count(daily) if daily else None)


def _count(limit: str) -> int:
    """The number in `350/s`."""
    return int(limit.partition("/")[0])


@pytest.mark.parametrize("operation", KLAVIYO_OPERATIONS, ids=lambda operation: operation.name)
def test_lower_limits_of_costly_requests_are_declared(operation: Operation, contract_rows: Rows) -> None:
    slower = contract_rows[operation.name].get("slower", {})
    # Klaviyo names the resource type (`include=list`) where the parameter takes the relationship (`lists`).
    declared = {name.removesuffix("s"): rate for name, rate in operation.limits.lower_rates.items()}
    assert declared == {
        condition.partition("=")[2].removesuffix("s"): _rate(rate) for condition, rate in slower.items()
    }
