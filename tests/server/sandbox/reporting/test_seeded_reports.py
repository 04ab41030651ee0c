"""Reports of the seeded account agree with its events."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.server.sandbox.life.seeded import NOW, by_name, linked, properties_of, seeded_store

from klaviyo_mcp.sandbox.reporting.reports import query_report


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
    results = query_report(store, "query_campaign_values", attributes, NOW)["results"]
    rows = {row["groupings"]["campaign_message_id"]: list(row["statistics"].values()) for row in results}
    assert sum(revenue.values()) > 0
    assert {message: row for message, row in rows.items() if row[0]} == {
        message: [len(profiles), len(opened[message]), round(revenue[message], 2)]
        for message, profiles in delivered.items()
    }
