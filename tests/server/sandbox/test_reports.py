"""The seven reports agree with the events in the store."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from tests.contract.openapi import openapi_documents

from klaviyo_mcp.sandbox.reporting import reports
from klaviyo_mcp.sandbox.reporting import statistics as figures
from klaviyo_mcp.sandbox.state.store import Links, Record, Store

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
MARCH = {"start": "2026-03-01T00:00:00+00:00", "end": "2026-04-01T00:00:00+00:00"}
METRICS = {
    name: name.title().replace(" ", "")
    for name in (*figures.MESSAGE_KINDS, *figures.FORM_KINDS, "Failed to Deliver SMS", "Placed Order")
}
OPERATIONS = [f"query_{subject}_{form}" for subject in ("flow", "form", "segment") for form in ("values", "series")]
OPERATIONS.append("query_campaign_values")


@pytest.fixture
def store() -> Store:
    """Two campaigns (one of two messages), a flow, a form, and a segment of three."""
    store = Store(now=NOW)
    for name, id_ in METRICS.items():
        store.add(Record("metric", id_, {"name": name}))
    for id_, name in (("T1", "vip"), ("T2", "sale")):
        store.add(Record("tag", id_, {"name": name}))
    store.add(Record("list", "L1", {"name": "Newsletter"}))
    held = {"name": "Spring", "audiences": {"included": ["L1", "GONE"], "excluded": []}}
    store.add(Record("campaign", "C1", held, {"campaign-messages": ["M1", "M2"], "tags": ["T1", "T2"]}))
    store.add(Record("campaign", "C2", {"name": "Text"}, {"campaign-messages": ["M3"], "tags": []}))
    for id_, campaign, channel in (("M1", "C1", "email"), ("M2", "C1", "mobile_push"), ("M3", "C2", "sms")):
        told = {"channel": channel, "label": f"Label {id_}"}
        store.add(Record("campaign-message", id_, told, {"campaign": campaign}))
    store.add(Record("flow", "F1", {"name": "Welcome"}, {"tags": ["T1"]}))
    store.add(Record("flow-action", "FA", {}, {"flow": "F1"}))
    message = {"channel": "Email", "definition": {"name": "Hello"}}
    store.add(Record("flow-message", "FM", message, {"flow-action": "FA"}))
    store.add(Record("form", "form1", {"name": "Popup"}))
    store.add(Record("segment", "S1", {"name": "Buyers"}))
    for name, at in (("ann", "2026-02-10"), ("ben", "2026-03-02"), ("cid", "2026-03-31")):
        store.add(Record("profile", name, {"email": f"{name}@example.com"}))
        store.join("segment", "S1", name, f"{at}T12:00:00+00:00")
    return store


def happen(store: Store, metric: str, at: str, profile: str, links: Any = None, **properties: Any) -> None:
    moment = datetime.fromisoformat(f"2026-{at}").replace(tzinfo=UTC)
    attributions = [store.add(Record("attribution", store.new_id("attribution"), {}, links)).id] if links else []
    told = {"timestamp": int(moment.timestamp()), "event_properties": properties}
    event: Links = {"metric": METRICS[metric], "profile": profile, "attributions": attributions}
    store.add(Record("event", store.new_id("event"), told, event))


@pytest.fixture
def spring(store: Store) -> Store:
    """An e-mail to ann and ben, opened by ann three times, and an order that it led to."""
    for profile in ("ann", "ben"):
        happen(store, "Received Email", "03-10T09:00", profile, **{"$message": "M1"})
    happen(store, "Bounced Email", "03-10T09:00", "cid", **{"$message": "M1"})
    for day in ("03-10T10:00", "03-11T10:00", "04-20T10:00"):
        happen(store, "Opened Email", day, "ann", **{"$message": "M1"})
    happen(store, "Clicked Email", "03-11T10:01", "ann", **{"$message": "M1"})
    credit = {"campaign": "C1", "campaign-message": "M1"}
    happen(store, "Placed Order", "03-11T11:00", "ann", credit, **{"$value": 40.0})
    happen(store, "Placed Order", "03-11T12:00", "ann", credit, **{"$value": 20.5})
    happen(store, "Placed Order", "03-12T12:00", "ben", **{"$value": 99.0})
    return store


def ask(store: Store, operation: str, **asked: Any) -> dict[str, Any]:
    question: dict[str, Any] = {"timeframe": MARCH, "conversion_metric_id": METRICS["Placed Order"]}
    if operation.endswith("series"):
        question["interval"] = "weekly"
    return reports.query_report(store, operation, question | asked, NOW)


def one(store: Store, operation: str, *statistics: str, **asked: Any) -> dict[str, Any]:
    (row,) = ask(store, operation, statistics=list(statistics), **asked)["results"]
    return dict(row["statistics"])


def test_a_campaign_is_told_in_every_statistic(spring: Store) -> None:
    told = one(spring, "query_campaign_values", *figures.MESSAGE_STATISTICS)
    assert told == {
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


def test_what_follows_a_message_counts_when_the_message_was_sent(spring: Store) -> None:
    april = {"start": "2026-04-01T00:00:00Z", "end": "2026-05-01T00:00:00Z"}
    assert ask(spring, "query_campaign_values", statistics=["opens"], timeframe=april) == {"results": []}


def test_texts_cost_their_segments_and_earn_what_they_led_to(store: Store) -> None:
    happen(store, "Received SMS", "03-05T10:00", "ann", **{"$message": "M3", "Segment Count": 2, "$usage_amount": 3})
    happen(store, "Received SMS", "03-05T10:00", "ben", **{"$message": "M3"})
    happen(store, "Failed to Deliver SMS", "03-05T10:00", "cid", **{"$message": "M3"})
    happen(store, "Placed Order", "03-05T11:00", "ann", {"campaign-message": "M3"}, **{"$value": 8})
    names = ("message_segment_count_sum", "text_message_credit_usage_amount", "text_message_spend", "text_message_roi")
    assert one(store, "query_campaign_values", *names, "failed") == {
        "message_segment_count_sum": 3,
        "text_message_credit_usage_amount": 4.0,
        "text_message_spend": 0.04,
        "text_message_roi": 200.0,
        "failed": 1,
    }


@pytest.fixture
def sent(store: Store) -> Store:
    for message, metric in (("M1", "Received Email"), ("M2", "Received Push"), ("M3", "Received SMS")):
        happen(store, metric, "03-05T10:00", "ann", **{"$message": message})
    happen(store, "Received Email", "03-05T10:00", "ben", **{"$message": "FM", "$flow": "F1"})
    happen(store, "Received Email", "03-05T10:00", "ben", **{"$message": "M1", "$variation": "M2"})
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
def test_a_filter_chooses_messages(sent: Store, filter_: str | None, messages: list[str]) -> None:
    results = ask(sent, "query_campaign_values", statistics=["delivered"], filter=filter_)["results"]
    assert [row["groupings"]["campaign_message_id"] for row in results] == messages


def test_rows_are_grouped_by_campaign_message_and_channel_unless_told_otherwise(sent: Store) -> None:
    results = ask(sent, "query_campaign_values", statistics=["delivered"])["results"]
    groupings = {"campaign_id": "C1", "campaign_message_id": "M1", "send_channel": "email"}
    assert results[0] == {"groupings": groupings, "statistics": {"delivered": 2}}


def test_a_campaign_has_a_row_for_each_of_its_tags_audiences_and_variations(sent: Store) -> None:
    def rows(*names: str) -> list[tuple[str, ...]]:
        group_by = ["campaign_id", "campaign_message_id", *names]
        found = ask(sent, "query_campaign_values", statistics=["delivered"], group_by=group_by)["results"]
        return [tuple(row["groupings"][name] for name in group_by) for row in found]

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


def test_a_flow_is_reported_by_its_messages_and_apart_from_campaigns(sent: Store) -> None:
    happen(sent, "Placed Order", "03-19T10:00", "ben", {"flow": "F1", "flow-message": "FM"}, **{"$value": 7})
    group_by = ["flow_id", "flow_message_id", "flow_name", "flow_message_name", "send_channel", "tag_name"]
    told = ask(sent, "query_flow_values", statistics=["delivered", "conversion_value"], group_by=group_by)
    groupings = dict(zip(group_by, ["F1", "FM", "Welcome", "Hello", "email", "vip"], strict=True))
    assert told["results"] == [{"groupings": groupings, "statistics": {"delivered": 1, "conversion_value": 7.0}}]


def test_a_series_has_a_number_for_each_time(store: Store) -> None:
    for day, who in (("02T10:00", "ann"), ("09T10:00", "ann"), ("09T11:00", "ben")):
        happen(store, "Received Email", f"03-{day}", who, **{"$message": "FM"})
    happen(store, "Opened Email", "03-16T10:00", "ann", **{"$message": "FM"})
    happen(store, "Received Email", "03-20T10:00", "ann", **{"$message": "FM"})
    told = ask(store, "query_flow_series", statistics=["delivered", "open_rate"])
    assert [at[:10] for at in told["date_times"]] == [
        *("2026-02-23", "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30")
    ]
    assert told["results"][0]["statistics"] == {
        "delivered": [0, 1, 2, 1, 0, 0],
        "open_rate": [0.0, 0.0, 0.5, 0.0, 0.0, 0.0],
    }


def test_forms_are_told_by_form_and_by_version(store: Store) -> None:
    for metric, version in (("Viewed Form", "1"), ("Viewed Form", "2"), ("Submitted Form", "2"), ("Closed Form", "1")):
        happen(store, metric, "03-05T10:00", "ann", form_id="form1", form_version_id=version)
    happen(store, "Viewed Form", "03-05T10:00", "ann", form_id="unknown")
    names = ("viewed_form", "viewed_form_uniques", "submits", "submit_rate", "closed_form", "qualified_form")
    assert one(store, "query_form_values", *names) == dict(zip(names, (2, 1, 1, 0.5, 1, 0), strict=True))
    group_by = ["form_id", "form_version_id"]
    asked: dict[str, Any] = {"statistics": ["viewed_form"], "group_by": group_by}
    rows = ask(store, "query_form_values", **asked)["results"]
    assert [row["groupings"] for row in rows] == [{"form_id": "form1", "form_version_id": id_} for id_ in "12"]
    rows = ask(store, "query_form_series", filter='any(form_version_id,["2"])', **asked)["results"]
    assert [row["statistics"] for row in rows] == [{"viewed_form": [0, 1, 0, 0, 0, 0]}]


def test_a_segment_tells_who_came_and_how_many_it_held_in_the_end(store: Store) -> None:
    names = ("total_members", "members_added", "members_removed", "net_members_changed")
    assert one(store, "query_segment_values", *names) == dict(zip(names, (3, 2, 0, 2), strict=True))
    assert one(store, "query_segment_series", "total_members", "members_added") == {
        "total_members": [1, 2, 2, 2, 2, 3],
        "members_added": [0, 1, 0, 0, 0, 1],
    }
    assert ask(store, "query_segment_values", statistics=["total_members"], filter='equals(segment_id,"X")') == {
        "results": []
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_reports_know_every_statistic_and_grouping_of_klaviyos_document(name: str, sent: Store) -> None:
    for document in openapi_documents("2026-01-15").values():
        operations = (operation for path in document["paths"].values() for operation in path.values())
        operation = next(one for one in operations if isinstance(one, dict) and one.get("operationId") == name)
        content = operation["requestBody"]["content"]["application/vnd.api+json"]["schema"]
        schema = _resolved(document, content)["properties"]["data"]["properties"]["attributes"]["properties"]
        statistics = schema["statistics"]["items"]["enum"]
        assert set(statistics) == set(reports.REPORTS[name.split("_")[1]].statistics)
        asked: dict[str, Any] = {"statistics": statistics}
        if "group_by" in schema:
            asked["group_by"] = schema["group_by"]["items"]["enum"]
        told = ask(sent, name, **asked)
        answered = operation["responses"]["200"]["content"]["application/vnd.api+json"]["schema"]
        jsonschema.validate(told, _resolved(document, answered)["properties"]["data"]["properties"]["attributes"])
        assert bool(told["results"]) == ("form" not in name)


def _resolved(document: Any, schema: Any) -> Any:
    if isinstance(schema, list):
        return [_resolved(document, part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    return {name: _resolved(document, part) for name, part in schema.items()}
