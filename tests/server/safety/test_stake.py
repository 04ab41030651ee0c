"""The table of what is at stake: every operation that changes something has a decision; each row names what exists."""

from __future__ import annotations

from collections import Counter

import pytest
from tests.server.sandbox_server import sandbox_server

from klaviyo_mcp.safety import stake
from klaviyo_mcp.safety.stake import CANNOT_BE_UNDONE, DEFAULTS, RULES, Question, Rule, Stake
from klaviyo_mcp.safety.stakes.assessment import ASSESSMENTS
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import registry

OPERATIONS = registry()
CHANGING = [operation for operation in OPERATIONS.values() if operation.effect is not Effect.READ]
ROWS = Counter(name for rule in RULES for name in rule.operations)


@pytest.mark.parametrize("operation", CHANGING, ids=lambda operation: operation.name)
def test_every_operation_that_changes_something_has_a_decision(operation: Operation) -> None:
    rule = stake.rule_of(operation)
    if operation.name in ROWS:
        assert operation.name in rule.operations
    else:  # the default, which is written down for the effect, and never lets a call run unasked
        assert rule is DEFAULTS[operation.effect]
        assert rule.may_ask
        assert rule.question is None


def test_no_write_of_today_is_left_to_the_default() -> None:
    assert [o.name for o in CHANGING if o.effect is Effect.WRITE and o.name not in ROWS] == []


def test_a_write_that_nobody_has_judged_asks() -> None:
    assert DEFAULTS[Effect.WRITE].may_ask


def test_whatever_deletes_or_cannot_be_undone_asks_always() -> None:
    for operation in CHANGING:
        if operation.effect in (Effect.DELETE, Effect.IRREVERSIBLE):
            rule = stake.rule_of(operation)
            assert (rule.at_stake, rule.question) == (CANNOT_BE_UNDONE, None), operation.name


def test_whatever_reaches_people_may_ask() -> None:
    assert [o.name for o in CHANGING if o.effect is Effect.REACHES_PEOPLE and not stake.rule_of(o).may_ask] == []


def test_no_operation_has_two_rows_and_no_row_an_operation_that_does_not_exist() -> None:
    assert [name for name, count in ROWS.items() if count > 1] == []
    assert [name for name in ROWS if name not in OPERATIONS] == []


def test_no_read_has_a_row() -> None:
    assert [name for name in ROWS if OPERATIONS[name].effect is Effect.READ] == []


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.question], ids=lambda rule: str(rule.question))
def test_a_question_is_judged_by_reads_alone(rule: Rule) -> None:
    assert rule.question in ASSESSMENTS
    assert rule.may_ask
    assert [name for name in rule.reads if OPERATIONS[name].effect is not Effect.READ] == []


def test_every_question_is_asked_once() -> None:
    assert sorted(rule.question for rule in RULES if rule.question) == sorted(Question)


def test_why_a_call_asks_is_one_line_and_empty_where_nothing_is_at_stake() -> None:
    assert Stake().line == ""
    assert not Stake((), {"status": "draft"})
    assert Stake(("the flow is live", "a campaign is scheduled")).line == (
        "Asks because the flow is live; a campaign is scheduled."
    )


def test_a_code_is_taken_by_every_operation_that_may_ask_and_by_no_other() -> None:
    inventory = sandbox_server().calls.inventory
    taking = {
        name
        for name, operation in OPERATIONS.items()
        if "confirmation" in inventory.input_schema(operation, brief=True)["properties"]
    }
    assert taking == {operation.name for operation in CHANGING if stake.rule_of(operation).may_ask}
