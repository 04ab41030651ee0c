"""The events of the seeded account, and the attributions of its orders."""

from __future__ import annotations

from tests.server.sandbox.life.seeded import events_of, linked, properties_of

from klaviyo_mcp.sandbox.state.store import Store, linked_ids


def test_no_profile_has_events_from_before_it_was_created(account: Store) -> None:
    last_dates: dict[str, str] = {}
    for event in account.all("event"):
        profile = linked(account, "profile", event.links["profile"])
        assert event.attributes["datetime"] >= profile.attributes["created"]
        last_dates[profile.id] = event.attributes["datetime"]
    assert {one.id: one.attributes["last_event_date"] for one in account.all("profile")} == {
        one.id: last_dates.get(one.id) for one in account.all("profile")
    }


def test_orders_are_credited_to_earlier_messages_to_the_same_profile(account: Store) -> None:
    credited = [event for event in events_of(account, "Placed Order") if event.links["attributions"]]
    assert len(credited) > 20
    for order in credited:
        (attribution_id,) = linked_ids(order.links["attributions"])
        attribution = linked(account, "attribution", attribution_id)
        cause = linked(account, "event", attribution.links["attributed-event"])
        assert cause.links["profile"] == order.links["profile"]
        assert cause.attributes["timestamp"] <= order.attributes["timestamp"]
        assert ("flow" in attribution.links) == ("$flow" in properties_of(cause))
