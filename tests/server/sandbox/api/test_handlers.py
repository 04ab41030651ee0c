"""Reads and changes by the shape of a path."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, create_list, create_profiles, only_error, to_many

pytestmark = pytest.mark.anyio


async def test_an_unknown_id_is_not_found_and_named(api: Api) -> None:
    error = only_error(await api.get("lists/nope", 404))
    assert error["code"] == "not_found"
    assert "nope" in error["detail"]
    await api.get("lists/nope/profiles", 404)
    await api.get("lists/nope/relationships/profiles", 404)
    await api.delete("lists/nope", status=404)


async def test_members_are_read_from_both_ends_and_leave_at_either(api: Api) -> None:
    ids = await create_profiles(api, 3)
    list_id = await create_list(api)
    path = f"lists/{list_id}/relationships/profiles"
    await api.post(path, to_many("profile", *ids), 204)
    assert sorted(await api.ids(f"lists/{list_id}/profiles")) == sorted(ids)
    assert await api.ids(f"profiles/{ids[0]}/lists") == [list_id]
    (member,) = (await api.get(f"lists/{list_id}/profiles", filter='equals(email,"p01@example.com")'))["data"]
    assert member["attributes"]["joined_group_at"] == "2026-06-01T12:00:00+00:00"
    await api.delete(path, to_many("profile", ids[0]))
    assert await api.ids(f"profiles/{ids[0]}/lists") == []
    await api.post(path, to_many("profile", "nope"), 404)
    await api.post(path, to_many("list", ids[0]), 400)
    await api.delete(f"lists/{list_id}")
    assert await api.ids(f"profiles/{ids[1]}/lists") == []
