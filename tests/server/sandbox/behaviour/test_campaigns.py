"""Campaigns: what one request does, the next reads."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox.behaviour.campaign_requests import EMAIL, MESSAGES, create_audience, create_campaign
from tests.server.sandbox.sandbox_api import Api, only_error, to_one

pytestmark = pytest.mark.anyio


async def test_a_campaign_is_created_and_deleted_with_its_messages(api: Api) -> None:
    campaign = await create_campaign(api, await create_audience(api))
    (message_id,) = [one["id"] for one in campaign["relationships"]["campaign-messages"]["data"]]
    document = await api.get("campaigns", filter='equals(messages.channel,"email")', include="campaign-messages")
    assert [one["id"] for one in document["data"]] == [campaign["id"]]
    assert document["included"][0]["attributes"]["definition"] == EMAIL
    assert await api.ids("campaigns", filter='equals(messages.channel,"sms")') == []
    await api.delete(f"campaigns/{campaign['id']}")
    await api.get(f"campaign-messages/{message_id}", 404)


async def test_an_update_of_a_message_replaces_its_definition_whole(api: Api) -> None:
    campaign = await create_campaign(api, await create_audience(api))
    (message_id,) = await api.ids(f"campaigns/{campaign['id']}/campaign-messages")
    definition = {"channel": "email", "content": {"preview_text": "P"}}
    change = {"type": "campaign-message", "id": message_id, "attributes": {"definition": definition}}
    message = (await api.patch(f"campaign-messages/{message_id}", {"data": change}))["data"]
    assert message["attributes"]["definition"] == definition


async def test_an_update_of_a_campaign_replaces_its_audiences_whole(api: Api) -> None:
    included, excluded = await create_audience(api), (await api.create("list", "lists", name="X"))["id"]
    campaign = await create_campaign(api, included)
    change = {"type": "campaign", "id": campaign["id"], "attributes": {"audiences": {"excluded": [excluded]}}}
    audiences = (await api.patch(f"campaigns/{campaign['id']}", {"data": change}))["data"]["attributes"]["audiences"]
    assert audiences == {"included": [], "excluded": [excluded]}


async def test_a_campaign_for_an_unknown_audience_or_without_definition_is_refused(api: Api) -> None:
    attributes = {"name": "C", "audiences": {"included": ["nope"]}, "campaign-messages": MESSAGES}
    error = only_error(await api.post("campaigns", {"data": {"type": "campaign", "attributes": attributes}}, 400))
    assert error["source"] == {"pointer": "/data/attributes/audiences/included/0"}
    attributes["campaign-messages"] = {"data": [{"type": "campaign-message", "attributes": {"channel": "email"}}]}
    error = only_error(await api.post("campaigns", {"data": {"type": "campaign", "attributes": attributes}}, 400))
    assert error["detail"] == "'definition' is a required field for the resource 'campaign-message'."


async def test_recipients_are_estimated_from_the_audience(api: Api) -> None:
    list_id = await create_audience(api, 3)
    suppressed = api.sandbox.store.get("profile", next(iter(api.sandbox.store.members("list", list_id))))
    assert suppressed is not None
    suppressed.attributes["subscriptions"]["email"]["marketing"]["can_receive_email_marketing"] = False
    campaign = await create_campaign(api, list_id)
    await api.get(f"campaign-recipient-estimations/{campaign['id']}", 404)
    job = {"type": "campaign-recipient-estimation-job", "id": campaign["id"]}
    started = await api.post("campaign-recipient-estimation-jobs", {"data": job}, 202)
    assert started["data"]["id"] == campaign["id"]
    path = f"campaign-recipient-estimation-jobs/{campaign['id']}"
    assert [(await api.attributes(path))["status"] for _ in range(2)] == ["processing", "complete"]
    estimation = await api.attributes(f"campaign-recipient-estimations/{campaign['id']}")
    assert estimation == {"estimated_recipient_count": 2}


@pytest.mark.parametrize(
    ("strategy", "status"),
    [({"method": "immediate"}, "Sent"), ({"method": "static", "datetime": "2026-07-01T10:00:00+00:00"}, "Scheduled")],
)
async def test_a_draft_is_sent_or_scheduled_once_and_cancelled_only_before_it_is_sent(
    api: Api, strategy: Any, status: str
) -> None:
    campaign = await create_campaign(api, await create_audience(api), send_strategy=strategy)
    path = f"campaigns/{campaign['id']}"
    assert campaign["attributes"]["status"] == "Draft"
    job = {"type": "campaign-send-job", "id": campaign["id"]}
    await api.post("campaign-send-jobs", {"data": job}, 202)
    assert (await api.attributes(path))["status"] == status
    await api.post("campaign-send-jobs", {"data": job}, 409)
    cancel = {"data": {**job, "attributes": {"action": "cancel"}}}
    await api.patch(f"campaign-send-jobs/{campaign['id']}", cancel, 409 if status == "Sent" else 204)
    assert (await api.attributes(path))["status"] == ("Sent" if status == "Sent" else "Cancelled")


async def test_a_campaign_without_recipients_is_not_sent(api: Api) -> None:
    campaign = await create_campaign(api, await create_audience(api, 0))
    await api.post("campaign-send-jobs", {"data": {"type": "campaign-send-job", "id": campaign["id"]}}, 400)
    assert (await api.attributes(f"campaigns/{campaign['id']}"))["status"] == "Draft"


async def test_the_template_of_a_message_is_a_copy(api: Api) -> None:
    campaign = await create_campaign(api, await create_audience(api))
    (message_id,) = await api.ids(f"campaigns/{campaign['id']}/campaign-messages")
    template = await api.create("template", "templates", name="T", editor_type="CODE", html="<p>1</p>")
    body = {
        "type": "campaign-message",
        "id": message_id,
        "relationships": {"template": to_one("template", template["id"])},
    }
    await api.post("campaign-message-assign-template", {"data": body}, 200)
    copy = (await api.get(f"campaign-messages/{message_id}/template"))["data"]
    assert copy["id"] != template["id"]


async def test_a_clone_is_a_draft_with_messages_of_its_own(api: Api) -> None:
    campaign = await create_campaign(api, await create_audience(api))
    message_ids = await api.ids(f"campaigns/{campaign['id']}/campaign-messages")
    body = {"type": "campaign", "id": campaign["id"], "attributes": {"new_name": "C2"}}
    clone = (await api.post("campaign-clone", {"data": body}))["data"]
    assert (clone["attributes"]["name"], clone["attributes"]["status"]) == ("C2", "Draft")
    cloned_ids = await api.ids(f"campaigns/{clone['id']}/campaign-messages")
    assert len(cloned_ids) == 1
    assert cloned_ids != message_ids
