"""The seven reports agree with the events in the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from tests.contract.openapi import openapi_documents
from tests.server.sandbox.life.seeded import NOW as SEEDED_AT
from tests.server.sandbox.life.seeded import by_name, linked, properties_of, seeded_store

from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.reporting.reports import REPORTS, query_report
from klaviyo_mcp.sandbox.reporting.statistics import FORM_KINDS, MESSAGE_KINDS, MESSAGE_STATISTICS
from klaviyo_mcp.sandbox.state.store import Links, Record, Store

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)

MARCH = {"start": "2026-03-01T00:00:00+00:00", "end": "2026-04-01T00:00:00+00:00"}

METRICS = {
    name: name.title().replace(" ", "")
    for name in (*MESSAGE_KINDS, *FORM_KINDS, "Failed to Deliver SMS", "Placed Order")
}

OPERATIONS = [
    "query_campaign_values",
    *(f"query_{subject}_{form}" for subject in ("flow", "form", "segment") for form in ("values", "series")),
]


@pytest.fixture
def store() -> Store:
    """Two campaigns (one of two messages), a flow, a form, and a segment of three."""
    store = Store(now=NOW)
    for name, id_ in METRICS.items():
        store.add(Record("metric", id_, {"name": name}))
    for id_, name in (("T1", "vip"), ("T2", "sale")):
        store.add(Record("tag", id_, {"name": name}))
    store.add(Record("list", "L1", {"name": "Newsletter"}))
    spring = {"name": "Spring", "audiences": {"included": ["L1", "GONE"], "excluded": []}}
    store.add(Record("campaign", "C1", spring, {"campaign-messages": ["M1", "M2"], "tags": ["T1", "T2"]}))
    store.add(Record("campaign", "C2", {"name": "Text"}, {"campaign-messages": ["M3"], "tags": []}))
    for id_, campaign, channel in (("M1", "C1", "email"), ("M2", "C1", "mobile_push"), ("M3", "C2", "sms")):
        message = {"channel": channel, "label": f"Label {id_}"}
        store.add(Record("campaign-message", id_, message, {"campaign": campaign}))
    store.add(Record("flow", "F1", {"name": "Welcome"}, {"tags": ["T1"]}))
    store.add(Record("flow-action", "FA", {}, {"flow": "F1"}))
    flow_message = {"channel": "Email", "definition": {"name": "Hello"}}
    store.add(Record("flow-message", "FM", flow_message, {"flow-action": "FA"}))
    store.add(Record("form", "form1", {"name": "Popup"}))
    store.add(Record("segment", "S1", {"name": "Buyers"}))
    for name, at in (("ann", "2026-02-10"), ("ben", "2026-03-02"), ("cid", "2026-03-31")):
        store.add(Record("profile", name, {"email": f"{name}@example.com"}))
        store.join("segment", "S1", name, f"{at}T12:00:00+00:00")
    return store


def add_event(store: Store, metric: str, at: str, profile: str, links: Any = None, **properties: Any) -> None:
    moment = datetime.fromisoformat(f"2026-{at}").replace(tzinfo=UTC)
    attributions = [store.add(Record("attribution", store.new_id("attribution"), {}, links)).id] if links else []
    attributes = {"timestamp": int(moment.timestamp()), "event_properties": properties}
    event_links: Links = {"metric": METRICS[metric], "profile": profile, "attributions": attributions}
    store.add(Record("event", store.new_id("event"), attributes, event_links))


@pytest.fixture
def spring(store: Store) -> Store:
    """An e-mail to ann and ben, opened by ann three times, and an order that it led to."""
    for profile in ("ann", "ben"):
        add_event(store, "Received Email", "03-10T09:00", profile, **{"$message": "M1"})
    add_event(store, "Bounced Email", "03-10T09:00", "cid", **{"$message": "M1"})
    for day in ("03-10T10:00", "03-11T10:00", "04-20T10:00"):
        add_event(store, "Opened Email", day, "ann", **{"$message": "M1"})
    add_event(store, "Clicked Email", "03-11T10:01", "ann", **{"$message": "M1"})
    credit = {"campaign": "C1", "campaign-message": "M1"}
    add_event(store, "Placed Order", "03-11T11:00", "ann", credit, **{"$value": 40.0})
    add_event(store, "Placed Order", "03-11T12:00", "ann", credit, **{"$value": 20.5})
    add_event(store, "Placed Order", "03-12T12:00", "ben", **{"$value": 99.0})
    return store


def query(store: Store, operation: str, **attributes: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"timeframe": MARCH, "conversion_metric_id": METRICS["Placed Order"]}
    if operation.endswith("series"):
        defaults["interval"] = "weekly"
    return query_report(store, operation, defaults | attributes, NOW)


def only_row(store: Store, operation: str, *statistics: str, **attributes: Any) -> dict[str, Any]:
    (row,) = query(store, operation, statistics=list(statistics), **attributes)["results"]
    return dict(row["statistics"])


def test_a_campaign_report_has_every_statistic(spring: Store) -> None:
    report = only_row(spring, "query_campaign_values", *MESSAGE_STATISTICS)
    assert report == {
        "recipients": 3,
        "delivered": 2,
        "delivery_rate": 0.666667,
        "bounced": 1,
        "bounce_rate": 0.333333,
        "failed": 0,
        "failed_rate": 0.0,
        "bounced_or_failed": 1,
        "bounced_or_failed_rate": 0.333333,
        "opens": 3,
        "opens_unique": 1,
        "open_rate": 0.5,
        "clicks": 1,
        "clicks_unique": 1,
        "click_rate": 0.5,
        "click_to_open_rate": 1.0,
        "unsubscribes": 0,
        "unsubscribe_uniques": 0,
        "unsubscribe_rate": 0.0,
        "spam_complaints": 0,
        "spam_complaint_rate": 0.0,
        "conversions": 2,
        "conversion_uniques": 1,
        "conversion_rate": 0.5,
        "conversion_value": 60.5,
        "average_order_value": 30.25,
        "revenue_per_recipient": 30.25,
        "message_segment_count_sum": 0,
        "text_message_credit_usage_amount": 0.0,
        "text_message_spend": 0.0,
        "text_message_roi": 0.0,
    }


def test_an_open_counts_at_the_time_of_the_send(spring: Store) -> None:
    april = {"start": "2026-04-01T00:00:00Z", "end": "2026-05-01T00:00:00Z"}
    assert query(spring, "query_campaign_values", statistics=["opens"], timeframe=april) == {"results": []}


def test_text_messages_cost_their_credits_and_earn_their_conversions(store: Store) -> None:
    add_event(store, "Received SMS", "03-05T10:00", "ann", **{"$message": "M3", "Segment Count": 2, "$usage_amount": 3})
    add_event(store, "Received SMS", "03-05T10:00", "ben", **{"$message": "M3"})
    add_event(store, "Failed to Deliver SMS", "03-05T10:00", "cid", **{"$message": "M3"})
    add_event(store, "Placed Order", "03-05T11:00", "ann", {"campaign-message": "M3"}, **{"$value": 8})
    names = ("message_segment_count_sum", "text_message_credit_usage_amount", "text_message_spend", "text_message_roi")
    assert only_row(store, "query_campaign_values", *names, "failed") == {
        "message_segment_count_sum": 3,
        "text_message_credit_usage_amount": 4.0,
        "text_message_spend": 0.04,
        "text_message_roi": 200.0,
        "failed": 1,
    }


@pytest.fixture
def deliveries(store: Store) -> Store:
    for message, metric in (("M1", "Received Email"), ("M2", "Received Push"), ("M3", "Received SMS")):
        add_event(store, metric, "03-05T10:00", "ann", **{"$message": message})
    add_event(store, "Received Email", "03-05T10:00", "ben", **{"$message": "FM", "$flow": "F1"})
    add_event(store, "Received Email", "03-05T10:00", "ben", **{"$message": "M1", "$variation": "M2"})
    return store


@pytest.mark.parametrize(
    ("filter_", "messages"),
    [
        (None, ["M1", "M2", "M3"]),
        ('equals(send_channel,"push-notification")', ["M2"]),
        ('contains-any(send_channel,["sms","email"])', ["M1", "M3"]),
        ('and(equals(campaign_id,"C1"),contains-any(campaign_message_name,["Label M1"]))', ["M1"]),
        ('contains-all(tag_name,["vip","sale"])', ["M1", "M2"]),
        ('contains-any(tag_id,["T9"])', []),
        ('equals(text_message_format,"sms")', ["M3"]),
        ('equals(variation,"M2")', ["M1"]),
    ],
)
def test_a_filter_selects_messages(deliveries: Store, filter_: str | None, messages: list[str]) -> None:
    results = query(deliveries, "query_campaign_values", statistics=["delivered"], filter=filter_)["results"]
    assert [row["groupings"]["campaign_message_id"] for row in results] == messages


def test_rows_are_grouped_by_campaign_message_and_channel_by_default(deliveries: Store) -> None:
    results = query(deliveries, "query_campaign_values", statistics=["delivered"])["results"]
    groupings = {"campaign_id": "C1", "campaign_message_id": "M1", "send_channel": "email"}
    assert results[0] == {"groupings": groupings, "statistics": {"delivered": 2}}


def test_a_campaign_has_a_row_for_each_of_its_tags_audiences_and_variations(deliveries: Store) -> None:
    def rows(*names: str) -> list[tuple[str, ...]]:
        group_by = ["campaign_id", "campaign_message_id", *names]
        results = query(deliveries, "query_campaign_values", statistics=["delivered"], group_by=group_by)["results"]
        return [tuple(row["groupings"][name] for name in group_by) for row in results]

    assert rows("tag_id", "tag_name") == [
        ("C1", "M1", "T1", "vip"),
        ("C1", "M1", "T2", "sale"),
        ("C1", "M2", "T1", "vip"),
        ("C1", "M2", "T2", "sale"),
        ("C2", "M3", "", ""),
    ]
    assert rows("group", "group_name")[:2] == [("C1", "M1", "GONE", ""), ("C1", "M1", "L1", "Newsletter")]
    assert rows("variation_name")[:2] == [("C1", "M1", ""), ("C1", "M1", "Label M2")]
    assert len(rows("tag_name", "group")) == 9


def test_a_flow_is_reported_by_message_and_apart_from_campaigns(deliveries: Store) -> None:
    add_event(deliveries, "Placed Order", "03-19T10:00", "ben", {"flow": "F1", "flow-message": "FM"}, **{"$value": 7})
    group_by = ["flow_id", "flow_message_id", "flow_name", "flow_message_name", "send_channel", "tag_name"]
    report = query(deliveries, "query_flow_values", statistics=["delivered", "conversion_value"], group_by=group_by)
    groupings = dict(zip(group_by, ["F1", "FM", "Welcome", "Hello", "email", "vip"], strict=True))
    assert report["results"] == [{"groupings": groupings, "statistics": {"delivered": 1, "conversion_value": 7.0}}]


def test_a_series_has_a_number_for_each_bucket(store: Store) -> None:
    for day, who in (("02T10:00", "ann"), ("09T10:00", "ann"), ("09T11:00", "ben")):
        add_event(store, "Received Email", f"03-{day}", who, **{"$message": "FM"})
    add_event(store, "Opened Email", "03-16T10:00", "ann", **{"$message": "FM"})
    add_event(store, "Received Email", "03-20T10:00", "ann", **{"$message": "FM"})
    report = query(store, "query_flow_series", statistics=["delivered", "open_rate"])
    assert [at[:10] for at in report["date_times"]] == [
        *("2026-02-23", "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30")
    ]
    assert report["results"][0]["statistics"] == {
        "delivered": [0, 1, 2, 1, 0, 0],
        "open_rate": [0.0, 0.0, 0.5, 0.0, 0.0, 0.0],
    }


def test_forms_are_reported_by_form_and_by_version(store: Store) -> None:
    for metric, version in (("Viewed Form", "1"), ("Viewed Form", "2"), ("Submitted Form", "2"), ("Closed Form", "1")):
        add_event(store, metric, "03-05T10:00", "ann", form_id="form1", form_version_id=version)
    add_event(store, "Viewed Form", "03-05T10:00", "ann", form_id="unknown")
    names = ("viewed_form", "viewed_form_uniques", "submits", "submit_rate", "closed_form", "qualified_form")
    assert only_row(store, "query_form_values", *names) == dict(zip(names, (2, 1, 1, 0.5, 1, 0), strict=True))
    group_by = ["form_id", "form_version_id"]
    attributes: dict[str, Any] = {"statistics": ["viewed_form"], "group_by": group_by}
    rows = query(store, "query_form_values", **attributes)["results"]
    assert [row["groupings"] for row in rows] == [{"form_id": "form1", "form_version_id": id_} for id_ in "12"]
    rows = query(store, "query_form_series", filter='any(form_version_id,["2"])', **attributes)["results"]
    assert [row["statistics"] for row in rows] == [{"viewed_form": [0, 1, 0, 0, 0, 0]}]


def test_a_segment_report_counts_added_members_and_members_at_the_end(store: Store) -> None:
    names = ("total_members", "members_added", "members_removed", "net_members_changed")
    assert only_row(store, "query_segment_values", *names) == dict(zip(names, (3, 2, 0, 2), strict=True))
    assert only_row(store, "query_segment_series", "total_members", "members_added") == {
        "total_members": [1, 2, 2, 2, 2, 3],
        "members_added": [0, 1, 0, 0, 0, 1],
    }
    assert query(store, "query_segment_values", statistics=["total_members"], filter='equals(segment_id,"X")') == {
        "results": []
    }


REFUSED_REQUESTS = [
    ("campaign_values", {"statistics": []}, "statistics", "invalid"),
    ("campaign_values", {"conversion_metric_id": "NONE"}, "conversion_metric_id", "invalid"),
    ("campaign_values", {"group_by": ["campaign_id", "tag_id"]}, "group_by", "invalid"),
    ("flow_values", {"group_by": ["flow_id"]}, "group_by", "invalid"),
    ("form_values", {"group_by": ["form_version_id"]}, "group_by", "invalid"),
    ("form_values", {"timeframe": {"start": "2026-03-02", "end": "2026-03-02"}}, "timeframe/end", "invalid"),
    ("form_values", {"timeframe": {"start": "2024-03-02", "end": "2026-03-02"}}, "timeframe", "invalid"),
    ("form_series", {"interval": "hourly", "timeframe": {"key": "last_30_days"}}, "timeframe", "invalid"),
    ("flow_series", {"interval": "daily", "timeframe": {"key": "last_90_days"}}, "timeframe", "invalid"),
    ("flow_series", {"interval": "monthly", "timeframe": {"key": "last_365_days"}}, "timeframe", "invalid"),
    ("segment_values", {"timeframe": {"start": "2023-05-01", "end": "2023-07-01"}}, "timeframe", "invalid"),
    ("campaign_values", {"filter": 'equals(flow_id,"F1")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(tag_id,"T1")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(campaign_id,["C1"])'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'contains-any(campaign_id,"C1")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(send_channel,"fax")'}, "filter", "invalid_filter"),
    ("campaign_values", {"filter": 'equals(campaign_id,"C1"),contains-any(campaign_id,["C2"])'}, "filter", None),
    ("form_values", {"filter": 'contains-any(form_id,["a"])'}, "filter", "invalid_filter"),
    ("form_values", {"filter": f"any(form_id,{json.dumps([str(n) for n in range(101)])})"}, "filter", None),
    ("segment_values", {"filter": "equals(segment_id"}, "filter", "invalid_filter"),
]


@pytest.mark.parametrize(("operation", "attributes", "pointer", "code"), REFUSED_REQUESTS)
def test_a_wrong_attribute_is_refused_with_its_place(
    store: Store, operation: str, attributes: dict[str, Any], pointer: str, code: str | None
) -> None:
    statistics = {"flow": "opens", "campaign": "opens", "form": "submits", "segment": "total_members"}
    defaults = {
        "statistics": [statistics[operation.split("_")[0]]],
        "timeframe": MARCH,
        "conversion_metric_id": METRICS["Viewed Form"],
        "interval": "weekly",
    }
    with pytest.raises(KlaviyoError) as raised:
        query_report(store, f"query_{operation}", defaults | attributes, NOW)
    assert (raised.value.status, raised.value.pointer) == (400, f"/data/attributes/{pointer}")
    assert raised.value.code == (code or "invalid_filter")


@pytest.mark.parametrize("name", OPERATIONS)
def test_reports_have_every_statistic_and_grouping_of_klaviyos_document(name: str, deliveries: Store) -> None:
    for document in openapi_documents("2026-01-15").values():
        operations = (operation for path in document["paths"].values() for operation in path.values())
        operation = next(one for one in operations if isinstance(one, dict) and one.get("operationId") == name)
        content = operation["requestBody"]["content"]["application/vnd.api+json"]["schema"]
        schema = resolve_all(document, content)["properties"]["data"]["properties"]["attributes"]["properties"]
        statistics = schema["statistics"]["items"]["enum"]
        assert set(statistics) == set(REPORTS[name.split("_")[1]].statistics)
        attributes: dict[str, Any] = {"statistics": statistics}
        if "group_by" in schema:
            attributes["group_by"] = schema["group_by"]["items"]["enum"]
        report = query(deliveries, name, **attributes)
        answered = operation["responses"]["200"]["content"]["application/vnd.api+json"]["schema"]
        jsonschema.validate(report, resolve_all(document, answered)["properties"]["data"]["properties"]["attributes"])
        assert bool(report["results"]) == ("form" not in name)


def resolve_all(document: Any, schema: Any) -> Any:
    if isinstance(schema, list):
        return [resolve_all(document, part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return resolve_all(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    return {name: resolve_all(document, part) for name, part in schema.items()}


def test_a_report_of_the_seeded_campaigns_agrees_with_a_count_by_hand() -> None:
    store = seeded_store(60)
    metric_names = {metric.id: metric.attributes["name"] for metric in store.all("metric")}
    zone = ZoneInfo(next(store.all("account")).attributes["timezone"])
    first, last = (datetime(2026, month, 1, tzinfo=zone).timestamp() for month in (1, 6))
    delivered: dict[str, set[str]] = {}
    send_times: dict[tuple[str, str], int] = {}
    for event in store.all("event"):
        message, at = properties_of(event).get("$message"), event.attributes["timestamp"]
        is_received = metric_names[str(event.links["metric"])].startswith("Received")
        if message and store.get("campaign-message", message) and is_received:
            send_times[message, str(event.links["profile"])] = at
            if first <= at < last:
                delivered.setdefault(message, set()).add(str(event.links["profile"]))
    opened: dict[str, set[str]] = {message: set() for message in delivered}
    revenue = dict.fromkeys(delivered, 0.0)
    for event in store.all("event"):
        metric, profile = metric_names[str(event.links["metric"])], str(event.links["profile"])
        properties = properties_of(event)
        if metric.startswith("Opened") and profile in delivered.get(properties["$message"], ()):
            opened[properties["$message"]].add(profile)
        for id_ in event.links["attributions"] or () if metric == "Placed Order" else ():
            message = str(linked(store, "attribution", id_).links.get("campaign-message"))
            if first <= send_times.get((message, profile), 0) < last:
                revenue[message] += properties["$value"]
    attributes = {
        "statistics": ["delivered", "opens_unique", "conversion_value"],
        "timeframe": {"start": "2026-01-01T00:00:00Z", "end": "2026-06-01T00:00:00Z"},
        "conversion_metric_id": by_name(store, "metric")["Placed Order"].id,
    }
    results = query_report(store, "query_campaign_values", attributes, SEEDED_AT)["results"]
    rows = {row["groupings"]["campaign_message_id"]: list(row["statistics"].values()) for row in results}
    assert sum(revenue.values()) > 0
    assert {message: row for message, row in rows.items() if row[0]} == {
        message: [len(profiles), len(opened[message]), round(revenue[message], 2)]
        for message, profiles in delivered.items()
    }
