"""The seeded reviews."""

from __future__ import annotations

from collections import Counter

from tests.server.sandbox.life.seeded import NOW, linked, properties_of

from klaviyo_mcp.sandbox.state.store import Store, linked_ids


def test_verified_reviews_link_to_the_purchase(account: Store) -> None:
    statuses = Counter(one.attributes["status"]["value"] for one in account.all("review"))
    assert statuses == {"published": 24, "featured": 5, "pending": 6, "rejected": 3, "unpublished": 2}
    for review in account.all("review"):
        events = [linked(account, "event", id_) for id_ in linked_ids(review.links["events"])]
        assert bool(events) == review.attributes["verified"]
        for event in events:
            assert properties_of(event)["ProductID"] == review.attributes["product"]["external_id"]
            assert event.attributes["datetime"] < review.attributes["created"] <= NOW.isoformat()
