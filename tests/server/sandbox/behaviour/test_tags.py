"""Tags: what one request does, the next reads."""

from __future__ import annotations

import pytest
from tests.server.sandbox.behaviour.campaign_requests import create_audience, create_campaign
from tests.server.sandbox.sandbox_api import Api, to_many

from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.anyio


async def create_default_group(api: Api) -> None:
    attributes = {"name": "Default", "exclusive": False, "default": True}
    api.sandbox.store.add(Record("tag-group", "G0", attributes))


async def test_a_tag_is_put_on_a_campaign_and_read_from_both_ends(api: Api) -> None:
    await create_default_group(api)
    tag = await api.create("tag", "tags", name="spring")
    campaign = await create_campaign(api, await create_audience(api))
    path = f"tags/{tag['id']}/relationships/campaigns"
    await api.post(path, to_many("campaign", campaign["id"]), 204)
    assert await api.ids(path) == [campaign["id"]]
    assert await api.ids(f"campaigns/{campaign['id']}/tags") == [tag["id"]]
    await api.delete(path, to_many("campaign", campaign["id"]))
    assert await api.ids(f"campaigns/{campaign['id']}/tags") == []
    await api.post(path, to_many("campaign", "nope"), 404)


async def test_a_tag_goes_into_the_default_group_which_cannot_be_deleted(api: Api) -> None:
    await create_default_group(api)
    tag = await api.create("tag", "tags", name="spring")
    assert tag["relationships"]["tag-group"]["data"]["id"] == "G0"
    await api.delete("tag-groups/G0", status=400)
    group = await api.create("tag-group", "tag-groups", name="Season", exclusive=True)
    assert group["attributes"] == {"name": "Season", "exclusive": True, "default": False}
    assert (await api.delete(f"tag-groups/{group['id']}", status=200))["data"]["id"] == group["id"]
    assert await api.ids("tag-groups/G0/tags") == [tag["id"]]


async def test_a_tag_is_renamed_and_deleted(api: Api) -> None:
    await create_default_group(api)
    tag = await api.create("tag", "tags", name="spring")
    change = {"type": "tag", "id": tag["id"], "attributes": {"name": "autumn"}}
    await api.patch(f"tags/{tag['id']}", {"data": change}, 204)
    assert (await api.attributes(f"tags/{tag['id']}"))["name"] == "autumn"
    await api.delete(f"tags/{tag['id']}")
    assert await api.ids("tag-groups/G0/tags") == []
