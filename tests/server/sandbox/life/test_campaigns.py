"""The seeded campaigns."""

from __future__ import annotations

from collections import Counter

from tests.server.sandbox.life.seeded import NOW

from klaviyo_mcp.sandbox.state.store import Store


def test_campaigns_come_in_every_state_and_channel(account: Store) -> None:
    assert Counter(one.attributes["status"] for one in account.all("campaign")) == {
        "Sent": 33,
        "Draft": 3,
        "Cancelled": 2,
        "Scheduled": 2,
    }
    assert {one.attributes["channel"] for one in account.all("campaign-message")} == {"email", "sms", "mobile_push"}
    for campaign in account.all("campaign"):
        sent_at = campaign.attributes["send_time"]
        if campaign.attributes["status"] == "Sent":
            assert sent_at <= NOW.isoformat()
        elif campaign.attributes["status"] == "Scheduled":
            assert sent_at > NOW.isoformat()
        else:
            assert sent_at is None
