"""The declaration of a report refers only to statistics and groupings that exist."""

from __future__ import annotations

import pytest

from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.report import Grouping, Kind, Report, Statistic, names_of
from klaviyo_tools.registry import registry

REPORTS = [operation for operation in registry().values() if operation.answer is AnswerKind.REPORT]
each_report = pytest.mark.parametrize("operation", REPORTS, ids=lambda operation: operation.name)


def report_of(operation: Operation) -> Report:
    assert operation.report is not None
    return operation.report


def test_every_report_declares_its_content_and_nothing_else_does() -> None:
    assert [operation for operation in registry().values() if operation.report] == REPORTS


@each_report
def test_the_terms_of_a_quotient_are_statistics_of_the_same_report(operation: Operation) -> None:
    statistics = report_of(operation).statistics
    terms = {term for statistic in statistics for term in statistic.quotient or ()}
    assert terms <= set(names_of(statistics))
    rates = [statistic for statistic in statistics if statistic.kind in (Kind.RATE, Kind.QUOTIENT)]
    assert all(statistic.quotient for statistic in rates)


@each_report
def test_each_name_and_each_rank_is_declared_once(operation: Operation) -> None:
    report = report_of(operation)
    ranks = [statistic.sort_rank for statistic in report.statistics if statistic.sort_rank]
    columns = [grouping.column for grouping in report.groupings]
    for values in (names_of(report.statistics), names_of(report.groupings), columns, ranks):
        assert len(values) == len(set(values))


@each_report
def test_groupings_refer_to_groupings_of_the_same_report(operation: Operation) -> None:
    report = report_of(operation)
    groupings = report.groupings
    references = {name for grouping in groupings for name in (grouping.name_grouping, grouping.part_of) if name}
    assert references | {*report.default_groupings, *report.added_groupings} <= set(names_of(groupings))


@each_report
def test_the_arguments_take_what_the_report_declares(operation: Operation) -> None:
    report = report_of(operation)
    fields = operation.arguments.model_fields
    assert report.metric is None or report.metric.name in fields
    assert not report.default_groupings or report.groupings_argument in fields


def test_nothing_is_concluded_from_what_is_not_declared() -> None:
    report = Report((Statistic("opens", Kind.COUNT),), (Grouping("form_id", "form"),))
    assert not report.statistic("young").adds_up
    assert report.grouping("young") == Grouping("young", untrusted=True)
    assert (report.grouping("young").column, report.grouping("form_id").column) == ("young", "form")
