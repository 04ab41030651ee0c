"""What the sends of the seeded account led to."""

from __future__ import annotations

from tests.server.sandbox.life.seeded import events_of, linked, properties_of

from klaviyo_mcp.sandbox.state.store import Store


def test_every_sent_campaign_and_no_other_was_received(account: Store) -> None:
    sent = {one.attributes["name"] for one in account.all("campaign") if one.attributes["status"] == "Sent"}
    received: set[tuple[str, str]] = set()
    campaigns: set[str] = set()
    for name in ("Received Email", "Received SMS", "Received Push"):
        for event in events_of(account, name):
            properties = properties_of(event)
            received.add((properties["$message"], str(event.links["profile"])))
            if "$flow" not in properties:
                message = linked(account, "campaign-message", properties["$message"])
                campaign = linked(account, "campaign", message.links["campaign"])
                assert properties["Campaign Name"] == campaign.attributes["name"]
                assert event.attributes["datetime"] >= campaign.attributes["send_time"]
                campaigns.add(properties["Campaign Name"])
    assert campaigns == sent
    for name in ("Opened Email", "Clicked Email", "Clicked SMS", "Opened Push", "Marked Email as Spam"):
        for event in events_of(account, name):
            assert (properties_of(event)["$message"], event.links["profile"]) in received


def test_unsubscribes_are_of_profiles_that_are_unsubscribed(account: Store) -> None:
    for metric, channel in (("Unsubscribed from Email", "email"), ("Unsubscribed from SMS", "sms")):
        events = events_of(account, metric)
        assert len({event.links["profile"] for event in events}) == len(events) > 3
        for event in events:
            profile = linked(account, "profile", event.links["profile"])
            email = profile.attributes["subscriptions"][channel]["marketing"]
            assert (email["consent"], email["consent_timestamp"]) == ("UNSUBSCRIBED", event.attributes["datetime"])
