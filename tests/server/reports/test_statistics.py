"""Statistics read as text, and have a total only where it is true."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_mcp.reports.statistics import format_statistic, sort_statistics, total, totals
from klaviyo_tools.areas.metrics import MEASUREMENTS
from klaviyo_tools.areas.reporting import FORM_STATISTICS, MESSAGE_STATISTICS, SEGMENT_STATISTICS
from klaviyo_tools.operation.report import Statistic, names_of

STATISTICS: dict[str, Statistic] = {
    statistic.name: statistic
    for statistics in (MESSAGE_STATISTICS, FORM_STATISTICS, SEGMENT_STATISTICS, MEASUREMENTS)
    for statistic in statistics
}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("open_rate", 0.4231, "42.3%"),
        ("open_rate", 1.0, "100.0%"),
        ("unsubscribe_rate", 0.0025, "0.25%"),
        ("click_rate", 0.0, "0%"),
        ("conversion_value", 1234.5, "1234.50"),
        ("conversion_value", 0.0, "0"),
        ("revenue_per_recipient", 0.126, "0.13"),
        ("text_message_roi", 12.346, "12.35"),
        ("recipients", 1200.0, "1200"),
        ("sum_value", 20.5, "20.50"),
        ("opens", None, ""),
        ("opens", "many", "many"),
    ],
)
def test_a_statistic_is_written_in_its_unit(name: str, value: Any, text: str) -> None:
    assert format_statistic(STATISTICS[name], value) == text


def test_the_total_of_a_rate_is_not_the_mean_of_the_rates() -> None:
    rows = [
        {"delivered": 900, "opens_unique": 90, "open_rate": 0.1},
        {"delivered": 100, "opens_unique": 90, "open_rate": 0.9},
    ]
    assert total(STATISTICS["open_rate"], rows) == 0.18


def test_the_total_of_a_rate_needs_its_denominator() -> None:
    rows = [{"delivered": 900, "open_rate": 0.1}, {"delivered": 100, "open_rate": 0.9}]
    assert total(STATISTICS["open_rate"], rows) == pytest.approx(0.18)
    assert total(STATISTICS["open_rate"], [{"open_rate": 0.1}, {"open_rate": 0.9}]) is None
    assert total(STATISTICS["open_rate"], [{"delivered": 0, "open_rate": 0.0}]) is None
    assert total(STATISTICS["open_rate"], []) is None


def test_unique_counts_and_levels_do_not_add_up() -> None:
    rows = [{"opens_unique": 3, "unique": 2, "total_members": 10, "opens": 4}] * 2
    assert totals([STATISTICS[name] for name in rows[0]], rows) == {
        "opens_unique": None,
        "unique": None,
        "total_members": None,
        "opens": 8,
    }


def test_text_messages_do_not_lower_the_open_rate() -> None:
    rows = [{"delivered": 100, "open_rate": 0.5}, {"delivered": 100, "open_rate": 0.0}]
    assert total(STATISTICS["open_rate"], rows, ["email", "sms"]) == 0.5
    assert (
        total(STATISTICS["click_rate"], [{"delivered": 100, "click_rate": 0.5}, {"delivered": 100, "click_rate": 0.1}])
        == 0.3
    )


def test_the_total_return_on_text_messages_derives_from_their_own_returns() -> None:
    mail = {"conversion_value": 900.0, "text_message_spend": 0.0, "text_message_roi": 0.0}
    text = {"conversion_value": 100.0, "text_message_spend": 10.0, "text_message_roi": 10.0}
    assert total(STATISTICS["text_message_roi"], [mail, text]) == 10.0


def test_rows_are_sorted_by_revenue_then_recipients_or_else_the_first_statistic() -> None:
    def order(*names: str) -> tuple[str, ...]:
        return names_of(sort_statistics([STATISTICS[name] for name in names]))

    assert order("open_rate", "recipients", "conversion_value") == ("conversion_value", "recipients")
    assert order("viewed_form", "submits") == ("viewed_form",)
    assert order("count", "sum_value") == ("sum_value", "count")
