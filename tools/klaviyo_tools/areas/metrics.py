"""Metrics: the kinds of events, their counts and sums, and custom metrics made of others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, Unpack

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from klaviyo_tools.arguments.marks import Brief
from klaviyo_tools.arguments.places import Attribute, Relationship
from klaviyo_tools.arguments.spelling import resolve_name
from klaviyo_tools.arguments.types import Arguments, Id, OpenObject, Text, one_line_schema
from klaviyo_tools.operation.area import XS, Area, M, S
from klaviyo_tools.operation.facts import RecordAddress
from klaviyo_tools.operation.report import (
    Grouping,
    GroupingFacts,
    Kind,
    MetricArgument,
    Report,
    Statistic,
    name_type,
    names_of,
)

area = Area("metrics")

METRIC_NAMES = frozenset(
    {
        "Received Email", "Opened Email", "Clicked Email", "Bounced Email", "Dropped Email", "Marked Email as Spam",
        "Unsubscribed from Email", "Unsubscribed from Email Marketing", "Subscribed to Email Marketing",
        "Updated Email Preferences", "Subscribed to List", "Unsubscribed from List",
        "Sent SMS", "Received SMS", "Clicked SMS", "Failed to Deliver SMS", "Consented to Receive SMS",
        "Unsubscribed from SMS", "Subscribed to SMS Marketing", "Unsubscribed from SMS Marketing",
        "Received Automated Response SMS", "Failed to deliver Automated Response SMS",
        "Received Push", "Opened Push", "Bounced Push", "Opened App", "Received WhatsApp", "Clicked WhatsApp",
        "Viewed Form", "Viewed Form Step", "Qualified Form", "Closed Form", "Submitted Form", "Submitted Form Step",
        "Form submitted by profile", "Form completed by profile", "Subscribed to Back in Stock", "Submitted Review",
        "Ready to Review", "Merged Profile", "Coupon Assigned", "Coupon Used", "Active on Site", "Viewed Product",
        "Viewed Collection", "Submitted Search", "Searched Site", "Added to Cart", "Checkout Started",
        "Started Checkout", "Placed Order", "Ordered Product", "Confirmed Shipment", "Delivered Shipment",
        "Marked Out for Delivery", "Fulfilled Order", "Fulfilled Partial Order", "Cancelled Order", "Refunded Order",
    }
)  # fmt: skip
"""Names that Klaviyo and its shop integrations give metrics (sources: Klaviyo's guides and help pages).

Anyone with the public site key can make a metric, and name its service: the integration of a metric proves nothing.
But a name of this list says nothing of a stranger's, whoever gave it.
"""
INTEGRATION_NAMES = frozenset(
    {"Klaviyo", "API", "Shopify", "WooCommerce", "Magento 2", "Magento", "BigCommerce", "PrestaShop", "Wix", "Stripe",
     "Salesforce Commerce Cloud", "Internal", "eCommerce"}
)  # fmt: skip
"""Names and categories of the usual integrations of metrics."""
_CHANNELS = frozenset({"email", "sms", "mobile_push", "push", "push-notification", "whatsapp", "web"})
_SWITCH = frozenset({"true", "false", "True", "False", "0", "1"})


def _dimension(name: str, title: str = "", named_kind: str = "", **facts: Unpack[GroupingFacts]) -> Grouping:
    """A property of events by which aggregates group: whoever sends an event chooses its properties."""
    return Grouping(name, title, named_kind, untrusted=True, **facts)


DIMENSIONS = (
    _dimension("$attributed_channel", trusted_values=_CHANNELS),
    _dimension("$attributed_flow", named_kind="flow"),
    _dimension("$attributed_message", named_kind="message"),
    _dimension("$attributed_variation"),
    _dimension("$campaign_channel", trusted_values=_CHANNELS),
    _dimension("$flow", named_kind="flow"),
    _dimension("$flow_channel", trusted_values=_CHANNELS),
    _dimension("$message", named_kind="message"),
    _dimension("$message_send_cohort"),
    _dimension("$usage_amount"),
    _dimension("$value_currency", is_currency=True),
    _dimension("$variation"),
    _dimension("$variation_send_cohort"),
    _dimension("Bot Click", trusted_values=_SWITCH),
    _dimension("Bounce Type", trusted_values=frozenset({"Hard", "Soft"})),
    _dimension("Campaign Name"),
    _dimension("Client Canonical"),
    _dimension("Client Name"),
    _dimension("Client Type"),
    _dimension("Email Domain"),
    _dimension("Failure Source"),
    _dimension("Failure Type"),
    _dimension("From Number"),
    _dimension("From Phone Region"),
    _dimension("Inbox Provider"),
    _dimension("List"),
    _dimension("Message Name"),
    _dimension("Message Type"),
    _dimension("Method"),
    _dimension("Segment Count"),
    _dimension("Subject"),
    _dimension("To Number"),
    _dimension("To Phone Region"),
    _dimension("URL"),
    _dimension("form_id", "form", "form"),
)
MEASUREMENTS = (
    Statistic("count", Kind.COUNT, sort_rank=2),
    Statistic("sum_value", Kind.VALUE, sort_rank=1),
    Statistic("unique", Kind.UNIQUE),
)
AGGREGATES = Report(
    MEASUREMENTS,
    DIMENSIONS,
    groupings_argument="by",
    metric=MetricArgument("metric_id", "metric"),
    missing_value="(none)",
)
_DIMENSION_NAMES, _MEASUREMENT_NAMES = names_of(DIMENSIONS), names_of(MEASUREMENTS)
AGGREGATE_FILTER = {"datetime": "greater-or-equal less-than", **dict.fromkeys(_DIMENSION_NAMES, "equals any contains")}
MAX_DAYS = 366
"""The longest time of aggregates, as of reports: one year."""
TIME_CONDITIONS = ("greater-or-equal(datetime,2026-01-01T00:00:00)", "less-than(datetime,2026-02-01T00:00:00)")


def _conditions(value: object) -> object:
    if not isinstance(value, str | list | dict):
        return value
    from klaviyo_tools.filters.accept import accept_conditions

    conditions = accept_conditions(value, AGGREGATE_FILTER, required=("datetime",))
    starts = [condition.partition(",")[0] for condition in conditions]
    if "greater-or-equal(datetime" not in starts or "less-than(datetime" not in starts:
        raise ValueError(f"needs both ends of the time: {TIME_CONDITIONS[0]} and {TIME_CONDITIONS[1]}")
    start, end = (
        _moment_in(conditions[starts.index(f"{name}(datetime")]) for name in ("greater-or-equal", "less-than")
    )
    if start >= end:
        raise ValueError("the start of the time is not before its end")
    if end - start > timedelta(days=MAX_DAYS):
        raise ValueError(f"spans {(end - start).days} days: aggregates cover at most one year, ask once for each")
    return conditions


def _moment_in(condition: str) -> datetime:
    """The time in a condition on `datetime`, to the second; one without an offset as if it were UTC."""
    text = re.sub(r"\.[0-9]+", "", condition.partition(",")[2].rstrip(")"))
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _dimensions(names: list[str]) -> list[str]:
    return [resolve_name(name, _DIMENSION_NAMES, "dimension") for name in names]


def _sort(value: str) -> str:
    minus = "-" if value.startswith("-") else ""
    return minus + resolve_name(value.removeprefix("-"), (*_MEASUREMENT_NAMES, *_DIMENSION_NAMES))


Conditions = Annotated[
    Sequence[str],
    BeforeValidator(_conditions),
    WithJsonSchema(
        {
            "type": "string",
            "description": "greater-or-equal(datetime,2026-01-01),less-than(datetime,2026-02-01); dimensions: equals …",
        }
    ),
]


if TYPE_CHECKING:
    Measurement = str
else:
    Measurement = name_type(MEASUREMENTS)


class Aggregate(Arguments):
    metric_id: Id = Field(description="id or exact name")
    measurements: list[Measurement] = Field(min_length=1)
    filter: Conditions = Field(examples=[list(TIME_CONDITIONS)])
    interval: Literal["hour", "day", "week", "month"] | None = None
    by: Annotated[list[str], AfterValidator(_dimensions)] | None = Field(
        None,
        description="such as $message, $flow, Campaign Name",
        examples=[list(_DIMENSION_NAMES)],
    )
    timezone: Text | None = Field(None, description="of filter too; default: the account's")
    sort: Annotated[str, AfterValidator(_sort)] | None = Field(
        None, description="measurement or dimension, - before", examples=["-count"]
    )
    return_fields: Annotated[list[Text] | None, Brief(names=True)] = None
    page_size: Annotated[int | None, Brief()] = Field(None, ge=1)
    cursor: Annotated[Text | None, Attribute("page_cursor")] = None


# Custom metrics, which the account makes of others.


METRIC_FILTER = {"property": "Brand", "filter": {"type": "string", "operator": "equals", "value": "Example"}}


class MetricGroup(Arguments):
    metric_id: Id
    metric_filters: list[OpenObject] | None = Field(None, examples=[[METRIC_FILTER]])
    value_property: Text | None = None


class CustomDefinition(Arguments):
    aggregation_method: Literal["count", "value"]
    metric_groups: Annotated[list[MetricGroup], Field(min_length=1)]


Definition = Annotated[
    CustomDefinition,
    one_line_schema(
        CustomDefinition,
        'aggregation_method: count or value; metric_groups: [{"metric_id", "metric_filters": [{"property", "filter": '
        '{"type", "operator", "value"}}], "value_property"}]',
    ),
]


class NewCustomMetric(Arguments):
    name: Text
    definition: Definition


class CustomMetricChanges(Arguments):
    name: Text | None = None
    definition: Definition | None = None


class MetricMapping(Arguments):
    EXAMPLES: ClassVar = (
        {"mapped_metric_id": "revenue", "metric_id": "Y6nRLr"},
        {"mapped_metric_id": "viewed_product", "custom_metric_id": "01METRIC"},
    )

    metric_id: Annotated[Id | None, Relationship("metric")] = None
    custom_metric_id: Annotated[Id | None, Relationship("custom-metric")] = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if bool(self.metric_id) == bool(self.custom_metric_id):
            raise ValueError("give one of metric_id or custom_metric_id")
        return self


area.resource_type(
    "metric",
    "name integration.name integration.category created updated",
    "created integration name updated",
    label="name",
    facet="integration.name",
    date="created",
    relationships="flow-triggers:flow",
    untrusted="name integration",
    trusted_values=METRIC_NAMES | INTEGRATION_NAMES,
)
area.resource_type(
    "metric-property",
    "label property inferred_type metric",
    "inferred_type label property sample_values",
    label="label property",
    facet="inferred_type",
    relationships="metric",
    untrusted="label property sample_values",
    additional_columns="sample_values",
)
area.resource_type(
    "custom-metric",
    "name definition.aggregation_method metrics created updated",
    "created definition(aggregation_method metric_groups) name updated",
    label="name",
    facet="definition.aggregation_method",
    date="created",
    relationships="metrics:metric",
)
area.resource_type(
    "mapped-metric", "metric custom-metric updated", "updated", date="updated", relationships="metric custom-metric"
)
area.resource_type("metric-aggregate", "dates data", "data dates", untrusted="data")
area.collection(
    "get_metrics",
    "/api/metrics",
    "metric",
    "Metrics and their ids (Placed Order, Opened Email …).",
    rate=M,
    filter={"integration.name": "equals", "integration.category": "equals"},
    include=("flow-triggers",),
)
area.record(
    "get_metric",
    "/api/metrics/{metric_id}",
    "metric",
    "One metric by id.",
    rate=M,
    address=RecordAddress("A metric and where it comes from.", completes_ids=True),
    include=("flow-triggers",),
)
area.query(
    "query_metric_aggregates",
    "/api/metric-aggregates",
    "metric-aggregate",
    Aggregate,
    "Count or sum a metric's events, by time and dimension.",
    rate=S,
    report=AGGREGATES,
    aliases="create_metric_aggregate",
)
area.collection(
    "get_flows_triggered_by_metric",
    "/api/metrics/{metric_id}/flow-triggers",
    "flow",
    "Flows that a metric's events start.",
    rate=M,
    paged=False,
    scopes="flows:read metrics:read",
    aliases="get_flow_triggers_for_metric get_metric_flow_triggers",
    ids_operation="get_ids_for_flows_triggered_by_metric",
)
area.collection(
    "get_properties_for_metric",
    "/api/metrics/{metric_id}/metric-properties",
    "metric-property",
    "Properties that a metric's events have.",
    rate=XS,
    paged=False,
    aliases="get_metric_metric_properties get_metric_properties",
    additional_fields=("sample_values",),
    ids_operation="get_property_ids_for_metric",
)
area.record(
    "get_metric_property",
    "/api/metric-properties/{metric_property_id}",
    "metric-property",
    "One property of a metric's events; its values with additional_fields=sample_values.",
    rate=XS,
    include=("metric",),
    additional_fields=("sample_values",),
)
area.record(
    "get_metric_for_metric_property",
    "/api/metric-properties/{metric_property_id}/metric",
    "metric",
    "The metric that a property belongs to.",
    rate=XS,
    aliases="get_metric_property_metric",
    ids_operation="get_metric_id_for_metric_property",
)
area.collection(
    "get_custom_metrics",
    "/api/custom-metrics",
    "custom-metric",
    "Metrics that the account built from others.",
    rate=S,
    paged=False,
    include=("metrics",),
)
area.record(
    "get_custom_metric",
    "/api/custom-metrics/{custom_metric_id}",
    "custom-metric",
    "One custom metric with its definition.",
    rate=S,
    include=("metrics",),
)
area.create(
    "create_custom_metric",
    "/api/custom-metrics",
    "custom-metric",
    NewCustomMetric,
    "Build a metric from others, filtered by their properties; its name must be new.",
    rate=XS.daily(15),
)
area.update(
    "update_custom_metric",
    "/api/custom-metrics/{custom_metric_id}",
    "custom-metric",
    CustomMetricChanges,
    "Rename a custom metric or replace its definition.",
    rate=XS.daily(15),
)
area.delete(
    "delete_custom_metric",
    "/api/custom-metrics/{custom_metric_id}",
    "custom-metric",
    "Delete a custom metric; the events stay.",
    rate=S,
)
area.collection(
    "get_metrics_for_custom_metric",
    "/api/custom-metrics/{custom_metric_id}/metrics",
    "metric",
    "Metrics that a custom metric is built from.",
    rate=S,
    paged=False,
    aliases="get_custom_metric_metrics",
    ids_operation="get_metric_ids_for_custom_metric",
)
area.collection(
    "get_mapped_metrics",
    "/api/mapped-metrics",
    "mapped-metric",
    "Which metric counts as revenue, started_checkout, viewed_product … in this account.",
    rate=S,
    paged=False,
    include=("metric", "custom-metric"),
)
area.record(
    "get_mapped_metric",
    "/api/mapped-metrics/{mapped_metric_id}",
    "mapped-metric",
    "The metric that counts as revenue (or added_to_cart, ordered_product …: the name is the id).",
    rate=S,
    include=("metric", "custom-metric"),
)
area.update(
    "update_mapped_metric",
    "/api/mapped-metrics/{mapped_metric_id}",
    "mapped-metric",
    MetricMapping,
    "Choose which metric counts as revenue, viewed_product … in the whole account.",
    rate=XS.daily(30),
)
area.record(
    "get_metric_for_mapped_metric",
    "/api/mapped-metrics/{mapped_metric_id}/metric",
    "metric",
    "The metric behind a mapping.",
    rate=S,
    aliases="get_mapped_metric_metric",
    ids_operation="get_metric_id_for_mapped_metric",
)
area.record(
    "get_custom_metric_for_mapped_metric",
    "/api/mapped-metrics/{mapped_metric_id}/custom-metric",
    "custom-metric",
    "The custom metric behind a mapping.",
    rate=S,
    aliases="get_mapped_metric_custom_metric",
    ids_operation="get_custom_metric_id_for_mapped_metric",
)
