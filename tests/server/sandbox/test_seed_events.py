"""What happened in the seeded life hangs together: campaigns, flows, messages, orders, reviews."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.sandbox.state.store import Record, Store, linked_ids

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def life() -> Store:
    store = Store(now=NOW)
    populate(store, now=NOW)
    return store


def _named(store: Store, type_: str) -> dict[str, Record]:
    return {record.attributes["name"]: record for record in store.all(type_)}


def _events(store: Store, metric: str) -> list[Record]:
    id_ = _named(store, "metric")[metric].id
    return [event for event in store.all("event") if event.links["metric"] == id_]


def _told(event: Record) -> dict[str, Any]:
    told: dict[str, Any] = event.attributes["event_properties"]
    return told


def test_campaigns_come_in_every_state_and_channel(life: Store) -> None:
    assert Counter(one.attributes["status"] for one in life.all("campaign")) == {
        "Sent": 33,
        "Draft": 3,
        "Cancelled": 2,
        "Scheduled": 2,
    }
    assert {one.attributes["channel"] for one in life.all("campaign-message")} == {"email", "sms", "mobile_push"}
    for campaign in life.all("campaign"):
        sent_at = campaign.attributes["send_time"]
        if campaign.attributes["status"] == "Sent":
            assert sent_at <= NOW.isoformat()
        elif campaign.attributes["status"] == "Scheduled":
            assert sent_at > NOW.isoformat()
        else:
            assert sent_at is None


def test_message_events_follow_from_what_was_sent(life: Store) -> None:
    """Every campaign that was sent, and no other, was received, by people who were then on the channel."""
    sent = {one.attributes["name"] for one in life.all("campaign") if one.attributes["status"] == "Sent"}
    received: set[tuple[str, str]] = set()
    campaigns: set[str] = set()
    for name in ("Received Email", "Received SMS", "Received Push"):
        for event in _events(life, name):
            told = _told(event)
            received.add((told["$message"], str(event.links["profile"])))
            if "$flow" not in told:
                message = life.get("campaign-message", told["$message"])
                assert message is not None
                campaign = life.get("campaign", str(message.links["campaign"]))
                assert campaign is not None
                assert told["Campaign Name"] == campaign.attributes["name"]
                assert event.attributes["datetime"] >= campaign.attributes["send_time"]
                campaigns.add(told["Campaign Name"])
    assert campaigns == sent
    for name in ("Opened Email", "Clicked Email", "Clicked SMS", "Opened Push", "Marked Email as Spam"):
        for event in _events(life, name):
            assert (_told(event)["$message"], event.links["profile"]) in received


def test_only_live_flows_sent_anything(life: Store) -> None:
    live = {one.id for one in life.all("flow") if one.attributes["status"] == "live"}
    flows = {_told(event)["$flow"] for event in life.all("event") if "$flow" in _told(event)}
    assert flows == live
    assert {one.attributes["status"] for one in life.all("flow")} == {"live", "manual", "draft"}


def test_flow_definitions_are_their_actions(life: Store) -> None:
    for flow in life.all("flow"):
        actions = [life.get("flow-action", id_) for id_ in linked_ids(flow.links["flow-actions"])]
        definitions = [action.attributes["definition"] for action in actions if action]
        assert flow.attributes["definition"]["actions"] == definitions
        assert flow.attributes["definition"]["entry_action_id"] == definitions[0]["id"]
        following = [one["links"]["next"] for one in definitions]
        assert following == [*(one["id"] for one in definitions[1:]), None]


def test_unsubscribes_are_of_those_whose_profile_says_so(life: Store) -> None:
    for metric, channel in (("Unsubscribed from Email", "email"), ("Unsubscribed from SMS", "sms")):
        events = _events(life, metric)
        assert len({event.links["profile"] for event in events}) == len(events) > 3
        for event in events:
            profile = life.get("profile", str(event.links["profile"]))
            assert profile is not None
            held = profile.attributes["subscriptions"][channel]["marketing"]
            assert (held["consent"], held["consent_timestamp"]) == ("UNSUBSCRIBED", event.attributes["datetime"])


def test_no_profile_did_anything_before_it_was_there(life: Store) -> None:
    last: dict[str, str] = {}
    for event in life.all("event"):
        profile = life.get("profile", str(event.links["profile"]))
        assert profile is not None
        assert event.attributes["datetime"] >= profile.attributes["created"]
        last[profile.id] = event.attributes["datetime"]
    assert {one.id: one.attributes["last_event_date"] for one in life.all("profile")} == {
        one.id: last.get(one.id) for one in life.all("profile")
    }


def test_orders_are_of_the_catalog_and_add_up(life: Store) -> None:
    spent: Counter[str] = Counter()
    for event in _events(life, "Placed Order"):
        told = _told(event)
        for item in told["Items"]:
            variant = life.get("catalog-variant", f"$custom:::$default:::{item['SKU']}")
            assert variant is not None
            assert variant.attributes["price"] == item["ItemPrice"]
            assert item["RowTotal"] == round(item["ItemPrice"] * item["Quantity"], 2)
        total = sum(item["RowTotal"] for item in told["Items"])
        assert told["$value"] == pytest.approx(total - told["DiscountValue"])
        spent[str(event.links["profile"])] += told["$value"]
    assert len(spent) > 50
    for id_, total in spent.items():
        profile = life.get("profile", id_)
        assert profile is not None
        assert profile.attributes["predictive_analytics"]["historic_clv"] == pytest.approx(total)


def test_credited_orders_came_after_the_message_that_led_to_them(life: Store) -> None:
    credited = [event for event in _events(life, "Placed Order") if event.links["attributions"]]
    assert len(credited) > 20
    for order in credited:
        (attribution,) = (life.get("attribution", id_) for id_ in linked_ids(order.links["attributions"]))
        assert attribution is not None
        cause = life.get("event", str(attribution.links["attributed-event"]))
        assert cause is not None
        assert cause.links["profile"] == order.links["profile"]
        assert cause.attributes["timestamp"] <= order.attributes["timestamp"]
        assert ("flow" in attribution.links) == ("$flow" in _told(cause))


def test_verified_reviews_name_the_purchase(life: Store) -> None:
    states = Counter(one.attributes["status"]["value"] for one in life.all("review"))
    assert states == {"published": 24, "featured": 5, "pending": 6, "rejected": 3, "unpublished": 2}
    for review in life.all("review"):
        events = [life.get("event", id_) for id_ in linked_ids(review.links["events"])]
        assert bool(events) == review.attributes["verified"]
        for event in events:
            assert event is not None
            assert _told(event)["ProductID"] == review.attributes["product"]["external_id"]
            assert event.attributes["datetime"] < review.attributes["created"] <= NOW.isoformat()
