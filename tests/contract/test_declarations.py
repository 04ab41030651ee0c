"""The declarations against Klaviyo's document and the table computed from it, in both directions."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from klaviyo_tools.drift.check import IGNORED_OPERATIONS, UNREACHED_VALUES, Document, compare, main
from klaviyo_tools.operation.facts import OLDEST_REVISION, Effect, Rate
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import registry
from klaviyo_tools.toolsets import STANDARD

KLAVIYO_FILES = Path(__file__).parents[3] / "shared" / "klaviyo"
KLAVIYO = [operation for operation in registry().values() if operation.service is Service.KLAVIYO]
EFFECTS = {
    "read": Effect.READ,
    "write": Effect.WRITE,
    "delete": Effect.DELETE,
    "comms_or_consent": Effect.REACHES_PEOPLE,
    "irreversible": Effect.IRREVERSIBLE,
}
# An event is a write although a flow may start from it: its description says so.
WRITES = {"create_event", "bulk_create_events"}


def test_klaviyo_takes_every_request_of_ours_and_all_it_takes_is_reachable(document: Document) -> None:
    assert [str(difference) for difference in compare(document, registry())] == []


def test_every_operation_but_those_for_browsers_is_a_tool_or_an_argument(table: dict[str, dict[str, Any]]) -> None:
    offered = {name for name, row in table.items() if not row["path"].startswith("/client/")}
    assert len(offered) == 333
    declared = {operation.name for operation in KLAVIYO}
    assert declared | set(registry().argument_operations) == offered
    assert declared & set(registry().argument_operations) == set()
    old = {name for name in offered if table[name]["since"] == OLDEST_REVISION}
    at_oldest = {operation.name: operation for operation in registry().at(OLDEST_REVISION)}
    ids = {operation.reading.ids_operation for operation in at_oldest.values() if operation.reading.ids_operation}
    assert (len(old), len(ids)) == (294, 40)
    assert {name for name, one in at_oldest.items() if one.service is Service.KLAVIYO} | ids == old


def test_ids_alone_need_the_rights_of_their_read_and_have_its_limits(table: dict[str, dict[str, Any]]) -> None:
    for name, (tool, _) in registry().argument_operations.items():
        row, operation = table[name], registry()[tool]
        assert (row["since"], set(row["scopes"])) == (operation.revisions.since, set(operation.scopes)), name
        assert _rate(row["rate_limit"]) == operation.limits.rate, name


def test_the_command_says_how_much_differs(capsys: pytest.CaptureFixture[str], document: Document) -> None:
    assert main([]) == 2
    assert capsys.readouterr().err == "usage: python -m klaviyo_tools.drift.check OPENAPI.json …\n"
    path = KLAVIYO_FILES / f"openapi-{document.revision}.json"
    assert main([str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: 0 differences, 0 break\n"


def test_what_is_left_out_says_why() -> None:
    assert all(len(reason) > 10 for reason in (*IGNORED_OPERATIONS.values(), *UNREACHED_VALUES.values()))


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
    found = [str(difference) for difference in compare(Document(changed), registry())]
    assert found == [
        "breaks  get_lists: takes no parameter sort",
        "adds    get_lists: filter color: equals is not reachable",
        'breaks  create_list: refuses the body of {"name": "01HEXAMPLE"}: $.data.attributes: '
        "'color' is a required property",
        'breaks  create_list: refuses the body of {"name": "01HEXAMPLE", "opt_in_process": '
        "\"single_opt_in\"}: $.data.attributes: 'color' is a required property",
        'breaks  create_list: refuses the body of {"name": "01HEXAMPLE", "opt_in_process": '
        "\"double_opt_in\"}: $.data.attributes: 'color' is a required property",
        "adds    create_list: data.attributes.color is not reachable",
        "adds    get_things: GET /api/things is not declared",
        "breaks  get_tags_for_list: get_tag_ids_for_list, declared as its ids, is gone",
    ]


def test_the_mission_is_declared_whole(table: dict[str, dict[str, Any]]) -> None:
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


@pytest.mark.parametrize("operation", KLAVIYO, ids=lambda operation: operation.name)
def test_a_declaration_says_what_the_table_says(operation: Operation, table: dict[str, dict[str, Any]]) -> None:
    row = table[operation.name]
    assert (operation.method, operation.revisions.since) == (row["method"], row["since"])
    assert set(operation.scopes) == set(row["scopes"])
    assert operation.limits.rate == _rate(row["rate_limit"])
    assert set(operation.aliases) == set(row.get("aliases", ()))
    if operation.name not in WRITES and "effect" in row:
        assert operation.effect is EFFECTS[row["effect"]]
    if operation.revisions.since > OLDEST_REVISION:  # of which the table has no more than that
        return
    filters = row.get("filter", {}).get("fields", {})
    assert {name: set(operators.split()) for name, operators in operation.filter_at(OLDEST_REVISION).items()} == {
        name: set(operators) for name, operators in filters.items()
    }
    assert bool(operation.reading.filter_required) == row.get("filter", {}).get("required", False)
    assert operation.paging.takes_cursor == (operation.name != "query_metric_aggregates" and "cursor" in row)


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
    declared = operation.limits.lower_rates
    assert {name.removesuffix("s") for name in declared} == {name.removesuffix("s") for name in told}
    assert set(declared.values()) == set(told.values())
