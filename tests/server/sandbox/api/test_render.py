"""What documents show: sparse and additional fields, included resources, identifiers."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, create_list, create_profiles

from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.anyio


async def test_sparse_fields_show_those_alone_down_to_a_dotted_one(api: Api) -> None:
    await create_profiles(api, 1)
    (profile,) = (await api.get("profiles", params={"fields[profile]": "email,location.city"}))["data"]
    assert profile["attributes"] == {"email": "p00@example.com", "location": {"city": "Oslo"}}


async def test_additional_fields_are_shown_on_request_only(api: Api) -> None:
    (profile_id,) = await create_profiles(api, 1)
    path = f"lists/{await create_list(api, profile_id)}"
    assert "profile_count" not in await api.attributes(path)
    assert (await api.attributes(path, params={"additional-fields[list]": "profile_count"}))["profile_count"] == 1
    assert "subscriptions" not in await api.attributes(f"profiles/{profile_id}")
    query = {"additional-fields[profile]": "subscriptions", "fields[profile]": "email"}
    assert set(await api.attributes(f"profiles/{profile_id}", params=query)) == {"email", "subscriptions"}


async def test_an_included_resource_comes_once_and_relationships_name_it(api: Api) -> None:
    group_id = (await api.create("tag-group", "tag-groups", name="G"))["id"]
    relationships = {"tag-group": {"data": {"type": "tag-group", "id": group_id}}}
    for name in ("a", "b"):
        tag = {"type": "tag", "attributes": {"name": name}, "relationships": relationships}
        await api.post("tags", {"data": tag})
    document = await api.get("tags", params={"include": "tag-group", "fields[tag-group]": "name"})
    assert [(one["type"], one["id"], one["attributes"]) for one in document["included"]] == [
        ("tag-group", group_id, {"name": "G"})
    ]
    assert {one["relationships"]["tag-group"]["data"]["id"] for one in document["data"]} == {group_id}
    assert "included" not in await api.get("tags")


async def test_reads_of_relationships_answer_with_identifiers(api: Api) -> None:
    (profile_id,) = await create_profiles(api, 1)
    list_id = await create_list(api, profile_id)
    members = await api.get(f"lists/{list_id}/relationships/profiles")
    assert members["data"] == [{"type": "profile", "id": profile_id}]
    lists = await api.get(f"profiles/{profile_id}/relationships/lists")
    assert lists["data"] == [{"type": "list", "id": list_id}]


async def test_an_id_with_punctuation_is_read_and_linked_in_its_encoded_form(api: Api) -> None:
    id_ = "$custom:::$default:::A/B 1"
    api.sandbox.store.add(Record("catalog-item", id_, {"title": "T"}))
    document = await api.get("catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3AA%2FB%201")
    assert document["data"]["id"] == id_
    assert "A%2FB%201" in document["data"]["links"]["self"]
