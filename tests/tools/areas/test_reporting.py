"""Reports: what is refused, and what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from klaviyo_tools.areas.reporting import FLOW_GROUPINGS, MESSAGE_STATISTICS, area
from klaviyo_tools.operation.facts import AnswerKind, Effect, Rate
from klaviyo_tools.operation.report import names_of
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

CALL = {"statistics": ["open_rate"], "timeframe": "last_30_days", "conversion_metric_id": "TxVpCr"}
FLOW_GROUPING_NAMES = list(names_of(FLOW_GROUPINGS))
MESSAGE_STATISTIC_NAMES = list(names_of(MESSAGE_STATISTICS))
MANY = json.dumps([f"C{number}" for number in range(101)])


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"conversion_metric_id": None}, "conversion_metric_id is required (id or exact name)"),
        ({"timeframe": None}, "timeframe is required (key (last_30_days, last_month …) or start, end; a year at most)"),
        (
            {"statistics": ["openrate"]},
            "statistics: statistic 'openrate' is unknown; did you mean open_rate?",
        ),
        (
            {"timeframe": "last_60_days"},
            "timeframe: key 'last_60_days' is unknown; did you mean last_90_days or last_30_days or last_365_days?",
        ),
        (
            {"timeframe": {"start": "2026-01-01"}},
            "timeframe: needs key (such as last_30_days), or start and end",
        ),
        ({"timeframe": {"start": "2026-01-02", "end": "2026-01-01"}}, "timeframe: start is not before end"),
        (
            {"timeframe": {"start": "2024-01-01", "end": "2026-01-01"}},
            "timeframe: spans 731 days: a report covers at most one year, ask once for each",
        ),
        (
            {"timeframe": {"key": "today", "start": "2026-01-01"}},
            "timeframe: takes key, or start and end, not both",
        ),
        (
            {"group_by": ["campaign"]},
            "group_by: grouping 'campaign' is unknown; did you mean campaign_id or campaign_message_id "
            "or campaign_message_name?",
        ),
        (
            {"filter": 'equals(send_channel,"push")'},
            "filter: send_channel is one of email, sms, push-notification, whatsapp",
        ),
        (
            {"filter": 'equals(campaign_id,"C1"),equals(campaign_id,"C2")'},
            "filter: two conditions on campaign_id: a report takes one for each field (a list holds several values)",
        ),
        (
            {"filter": f"contains-any(campaign_id,{MANY})"},
            "filter: 101 values of campaign_id: a report takes at most 100, ask in parts",
        ),
    ],
)
def test_a_report_that_klaviyo_would_refuse_is_not_sent(
    refusal_of: RefusalOf, change: dict[str, object], refusal: str
) -> None:
    assert refusal_of("query_campaign_values", **{**CALL, **change}) == refusal


@pytest.mark.parametrize(
    ("interval", "timeframe", "refusal"),
    [
        ("week", "last_30_days", "interval: should be 'hourly', 'daily', 'weekly' or 'monthly', not \"week\""),
        ("daily", "last_90_days", "arguments: interval daily covers at most 60 days, not last_90_days: use weekly"),
        ("hourly", "last_30_days", "arguments: interval hourly covers at most 7 days, not last_30_days: use daily"),
        (
            "hourly",
            {"start": "2026-03-01", "end": "2026-03-09"},
            "arguments: interval hourly covers at most 7 days, not 8 days: use daily",
        ),
    ],
)
def test_a_series_spans_what_its_interval_allows(
    refusal_of: RefusalOf, interval: str, timeframe: object, refusal: str
) -> None:
    assert refusal_of("query_flow_series", **{**CALL, "interval": interval, "timeframe": timeframe}) == refusal


def test_segments_have_no_numbers_before_june_2023(refusal_of: RefusalOf) -> None:
    span = {"start": "2023-05-31", "end": "2023-12-01"}
    assert refusal_of("query_segment_values", statistics=["total_members"], timeframe=span) == (
        "arguments: segments have numbers from 2023-06-01 on: start then or later"
    )


def test_a_report_of_campaigns_is_sent(request_of: RequestOf) -> None:
    sent = request_of(
        "query_campaign_values",
        statistics=["open-rate", "conversion_value", "open_rate"],
        timeframe="last_month",
        conversion_metric_id="TxVpCr",
        group_by=["send_channel"],
        filter={"send_channel": "email"},
        cursor="WzE2",
    )
    assert sent == Request(
        "POST",
        "/api/campaign-values-reports",
        {"page_cursor": "WzE2"},
        {
            "data": {
                "type": "campaign-values-report",
                "attributes": {
                    "timeframe": {"key": "last_month"},
                    "statistics": ["open_rate", "conversion_value"],
                    "conversion_metric_id": "TxVpCr",
                    "group_by": ["campaign_id", "campaign_message_id", "send_channel"],
                    "filter": 'equals(send_channel,"email")',
                },
            }
        },
    )


@pytest.mark.parametrize(
    ("name", "arguments", "attributes"),
    [
        (
            "query_flow_values",
            {**CALL, "statistics": MESSAGE_STATISTIC_NAMES, "group_by": FLOW_GROUPING_NAMES},
            {
                "timeframe": {"key": "last_30_days"},
                "conversion_metric_id": "TxVpCr",
                "group_by": FLOW_GROUPING_NAMES,
            },
        ),
        (
            "query_flow_series",
            {**CALL, "interval": "hourly", "timeframe": {"start": "2026-03-01", "end": "2026-03-08"}},
            {
                "timeframe": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
                "interval": "hourly",
                "conversion_metric_id": "TxVpCr",
            },
        ),
        (
            "query_form_values",
            {"statistics": "submits", "timeframe": "last_week", "group_by": ["form_version_id"]},
            {"timeframe": {"key": "last_week"}, "group_by": ["form_id", "form_version_id"]},
        ),
        (
            "query_form_series",
            {
                "statistics": ["submits", "closed_form"],
                "timeframe": "last_30_days",
                "interval": "daily",
                "filter": 'any(form_id,["X","Y"])',
            },
            {"timeframe": {"key": "last_30_days"}, "interval": "daily", "filter": 'any(form_id,["X","Y"])'},
        ),
        (
            "query_segment_values",
            {"statistics": ["total_members"], "timeframe": {"start": "2023-06-01", "end": "2024-05-31"}},
            {"timeframe": {"start": "2023-06-01T00:00:00Z", "end": "2024-05-31T00:00:00Z"}},
        ),
        (
            "query_segment_series",
            {
                "statistics": ["members_added"],
                "timeframe": '{"key": "this_year"}',
                "interval": "weekly",
                "filter": 'equals(segment_id,"S")',
            },
            {"timeframe": {"key": "this_year"}, "interval": "weekly", "filter": 'equals(segment_id,"S")'},
        ),
    ],
)
def test_the_arguments_of_a_report_are_sent(
    request_of: RequestOf, name: str, arguments: dict[str, object], attributes: dict[str, object]
) -> None:
    sent = request_of(name, **arguments)
    statistics = arguments["statistics"]
    assert (sent.method, sent.query) == ("POST", {})
    assert sent.path == f"/api/{sent.body['data']['type']}s"
    assert sent.body["data"]["attributes"] == {
        "statistics": [statistics] if isinstance(statistics, str) else statistics,
        **attributes,
    }


def test_offsets_of_a_timeframe_are_ignored_as_klaviyo_does(request_of: RequestOf) -> None:
    span = {"start": "2026-03-01T00:00:00+01:00", "end": "2026-03-08T00:00:00-08:00"}
    sent = request_of("query_flow_series", **{**CALL, "interval": "hourly", "timeframe": span})
    assert sent.body["data"]["attributes"]["timeframe"] == span


def test_reports_are_reads_with_a_daily_limit() -> None:
    assert len(area.operations) == 7
    for operation in area:
        assert (operation.effect, operation.answer) == (Effect.READ, AnswerKind.REPORT)
        assert operation.limits.rate == Rate(1, 2, 225)
        assert operation.scopes[0].endswith("s:read")
