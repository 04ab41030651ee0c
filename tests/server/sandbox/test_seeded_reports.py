"""Reports of the seeded life agree with what happened in it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from klaviyo_mcp.sandbox.reporting import reports
from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.sandbox.state.store import Store

NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)


def test_a_seeded_year_of_campaigns_agrees_with_a_count_by_hand() -> None:
    store = Store(now=NOW)
    populate(store, profiles=60, now=NOW)
    names = {metric.id: metric.attributes["name"] for metric in store.all("metric")}
    account = next(store.all("account"))
    zone = ZoneInfo(account.attributes["timezone"])
    first, last = (datetime(2026, month, 1, tzinfo=zone).timestamp() for month in (1, 6))
    delivered: dict[str, set[str]] = {}
    sends: dict[tuple[str, str], int] = {}
    for event in store.all("event"):
        message, at = event.attributes["event_properties"].get("$message"), event.attributes["timestamp"]
        if store.get("campaign-message", message or "") and names[str(event.links["metric"])].startswith("Received"):
            sends[message, str(event.links["profile"])] = at
            if first <= at < last:
                delivered.setdefault(message, set()).add(str(event.links["profile"]))
    opened: dict[str, set[str]] = {message: set() for message in delivered}
    earned = dict.fromkeys(delivered, 0.0)
    for event in store.all("event"):
        name, person = names[str(event.links["metric"])], str(event.links["profile"])
        told = event.attributes["event_properties"]
        if name.startswith("Opened") and person in delivered.get(told["$message"], ()):
            opened[told["$message"]].add(person)
        for id_ in event.links["attributions"] or () if name == "Placed Order" else ():
            message = str(store.get("attribution", id_).links.get("campaign-message"))  # type: ignore[union-attr]
            if first <= sends.get((message, person), 0) < last:
                earned[message] += told["$value"]
    asked = {
        "statistics": ["delivered", "opens_unique", "conversion_value"],
        "timeframe": {"start": "2026-01-01T00:00:00Z", "end": "2026-06-01T00:00:00Z"},
        "conversion_metric_id": next(id_ for id_, name in names.items() if name == "Placed Order"),
    }
    results = reports.query_report(store, "query_campaign_values", asked, NOW)["results"]
    told = {row["groupings"]["campaign_message_id"]: list(row["statistics"].values()) for row in results}
    assert sum(earned.values()) > 0
    assert {id_: row for id_, row in told.items() if row[0]} == {
        id_: [len(people), len(opened[id_]), round(earned[id_], 2)] for id_, people in delivered.items()
    }
