"""The members of the seeded segments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.server.sandbox.life.seeded import NOW, by_name, events_of

from klaviyo_mcp.sandbox.behaviour.profiles import never_subscribed
from klaviyo_mcp.sandbox.state.store import Store


def test_segments_have_exactly_the_members_that_satisfy_them(account: Store) -> None:
    segments = {name: set(account.members("segment", one.id)) for name, one in by_name(account, "segment").items()}
    profiles = {one.id: one.attributes for one in account.all("profile")}
    orders: dict[str, list[str]] = {}
    for event in events_of(account, "Placed Order"):
        orders.setdefault(str(event.links["profile"]), []).append(event.attributes["datetime"])
    lapsed_since, last_month = ((NOW - timedelta(days=days)).isoformat() for days in (180, 30))
    engaged = {e.links["profile"] for e in events_of(account, "Opened Email") if e.attributes["datetime"] >= last_month}

    def is_subscriber(attributes: Mapping[str, Any]) -> bool:
        email = (attributes["subscriptions"].get("email") or never_subscribed()["email"])["marketing"]
        return email["consent"] == "SUBSCRIBED" and bool(email["can_receive_email_marketing"])

    assert segments == {
        "Subscribers in Germany": {
            id_ for id_, one in profiles.items() if one["location"]["country"] == "Germany" and is_subscriber(one)
        },
        "Gold Tier": {id_ for id_, one in profiles.items() if one["properties"].get("loyalty_tier") == "gold"},
        "Reachable by SMS": set(account.members("list", by_name(account, "list")["SMS Club"].id)),
        "Repeat Customers": {id_ for id_, times in orders.items() if len(times) > 1},
        "Lapsed Customers": {id_ for id_, times in orders.items() if max(times) < lapsed_since},
        "Engaged in 30 Days": engaged,
    }


def test_no_evaluation_changes_what_was_seeded(account: Store) -> None:
    for segment in account.all("segment"):
        members = account.members("segment", segment.id)
        assert not account.departures("segment", segment.id)
        # Who had joined by the evaluation alone would have joined now.
        assert all(at < NOW.isoformat() for at in members.values()), segment.attributes["name"]
