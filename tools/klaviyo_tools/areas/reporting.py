"""Reports: the results of campaigns, flows, forms and segments, as totals (values) or over time (series)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from klaviyo_tools.arguments.marks import Brief
from klaviyo_tools.arguments.places import Query
from klaviyo_tools.arguments.spelling import resolve_name
from klaviyo_tools.arguments.types import Arguments, Cursor, Id, Text, Timestamp, one_line_schema
from klaviyo_tools.filters.fields import describe_fields
from klaviyo_tools.filters.tree import Comparison
from klaviyo_tools.operation.area import Area
from klaviyo_tools.operation.facts import Rate
from klaviyo_tools.operation.report import (
    CHANNEL_GROUPING,
    Grouping,
    Kind,
    MetricArgument,
    Report,
    Statistic,
    name_type,
    names_of,
)

area = Area("reporting")

REPORT_RATE = Rate(1, 2, 225)
TIMEFRAME_DAYS = {
    "today": 1,
    "yesterday": 1,
    "this_week": 7,
    "last_week": 7,
    "last_7_days": 7,
    "this_month": 31,
    "last_month": 31,
    "last_30_days": 30,
    "last_90_days": 90,
    "last_3_months": 92,
    "last_365_days": 365,
    "last_12_months": 366,
    "this_year": 366,
    "last_year": 366,
}
"""Klaviyo's named timeframe -> the most days that it can have."""
MAX_SERIES_DAYS = {"hourly": 7, "daily": 60}
"""Interval -> the most days of a series with it; others have no limit of their own."""
MAX_DAYS = 366
SEGMENTS_SINCE = "2023-06-01"
"""The first day of which Klaviyo has numbers of segments."""
MAX_LIST_VALUES = 100
"""The most values of one condition in a filter."""
CHANNELS = ("email", "sms", "push-notification", "whatsapp")
CHANNELS_WITHOUT_OPENS = ("sms", "whatsapp")
"""Channels of which Klaviyo counts no opens."""

MESSAGE_STATISTICS = (
    Statistic("average_order_value", Kind.MONEY, ("conversion_value", "conversions")),
    Statistic("bounce_rate", Kind.RATE, ("bounced", "recipients")),
    Statistic("bounced", Kind.COUNT),
    Statistic("bounced_or_failed", Kind.COUNT),
    Statistic("bounced_or_failed_rate", Kind.RATE, ("bounced_or_failed", "recipients")),
    Statistic("click_rate", Kind.RATE, ("clicks_unique", "delivered")),
    Statistic("click_to_open_rate", Kind.RATE, ("clicks_unique", "opens_unique"), CHANNELS_WITHOUT_OPENS),
    Statistic("clicks", Kind.COUNT),
    Statistic("clicks_unique", Kind.UNIQUE),
    Statistic("conversion_rate", Kind.RATE, ("conversion_uniques", "delivered")),
    Statistic("conversion_uniques", Kind.UNIQUE),
    Statistic("conversion_value", Kind.MONEY, sort_rank=1),
    Statistic("conversions", Kind.COUNT),
    Statistic("delivered", Kind.COUNT, sort_rank=3),
    Statistic("delivery_rate", Kind.RATE, ("delivered", "recipients")),
    Statistic("failed", Kind.COUNT),
    Statistic("failed_rate", Kind.RATE, ("failed", "recipients")),
    Statistic("message_segment_count_sum", Kind.COUNT),
    Statistic("open_rate", Kind.RATE, ("opens_unique", "delivered"), CHANNELS_WITHOUT_OPENS),
    Statistic("opens", Kind.COUNT),
    Statistic("opens_unique", Kind.UNIQUE),
    Statistic("recipients", Kind.COUNT, sort_rank=2),
    Statistic("revenue_per_recipient", Kind.MONEY, ("conversion_value", "delivered")),
    Statistic("spam_complaint_rate", Kind.RATE, ("spam_complaints", "delivered")),
    Statistic("spam_complaints", Kind.COUNT),
    Statistic("text_message_credit_usage_amount", Kind.COUNT),
    # conversion_value covers all channels, the return on text messages those alone.
    Statistic("text_message_roi", Kind.QUOTIENT, ("conversion_value", "text_message_spend"), derives_numerator=True),
    Statistic("text_message_spend", Kind.MONEY),
    Statistic("unsubscribe_rate", Kind.RATE, ("unsubscribe_uniques", "delivered")),
    Statistic("unsubscribe_uniques", Kind.UNIQUE),
    Statistic("unsubscribes", Kind.COUNT),
)
FORM_STATISTICS = (
    Statistic("viewed_form", Kind.COUNT),
    Statistic("viewed_form_uniques", Kind.UNIQUE),
    Statistic("submits", Kind.COUNT),
    Statistic("submit_rate", Kind.RATE, ("submits", "viewed_form")),
    Statistic("closed_form", Kind.COUNT),
    Statistic("closed_form_uniques", Kind.UNIQUE),
    Statistic("qualified_form", Kind.COUNT),
    Statistic("qualified_form_uniques", Kind.UNIQUE),
    Statistic("submitted_form_step", Kind.COUNT),
    Statistic("submitted_form_step_uniques", Kind.UNIQUE),
    Statistic("viewed_form_step", Kind.COUNT),
    Statistic("viewed_form_step_uniques", Kind.UNIQUE),
)
SEGMENT_STATISTICS = (
    Statistic("total_members", Kind.LEVEL),
    Statistic("members_added", Kind.COUNT),
    Statistic("members_removed", Kind.COUNT),
    Statistic("net_members_changed", Kind.COUNT),
)

_TAGS = (
    Grouping("tag_id", "tag", "tag", "tag_name", overlapping="tags"),
    Grouping("tag_name", overlapping="tags"),
)
_OF_MESSAGES = (
    Grouping(CHANNEL_GROUPING),
    Grouping("text_message_format"),
    Grouping("variation"),
    Grouping("variation_name"),
)
CAMPAIGN_GROUPINGS = (
    Grouping("campaign_id", "campaign", "campaign", required=True),
    Grouping(
        "campaign_message_id",
        "campaign_message",
        name_grouping="campaign_message_name",
        part_of="campaign_id",
        required=True,
    ),
    Grouping("campaign_message_name"),
    Grouping("group"),
    Grouping("group_name"),
    *_TAGS,
    *_OF_MESSAGES,
)
FLOW_GROUPINGS = (
    Grouping("flow_id", "flow", "flow", "flow_name", required=True),
    Grouping("flow_message_id", "flow_message", name_grouping="flow_message_name", required=True),
    Grouping("flow_name"),
    Grouping("flow_message_name"),
    *_TAGS,
    *_OF_MESSAGES,
)
FORM_GROUPINGS = (
    Grouping("form_id", "form", "form", required=True),
    Grouping("form_version_id", "form_version", "form-version"),
)
SEGMENT_GROUPINGS = (Grouping("segment_id", "segment", "segment", overlapping="segments"),)

_CONVERSIONS = MetricArgument("conversion_metric_id", "conversions are")
CAMPAIGNS = Report(
    MESSAGE_STATISTICS,
    CAMPAIGN_GROUPINGS,
    default_groupings=("campaign_id", "campaign_message_id", CHANNEL_GROUPING),
    added_groupings=("campaign_message_name",),
    metric=_CONVERSIONS,
)
FLOWS = Report(
    MESSAGE_STATISTICS,
    FLOW_GROUPINGS,
    default_groupings=("flow_id", "flow_message_id", CHANNEL_GROUPING),
    added_groupings=("flow_name", "flow_message_name"),
    metric=_CONVERSIONS,
)
FORMS = Report(FORM_STATISTICS, FORM_GROUPINGS)
SEGMENTS = Report(SEGMENT_STATISTICS, SEGMENT_GROUPINGS)

_SCALAR, _LIST = "equals contains-any", "contains-any contains-all"
_CAMPAIGN_NAMES, _FLOW_NAMES = names_of(CAMPAIGN_GROUPINGS), names_of(FLOW_GROUPINGS)

CAMPAIGN_FILTER = {n: _LIST if n.startswith("tag") else _SCALAR for n in _CAMPAIGN_NAMES if n[:5] != "group"}
FLOW_FILTER = {n: _LIST if n.startswith("tag") else _SCALAR for n in _FLOW_NAMES}
FORM_FILTER = {"form_id": "equals any", "form_version_id": "equals any"}
SEGMENT_FILTER = {"segment_id": "equals any"}

_STATISTICS_BRIEF = "open_rate, click_rate, conversion_value, recipients …"
_MESSAGE_NAMES, _FORM_NAMES = names_of(MESSAGE_STATISTICS), names_of(FORM_STATISTICS)
_STATISTICS_TEXT = f"{', '.join(_MESSAGE_NAMES)}; rates from 0 to 1"
FLOW_FILTER_EXAMPLE = 'equals(flow_id,"VJvBNr"),contains-all(tag_name,["vip"])'
METRIC_TEXT = "id or exact name"


# Arguments of reports.


class Timeframe(Arguments):
    """A named timeframe, or one from a start to an end in the account's timezone: Klaviyo ignores their offsets."""

    key: str | None = None
    start: Timestamp | None = None
    end: Timestamp | None = None

    EXAMPLES: ClassVar[Any] = (
        {"start": "2026-03-01T00:00:00Z", "end": "2026-03-08T00:00:00Z"},
        {"key": "last_7_days"},
    )

    @model_validator(mode="before")
    @classmethod
    def _accept_key(cls, value: Any) -> Any:
        return {"key": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_span(self) -> Self:
        if self.key is not None:
            if self.start or self.end:
                raise ValueError("takes key, or start and end, not both")
            self.key = resolve_name(self.key, TIMEFRAME_DAYS, "key")
            return self
        if not (self.start and self.end):
            raise ValueError("needs key (such as last_30_days), or start and end")
        if self.days <= 0:
            raise ValueError("start is not before end")
        if self.days > MAX_DAYS:
            raise ValueError(f"spans {self.days:.0f} days: a report covers at most one year, ask once for each")
        return self

    @property
    def days(self) -> float:
        """Its length in days; of a named timeframe the most days that it can have."""
        if self.key is not None:
            return TIMEFRAME_DAYS[self.key]
        # Klaviyo ignores the offsets.
        start, end = (datetime.fromisoformat(str(time)).replace(tzinfo=None) for time in (self.start, self.end))
        return (end - start) / timedelta(days=1)


Span = Annotated[
    Timeframe,
    one_line_schema(Timeframe, "key (last_30_days, last_month …) or start, end; a year at most"),
    Brief("key (last_30_days …) or start, end"),
]


def _names_among(columns: Sequence[Statistic | Grouping], what: str) -> AfterValidator:
    """Klaviyo's names, each once. Required groupings are added to any others: Klaviyo refuses a report without them."""
    names = names_of(columns)
    required = [column.name for column in columns if isinstance(column, Grouping) and column.required]

    def resolve(values: list[str]) -> list[str]:
        columns = [resolve_name(value, names, what) for value in values]
        return list(dict.fromkeys([*required, *columns])) if columns else columns

    return AfterValidator(resolve)


def _conditions(fields: Mapping[str, str]) -> BeforeValidator:
    def accept(value: object) -> object:
        if not isinstance(value, str | list | dict):
            return value
        from klaviyo_tools.filters.accept import accept_filter, conditions_of

        text = accept_filter(value, fields)
        fields_with_condition: set[str] = set()
        for condition in conditions_of(text):
            _check_condition(condition, fields_with_condition)
        return text

    return BeforeValidator(accept)


def _check_condition(condition: Comparison, others: set[str]) -> None:
    if condition.field in others:
        raise ValueError(
            f"two conditions on {condition.field}: a report takes one for each field (a list holds several values)"
        )
    others.add(condition.field)
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if len(values) > MAX_LIST_VALUES:
        raise ValueError(
            f"{len(values)} values of {condition.field}: a report takes at most {MAX_LIST_VALUES}, ask in parts"
        )
    if condition.field == CHANNEL_GROUPING and not set(values) <= set(CHANNELS):
        raise ValueError(f"send_channel is one of {', '.join(CHANNELS)}")


def _described(text: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": text})


CampaignFilter = Annotated[
    str,
    _conditions(CAMPAIGN_FILTER),
    _described("by what group_by takes, but group: equals, contains-any; tag_id, tag_name: contains-any, contains-all"),
    Brief("group_by's names: equals, contains-any"),
]
FlowFilter = Annotated[
    str,
    _conditions(FLOW_FILTER),
    _described("by what group_by takes: equals, contains-any; tag_id, tag_name: contains-any, contains-all"),
    Brief("group_by's names: equals, contains-any"),
]
FormFilter = Annotated[str, _conditions(FORM_FILTER), _described(describe_fields(FORM_FILTER))]
SegmentFilter = Annotated[str, _conditions(SEGMENT_FILTER), _described(describe_fields(SEGMENT_FILTER))]

MessageStatistics = Annotated[
    list[str], Field(min_length=1), _names_among(MESSAGE_STATISTICS, "statistic"), Brief(_STATISTICS_BRIEF)
]
FormStatistics = Annotated[
    list[str],
    Field(min_length=1),
    _names_among(FORM_STATISTICS, "statistic"),
    Brief("viewed_form, submits, submit_rate, closed_form …"),
]
if TYPE_CHECKING:
    SegmentStatisticName = str
    FormGroupingName = str
else:
    SegmentStatisticName, FormGroupingName = name_type(SEGMENT_STATISTICS), name_type(FORM_GROUPINGS)
SegmentStatistics = Annotated[list[SegmentStatisticName], Field(min_length=1)]
CampaignGroupings = Annotated[
    list[str],
    _names_among(CAMPAIGN_GROUPINGS, "grouping"),
    Brief("campaign_message_name, send_channel, tag_name …"),
]
FlowGroupings = Annotated[
    list[str],
    _names_among(FLOW_GROUPINGS, "grouping"),
    Brief("flow_name, send_channel, tag_name …"),
]
FormGroupings = Annotated[list[FormGroupingName], _names_among(FORM_GROUPINGS, "grouping")]


class ReportArguments(Arguments):
    timeframe: Span


class SeriesArguments(ReportArguments):
    interval: Literal["hourly", "daily", "weekly", "monthly"]

    @model_validator(mode="after")
    def _check_interval(self) -> Self:
        most = MAX_SERIES_DAYS.get(self.interval)
        if most and self.timeframe.days > most:
            span = self.timeframe.key or f"{self.timeframe.days:.0f} days"
            wider = "daily" if self.timeframe.days <= MAX_SERIES_DAYS["daily"] else "weekly"
            raise ValueError(f"interval {self.interval} covers at most {most} days, not {span}: use {wider}")
        return self


class CampaignReport(ReportArguments):
    statistics: MessageStatistics = Field(description=_STATISTICS_TEXT, examples=[list(_MESSAGE_NAMES)])
    conversion_metric_id: Id = Field(description=METRIC_TEXT)
    group_by: CampaignGroupings | None = Field(
        None,
        description="campaign_id and campaign_message_id always; also campaign_message_name, send_channel, tag_id, "
        "tag_name, variation, variation_name, text_message_format, group, group_name",
        examples=[list(_CAMPAIGN_NAMES)],
    )
    filter: CampaignFilter | None = Field(
        None, examples=['equals(send_channel,"email"),contains-any(tag_name,["vip"])']
    )
    cursor: Annotated[Text | None, Query("page_cursor")] = None


class FlowReport(ReportArguments):
    statistics: MessageStatistics = Field(description=_STATISTICS_TEXT, examples=[list(_MESSAGE_NAMES)])
    conversion_metric_id: Id = Field(description=METRIC_TEXT)
    group_by: FlowGroupings | None = Field(
        None,
        description="flow_id and flow_message_id always; also flow_name, flow_message_name, send_channel, tag_id, "
        "tag_name, variation, variation_name, text_message_format",
        examples=[list(_FLOW_NAMES)],
    )
    filter: FlowFilter | None = Field(None, examples=[FLOW_FILTER_EXAMPLE])
    cursor: Annotated[Text | None, Query("page_cursor")] = None


class FlowSeries(FlowReport, SeriesArguments):
    pass


class FormReport(ReportArguments):
    statistics: FormStatistics = Field(description=", ".join(_FORM_NAMES), examples=[list(_FORM_NAMES)])
    group_by: FormGroupings | None = None
    filter: FormFilter | None = Field(None, examples=['any(form_id,["VJvBNr"])'])
    cursor: Cursor | None = None


class FormSeries(FormReport, SeriesArguments):
    pass


class SegmentReport(ReportArguments):
    statistics: SegmentStatistics
    filter: SegmentFilter | None = Field(None, examples=['any(segment_id,["VJvBNr"])'])
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        if self.timeframe.start and self.timeframe.start < SEGMENTS_SINCE:
            raise ValueError(f"segments have numbers from {SEGMENTS_SINCE} on: start then or later")
        return self


class SegmentSeries(SegmentReport, SeriesArguments):
    pass


area.resource_type("campaign-values-report", "results", "results", relationships="campaigns:campaign")
area.resource_type("flow-values-report", "results", "results", relationships="flows:flow flow-messages:flow-message")
area.resource_type(
    "flow-series-report",
    "date_times results",
    "date_times results",
    relationships="flows:flow flow-messages:flow-message",
)
area.resource_type("form-values-report", "results", "results")
area.resource_type("form-series-report", "date_times results", "date_times results")
area.resource_type("segment-values-report", "results", "results")
area.resource_type("segment-series-report", "date_times results", "date_times results")
area.query(
    "query_campaign_values",
    "/api/campaign-values-reports",
    "campaign-values-report",
    CampaignReport,
    "Campaign results: opens, clicks, revenue …; 225 reports a day.",
    rate=REPORT_RATE,
    report=CAMPAIGNS,
    scopes="campaigns:read",
    aliases="create_campaign_value_report create_campaign_values_report",
    cursor_parameter="page_cursor",
    paged=True,
)
area.query(
    "query_flow_values",
    "/api/flow-values-reports",
    "flow-values-report",
    FlowReport,
    "Flow results in total: opens, clicks, revenue …",
    rate=REPORT_RATE,
    report=FLOWS,
    scopes="flows:read",
    aliases="create_flow_value_report create_flow_values_report",
    cursor_parameter="page_cursor",
    paged=True,
)
area.query(
    "query_flow_series",
    "/api/flow-series-reports",
    "flow-series-report",
    FlowSeries,
    "Flow results over time.",
    rate=REPORT_RATE,
    report=FLOWS,
    scopes="flows:read",
    aliases="create_flow_sery_report create_flow_series_report",
    cursor_parameter="page_cursor",
    paged=True,
)
area.query(
    "query_form_values",
    "/api/form-values-reports",
    "form-values-report",
    FormReport,
    "Form results in total: views, submits.",
    rate=REPORT_RATE,
    report=FORMS,
    scopes="forms:read",
    aliases="create_form_value_report create_form_values_report",
)
area.query(
    "query_form_series",
    "/api/form-series-reports",
    "form-series-report",
    FormSeries,
    "Form results over time.",
    rate=REPORT_RATE,
    report=FORMS,
    scopes="forms:read",
    aliases="create_form_sery_report create_form_series_report",
)
area.query(
    "query_segment_values",
    "/api/segment-values-reports",
    "segment-values-report",
    SegmentReport,
    "Segment sizes, and people gained and lost.",
    rate=REPORT_RATE,
    report=SEGMENTS,
    scopes="segments:read",
    aliases="create_segment_value_report create_segment_values_report",
)
area.query(
    "query_segment_series",
    "/api/segment-series-reports",
    "segment-series-report",
    SegmentSeries,
    "Segment sizes over time.",
    rate=REPORT_RATE,
    report=SEGMENTS,
    scopes="segments:read",
    aliases="create_segment_sery_report create_segment_series_report",
)
