from __future__ import annotations

import pytest
from benchmarks.bars import BARS, Bar, BarOutcome, Check, Limit, check_bar, check_bars, exit_code
from benchmarks.measurements import Figure, Key, Measure, Measurements
from benchmarks.plan import Plan, call_case, count_case, rate_case

ABOVE, BELOW = Key(Measure.START_MS, "standard"), Key(Measure.START_MS, "bare")
BAR = Bar("start", ABOVE, BELOW, Limit(at_most=1.3), "A client waits.")


def runs(**values: tuple[float, ...]) -> Measurements:
    measurements = Measurements()
    for subject, of_runs in values.items():
        for value in of_runs:
            measurements.record(Key(Measure.START_MS, subject), value)
    return measurements


def test_a_bar_judges_the_median_of_the_ratios_and_not_the_ratio_of_the_medians() -> None:
    measurements = runs(standard=(10, 40, 12, 13, 90), bare=(10, 30, 10, 10, 30))
    assert check_bar(BAR, measurements) == Check(BAR, Figure((1.0, 4 / 3, 1.2, 1.3, 3.0)), BarOutcome.HOLDS)
    assert check_bar(BAR, runs(standard=(13.1,), bare=(10,))).outcome == BarOutcome.MISSED


def test_a_bar_without_a_denominator_judges_the_value() -> None:
    bar = Bar("memory", ABOVE, None, Limit(at_most=30), "Counting keeps counts.", unit="MB")
    assert check_bar(bar, runs(standard=(29, 31, 30))).outcome == BarOutcome.HOLDS
    assert check_bar(bar, runs(standard=(29, 31, 31))).outcome == BarOutcome.MISSED


def test_a_bar_of_what_was_not_measured_does_not_hold() -> None:
    assert check_bar(BAR, runs(standard=(1,))) == Check(BAR, None, BarOutcome.NOT_MEASURED)
    assert check_bar(BAR, runs(standard=(1, 1), bare=(1,))).outcome == BarOutcome.NOT_MEASURED


@pytest.mark.parametrize(
    ("limit", "text", "holding", "missing"),
    [
        (Limit(at_most=1.3), "at most 1.3", 1.3, 1.31),
        (Limit(at_least=0.9), "at least 0.9", 0.9, 0.89),
        (Limit(at_least=8, at_most=12), "at least 8, at most 12", 8.0, 12.1),
    ],
)
def test_a_limit_includes_its_ends(limit: Limit, text: str, holding: float, missing: float) -> None:
    assert str(limit) == text
    assert limit.holds(holding)
    assert not limit.holds(missing)


def test_a_ratio_with_two_limits_is_missed_below_the_lower() -> None:
    assert not Limit(at_least=8, at_most=12).holds(7.9)


def check(outcome: BarOutcome) -> Check:
    return Check(BAR, None, outcome)


def test_the_exit_code_says_whether_all_held() -> None:
    held, missed, unmeasured = (check(outcome) for outcome in BarOutcome)
    assert exit_code([held, held]) == 0
    assert exit_code([held, unmeasured, missed]) == 1
    assert exit_code([held, unmeasured]) == 3


def test_the_bars_are_these() -> None:
    assert [(bar.name, str(bar.limit)) for bar in BARS] == [
        ("start to tools/list: `standard` / bare server", "at most 1.3"),
        ("start to tools/list: `all` / bare server", "at most 1.35"),
        ("memory at tools/list: `standard` / bare server", "at most 1.25"),
        ("a call of 20 over stdio: added time / direct httpx call", "at most 0.9"),
        ("a call of 20 over stdio: added time / time that Klaviyo's local server adds", "at most 0.55"),
        ("a call of 20: over HTTP / over stdio", "at most 1.3"),
        ("calls per second over stdio, 16 at once, upstream 100 ms: server / httpx", "at least 0.9"),
        ("calls per second over stdio, 64 at once, upstream 0 ms: server / httpx", "at least 0.85"),
        ("calls per second over HTTP, 64 at once, upstream 0 ms: server / httpx", "at least 0.55"),
        ("memory that `count_by` over 100,000 profiles adds", "at most 30"),
        ("time of `count_by`: 100,000 profiles / 10,000 profiles", "at least 8, at most 12"),
        ("a warm `find_tools` over stdio / direct httpx call of 20", "at most 1"),
    ]


def test_the_whole_plan_measures_each_case_of_a_bar() -> None:
    plan = Plan()
    cases = {""}
    cases |= {call_case(records, delay) for records in plan.records for delay in plan.delays_ms}
    cases |= {rate_case(calls, delay) for calls in plan.calls_at_once for delay in (0, 100)}
    cases |= {count_case(profiles) for profiles in plan.profiles_counted}
    for bar in BARS:
        assert bar.numerator.case in cases
        assert bar.denominator is None or bar.denominator.case in cases
        assert bar.denominator is None or not bar.unit


def test_nothing_measured_holds_no_bar() -> None:
    assert {check.outcome for check in check_bars(Measurements())} == {BarOutcome.NOT_MEASURED}
