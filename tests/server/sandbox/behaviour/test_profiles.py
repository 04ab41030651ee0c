"""Profiles: what one request does, the next reads."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox.sandbox_api import Api, create_list, only_error, profile, to_many

pytestmark = pytest.mark.anyio


async def create_profile(api: Api, **attributes: Any) -> str:
    return str((await api.create("profile", "profiles", **attributes))["id"])


@pytest.mark.parametrize(
    ("attributes", "pointer"),
    [
        ({}, "/data/attributes"),
        ({"first_name": "A"}, "/data/attributes"),
        ({"email": 5}, "/data/attributes/email"),
        ({"email": "a@example.com", "nick": "A"}, "/data/attributes/nick"),
        ({"email": "a@example.com", "properties": "x"}, "/data/attributes/properties"),
        ({"email": "a@example.com", "location": {"town": "x"}}, "/data/attributes/location/town"),
    ],
)
async def test_a_wrong_attribute_is_refused_with_its_place(api: Api, attributes: Any, pointer: str) -> None:
    error = only_error(await api.post("profiles", {"data": profile(**attributes)}, 400))
    assert error["source"] == {"pointer": pointer}
    assert api.sandbox.store.count("profile") == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/data"),
        ({"data": {"type": "list", "attributes": {}}}, "/data/type"),
        ({"data": {"type": "profile"}}, "/data/attributes"),
        ({"data": None}, "/data"),
    ],
)
async def test_a_wrong_type_or_a_missing_part_is_refused_with_its_place(api: Api, body: Any, pointer: str) -> None:
    assert only_error(await api.post("profiles", body, 400))["source"] == {"pointer": pointer}


async def test_a_second_profile_with_an_identifier_is_refused_and_the_first_named(api: Api) -> None:
    first = await create_profile(api, email="a@example.com", phone_number="+15555550100")
    second = await create_profile(api, email="b@example.com")
    error = only_error(await api.post("profiles", {"data": profile(email="A@Example.com")}, 409))
    assert (error["code"], error["meta"]) == ("duplicate_profile", {"duplicate_profile_id": first})
    body = {"data": {**profile(phone_number="+15555550100"), "id": second}}
    error = only_error(await api.patch(f"profiles/{second}", body, 409))
    assert error["meta"] == {"duplicate_profile_id": first}


async def test_a_body_must_name_the_id_of_the_path(api: Api) -> None:
    id_ = await create_profile(api, email="a@example.com")
    error = only_error(await api.patch(f"profiles/{id_}", {"data": {**profile(), "id": "other"}}, 400))
    assert error["source"] == {"pointer": "/data/id"}


async def test_an_update_sets_clears_with_null_merges_properties_and_leaves_the_rest(api: Api) -> None:
    id_ = await create_profile(
        api, email="a@example.com", first_name="A", title="T", properties={"x": 1, "y": 2}, location={"city": "Oslo"}
    )
    change = profile(title=None, properties={"y": 3}, location={"country": "Norway"})
    await api.patch(f"profiles/{id_}", {"data": {**change, "id": id_}})
    after = await api.attributes(f"profiles/{id_}")
    assert (after["first_name"], after["title"], after["properties"]) == ("A", None, {"x": 1, "y": 3})
    assert (after["location"]["city"], after["location"]["country"]) == (None, "Norway")


async def test_null_clears_all_properties(api: Api) -> None:
    id_ = await create_profile(api, email="a@example.com", properties={"x": 1})
    await api.patch(f"profiles/{id_}", {"data": {**profile(properties=None), "id": id_}})
    assert (await api.attributes(f"profiles/{id_}"))["properties"] == {}


async def test_an_identifier_that_a_profile_gives_up_can_be_used_again(api: Api) -> None:
    first = await create_profile(api, email="a@example.com")
    await api.patch(f"profiles/{first}", {"data": {**profile(email="b@example.com"), "id": first}})
    second = await create_profile(api, email="a@example.com")
    assert await api.ids("profiles", filter='equals(email,"a@example.com")') == [second]


async def test_patch_properties_appends_unappends_and_unsets(api: Api) -> None:
    id_ = await create_profile(api, email="a@example.com", properties={"tags": ["a"], "gone": 1, "one": "x"})
    patch: dict[str, Any] = {"append": {"tags": ["a", "b"], "one": "y"}, "unset": ["gone"]}
    await api.patch(f"profiles/{id_}", {"data": {**profile(), "id": id_, "meta": {"patch_properties": patch}}})
    assert (await api.attributes(f"profiles/{id_}"))["properties"] == {"tags": ["a", "b"], "one": ["x", "y"]}
    patch = {"unappend": {"tags": "a"}, "unset": "one"}
    await api.patch(f"profiles/{id_}", {"data": {**profile(), "id": id_, "meta": {"patch_properties": patch}}})
    assert (await api.attributes(f"profiles/{id_}"))["properties"] == {"tags": ["b"]}


async def test_create_or_update_answers_which_of_both_it_did(api: Api) -> None:
    new = profile(email="a@example.com", first_name="A", location={"city": "Oslo"})
    first = await api.post("profile-import", {"data": new}, 201)
    change = profile(email="a@example.com", last_name="B", location={"country": "Norway"})
    second = await api.post("profile-import", {"data": change}, 200)
    assert second["data"]["id"] == first["data"]["id"]
    assert (second["data"]["attributes"]["first_name"], second["data"]["attributes"]["last_name"]) == ("A", "B")
    location = second["data"]["attributes"]["location"]
    assert (location["city"], location["country"]) == ("Oslo", "Norway")


async def create_event(api: Api, **identifiers: Any) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Waved"}}}
    attributes = {"properties": {}, "metric": metric, "profile": {"data": profile(**identifiers)}}
    await api.post("events", {"data": {"type": "event", "attributes": attributes}}, 202)


async def test_a_merge_moves_everything_to_the_surviving_profile(api: Api) -> None:
    survivor = await create_profile(api, email="a@example.com", properties={"x": 1})
    source = await create_profile(api, email="b@example.com", phone_number="+15555550101", properties={"x": 2, "y": 2})
    list_id = await create_list(api, source)
    await create_event(api, email="b@example.com")
    body = {"type": "profile-merge", "id": survivor, "relationships": {"profiles": to_many("profile", source)}}
    assert (await api.post("profile-merge", {"data": body}))["data"]["id"] == survivor
    await api.get(f"profiles/{source}", 404)
    after = await api.attributes(f"profiles/{survivor}")
    assert (after["email"], after["phone_number"]) == ("a@example.com", "+15555550101")
    assert after["properties"] == {"x": 1, "y": 2}
    assert await api.ids(f"lists/{list_id}/profiles") == [survivor]
    assert len(await api.ids("events", filter=f'equals(profile_id,"{survivor}")')) == 1
    await api.post("profile-merge", {"data": body}, 404)


async def test_an_import_job_progresses_and_adds_profiles_to_lists(api: Api) -> None:
    list_id = await create_list(api)
    resources = [profile(email="a@example.com"), profile(first_name="nobody"), profile(email="b@example.com")]
    body = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": resources}},
        "relationships": {"lists": to_many("list", list_id)},
    }
    job = (await api.post("profile-bulk-import-jobs", {"data": body}, 202))["data"]
    assert (job["attributes"]["status"], job["attributes"]["total_count"]) == ("queued", 3)
    path = f"profile-bulk-import-jobs/{job['id']}"
    reads = [await api.attributes(path) for _ in range(3)]
    assert [one["status"] for one in reads] == ["processing", "complete", "complete"]
    assert [(one["completed_count"], one["failed_count"]) for one in reads] == [(0, 0), (2, 1), (2, 1)]
    assert len(await api.ids(f"lists/{list_id}/profiles")) == 2
    assert len(await api.ids(f"{path}/profiles")) == 2
    assert await api.ids(f"{path}/lists") == [list_id]
    (error,) = (await api.get(f"{path}/import-errors"))["data"]
    assert error["attributes"]["source"] == {"pointer": "/data/attributes/profiles/data/1/attributes"}
    assert await api.ids("profile-bulk-import-jobs", filter='equals(status,"complete")') == [job["id"]]


async def test_a_privacy_deletion_removes_the_profile_and_its_events(api: Api) -> None:
    await create_event(api, email="a@example.com")
    body = {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": profile(email="a@example.com")}}}
    assert await api.post("data-privacy-deletion-jobs", {"data": body}, 202) is None
    assert await api.ids("profiles") == await api.ids("events") == []
