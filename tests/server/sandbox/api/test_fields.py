"""The values that filters compare."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, create_profiles

from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.anyio


async def test_profiles_are_found_by_identifier_and_by_time(api: Api) -> None:
    ids = await create_profiles(api, 4)
    assert await api.ids("profiles", filter='equals(email,"P01@example.com")') == [ids[1]]
    assert sorted(
        await api.ids("profiles", filter='any(email,["p00@example.com","p03@example.com","no@example.com"])')
    ) == sorted([ids[0], ids[3]])
    assert await api.ids("profiles", filter=f'and(equals(id,"{ids[2]}"),equals(email,"p01@example.com"))') == []
    assert len(await api.ids("profiles", filter="greater-than(created,2026-05-31)")) == 4
    assert await api.ids("profiles", filter="less-than(created,2026-05-31)") == []


async def test_a_review_is_found_by_the_value_of_its_status(api: Api) -> None:
    review = {"status": {"value": "pending"}, "rating": 4, "images": [], "verified": True, "review_type": "review"}
    times = {"created": "2026-05-01T00:00:00+00:00", "updated": "2026-05-01T00:00:00+00:00"}
    api.sandbox.store.add(Record("review", "R1", review | times))
    assert await api.ids("reviews", filter='equals(status,"pending")') == ["R1"]
    rejection = {"value": "rejected", "rejection_reason": {"reason": "fake"}}
    change = {"type": "review", "id": "R1", "attributes": {"status": rejection}}
    assert (await api.patch("reviews/R1", {"data": change}))["data"]["attributes"]["status"] == rejection
    await api.patch("reviews/R1", {"data": {**change, "attributes": {"status": "published"}}}, 400)
    assert await api.ids("reviews", filter='equals(status,"pending")') == []
