"""Revision 2026-10-15: reads show the campaigns as a tree, over the same records, and writes are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.server.sandbox.sandbox_api import Api, api_of, only_error

from klaviyo_mcp.sandbox.app import Sandbox
from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.anyio


@pytest.fixture
async def newest(sandbox: Sandbox) -> AsyncIterator[Api]:
    """The API at the newest revision, over an account with one scheduled campaign by e-mail and one by text message."""
    times = {"created_at": "2026-05-01T00:00:00+00:00", "updated_at": "2026-05-02T00:00:00+00:00"}
    for id_, channel, content in (
        ("01A", "email", {"subject": "Spring", "from_email": "a@example.com"}),
        ("01B", "sms", {"body": "Spring!"}),
    ):
        campaign: dict[str, Any] = {
            "name": f"Campaign {id_}",
            "status": "Scheduled",
            "archived": False,
            "audiences": {"included": ["L1"], "excluded": ["S1"]},
            "send_strategy": {"method": "ab_test_campaign"},
            "send_time": "2026-07-01T09:00:00+00:00",
            "tracking_options": {"add_tracking_params": True, "is_tracking_opens": True, "is_tracking_clicks": False},
        }
        sandbox.store.add(Record("campaign", id_, campaign | times, {"campaign-messages": [f"01M{id_}"], "tags": []}))
        message = {"channel": channel, "label": f"Message {id_}", "content": content, "definition": {}}
        links: dict[str, Any] = {"campaign": id_, "template": "T1", "image": None}
        sandbox.store.add(Record("campaign-message", f"01M{id_}", message | times, links))
    async with api_of(sandbox, "2026-10-15") as api:
        yield api


async def test_a_campaign_leads_to_its_audience_its_messages_and_their_variations(newest: Api) -> None:
    included = {"include": "campaign-audiences,campaign-messages"}
    document = await newest.get("campaigns/01A", params=included)
    assert document["data"]["attributes"]["definition"]["name"] == "Campaign 01A"
    assert set(document["data"]["attributes"]) == {"definition", "created_at", "updated_at"}
    audience, message = document["included"]
    definition = audience["attributes"]["definition"]
    assert (definition["included"], definition["excluded"]) == (["L1"], ["S1"])
    shown = message["attributes"]["definition"]
    assert (shown["status"], shown["send_options"]["send_strategy"]) == ("scheduled", "content_variation")
    assert shown["send_options"]["send_time"] == "2026-07-01T09:00:00+00:00"
    assert shown["tracking_options"] == {"is_add_utm": True, "is_tracking_clicks": False, "is_tracking_opens": True}
    (variation,) = (await newest.get(f"campaign-messages/{message['id']}/campaign-variations"))["data"]
    assert variation["attributes"]["definition"]["details"] == {
        "channel": "email", "template_id": "T1", "subject": "Spring", "from_email": "a@example.com",
    }  # fmt: skip
    assert await newest.ids(f"campaign-audiences/{audience['id']}/campaign-messages") == [message["id"]]


async def test_messages_are_filtered_by_campaign_and_status(newest: Api) -> None:
    filters = (
        "equals(campaign_id,'01B')",
        "equals(status,'scheduled')",
        "equals(status,'sent')",
        "contains(name,'01A')",
    )
    found = [await newest.ids("campaign-messages", params={"filter": one, "sort": "id"}) for one in filters]
    assert found == [["01M01B"], ["01M01A", "01M01B"], [], ["01M01A"]]


async def test_the_tree_follows_the_campaigns(newest: Api) -> None:
    assert await newest.ids("campaigns", params={"filter": "contains(name,'Autumn')"}) == []
    store = newest.sandbox.store
    campaign = store.get("campaign", "01A")
    assert campaign is not None
    campaign.attributes["name"] = "Autumn"
    store.touch(campaign)
    assert await newest.ids("campaigns", params={"filter": "contains(name,'Autumn')"}) == ["01A"]


async def test_writes_are_refused(newest: Api) -> None:
    body = {"data": {"type": "list", "attributes": {"name": "L"}}}
    assert "Reads alone" in only_error(await newest.post("lists", body, 501))["detail"]
    assert newest.sandbox.store.count("list") == 0
