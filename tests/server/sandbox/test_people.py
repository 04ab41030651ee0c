"""Profiles and consent: what one request does, the next reads."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.anyio


def profile(**attributes: Any) -> dict[str, Any]:
    return {"type": "profile", "attributes": attributes}


async def add(api: Any, **attributes: Any) -> str:
    return str((await api.make("profile", "profiles", **attributes))["id"])


async def shown(api: Any, id_: str) -> dict[str, Any]:
    query = {"additional-fields[profile]": "subscriptions"}
    return dict((await api.get(f"profiles/{id_}", params=query))["data"]["attributes"])


def the_error(document: Any) -> dict[str, Any]:
    (error,) = document["errors"]
    return dict(error)


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
async def test_wrong_attributes_are_refused_where_they_stand(api: Any, attributes: Any, pointer: str) -> None:
    error = the_error(await api.post("profiles", {"data": profile(**attributes)}, 400))
    assert error["source"] == {"pointer": pointer}
    assert api.sandbox.store.count("profile") == 0


async def test_wrong_type_and_missing_parts_are_refused(api: Any) -> None:
    for body, pointer in (
        ({}, "/data"),
        ({"data": {"type": "list", "attributes": {}}}, "/data/type"),
        ({"data": {"type": "profile"}}, "/data/attributes"),
        ({"data": None}, "/data"),
    ):
        assert the_error(await api.post("profiles", body, 400))["source"] == {"pointer": pointer}


async def test_second_profile_of_an_identifier_is_a_conflict_that_names_the_first(api: Any) -> None:
    first = await add(api, email="a@example.com", phone_number="+15555550100")
    second = await add(api, email="b@example.com")
    error = the_error(await api.post("profiles", {"data": profile(email="A@Example.com")}, 409))
    assert (error["code"], error["meta"]) == ("duplicate_profile", {"duplicate_profile_id": first})
    body = {"data": {**profile(phone_number="+15555550100"), "id": second}}
    error = the_error(await api.patch(f"profiles/{second}", body, 409))
    assert error["meta"] == {"duplicate_profile_id": first}


async def test_body_must_name_the_id_of_the_path(api: Any) -> None:
    id_ = await add(api, email="a@example.com")
    error = the_error(await api.patch(f"profiles/{id_}", {"data": {**profile(), "id": "other"}}, 400))
    assert error["source"] == {"pointer": "/data/id"}


async def test_update_sets_clears_with_null_and_leaves_the_rest(api: Any) -> None:
    id_ = await add(
        api, email="a@example.com", first_name="A", title="T", properties={"x": 1, "y": 2}, location={"city": "Oslo"}
    )
    change = profile(title=None, properties={"y": 3}, location={"country": "Norway"})
    await api.patch(f"profiles/{id_}", {"data": {**change, "id": id_}})
    held = await shown(api, id_)
    assert (held["first_name"], held["title"], held["properties"]) == ("A", None, {"x": 1, "y": 3})
    assert (held["location"]["city"], held["location"]["country"]) == ("Oslo", "Norway")


async def test_freed_identifier_can_be_used_again(api: Any) -> None:
    first = await add(api, email="a@example.com")
    await api.patch(f"profiles/{first}", {"data": {**profile(email="b@example.com"), "id": first}})
    second = await add(api, email="a@example.com")
    assert await api.ids("profiles", filter='equals(email,"a@example.com")') == [second]


async def test_patch_properties_append_unappend_and_unset(api: Any) -> None:
    id_ = await add(api, email="a@example.com", properties={"tags": ["a"], "gone": 1, "one": "x"})
    patch = {"append": {"tags": ["a", "b"], "one": "y"}, "unset": ["gone"]}
    await api.patch(f"profiles/{id_}", {"data": {**profile(), "id": id_, "meta": {"patch_properties": patch}}})
    assert (await shown(api, id_))["properties"] == {"tags": ["a", "b"], "one": ["x", "y"]}
    patch = {"unappend": {"tags": "a"}, "unset": "one"}
    await api.patch(f"profiles/{id_}", {"data": {**profile(), "id": id_, "meta": {"patch_properties": patch}}})
    assert (await shown(api, id_))["properties"] == {"tags": ["b"]}


async def test_create_or_update_tells_which_it_did(api: Any) -> None:
    made = await api.post("profile-import", {"data": profile(email="a@example.com", first_name="A")}, 201)
    changed = await api.post("profile-import", {"data": profile(email="a@example.com", last_name="B")}, 200)
    assert changed["data"]["id"] == made["data"]["id"]
    assert (changed["data"]["attributes"]["first_name"], changed["data"]["attributes"]["last_name"]) == ("A", "B")


async def test_merge_moves_all_to_the_survivor(api: Any) -> None:
    kept, gone = (
        await add(api, email="a@example.com", properties={"x": 1}),
        await add(api, email="b@example.com", phone_number="+15555550101", properties={"x": 2, "y": 2}),
    )
    made = await api.make("list", "lists", name="L")
    await api.post(f"lists/{made['id']}/relationships/profiles", {"data": [{"type": "profile", "id": gone}]}, 204)
    await event(api, email="b@example.com")
    sources = {"profiles": {"data": [{"type": "profile", "id": gone}]}}
    answered = await api.post(
        "profile-merge", {"data": {"type": "profile-merge", "id": kept, "relationships": sources}}
    )
    assert answered["data"]["id"] == kept
    await api.get(f"profiles/{gone}", 404)
    held = await shown(api, kept)
    assert (held["email"], held["phone_number"], held["properties"]) == (
        "a@example.com",
        "+15555550101",
        {"x": 1, "y": 2},
    )
    assert await api.ids(f"lists/{made['id']}/profiles") == [kept]
    assert len(await api.ids("events", filter=f'equals(profile_id,"{kept}")')) == 1
    await api.post("profile-merge", {"data": {"type": "profile-merge", "id": kept, "relationships": sources}}, 404)


async def event(api: Any, **who: Any) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Waved"}}}
    attributes = {"properties": {}, "metric": metric, "profile": {"data": profile(**who)}}
    await api.post("events", {"data": {"type": "event", "attributes": attributes}}, 202)


async def test_membership_reads_both_ways_and_ends_with_either(api: Any) -> None:
    ids = [await add(api, email=f"p{n}@example.com") for n in range(3)]
    made = await api.make("list", "lists", name="L")
    path = f"lists/{made['id']}/relationships/profiles"
    await api.post(path, {"data": [{"type": "profile", "id": id_} for id_ in ids]}, 204)
    assert sorted(await api.ids(f"lists/{made['id']}/profiles")) == sorted(ids)
    assert await api.ids(f"profiles/{ids[0]}/lists") == [made["id"]]
    (one,) = (await api.get(f"lists/{made['id']}/profiles", filter='equals(email,"p1@example.com")'))["data"]
    assert one["attributes"]["joined_group_at"] == "2026-06-01T12:00:00+00:00"
    await api.delete(path, {"data": [{"type": "profile", "id": ids[0]}]})
    assert await api.ids(f"profiles/{ids[0]}/lists") == []
    await api.post(path, {"data": [{"type": "profile", "id": "nope"}]}, 404)
    await api.post(path, {"data": [{"type": "list", "id": ids[0]}]}, 400)
    await api.delete(f"lists/{made['id']}")
    assert await api.ids(f"profiles/{ids[1]}/lists") == []


async def test_import_job_progresses_and_puts_profiles_on_lists(api: Any) -> None:
    made = await api.make("list", "lists", name="L")
    resources = [profile(email="a@example.com"), profile(first_name="nobody"), profile(email="b@example.com")]
    body = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": resources}},
        "relationships": {"lists": {"data": [{"type": "list", "id": made["id"]}]}},
    }
    job = (await api.post("profile-bulk-import-jobs", {"data": body}, 202))["data"]
    assert (job["attributes"]["status"], job["attributes"]["total_count"]) == ("queued", 3)
    path = f"profile-bulk-import-jobs/{job['id']}"
    reads = [(await api.get(path))["data"]["attributes"] for _ in range(3)]
    assert [one["status"] for one in reads] == ["processing", "complete", "complete"]
    assert [(one["completed_count"], one["failed_count"]) for one in reads] == [(0, 0), (2, 1), (2, 1)]
    assert len(await api.ids(f"lists/{made['id']}/profiles")) == 2
    assert len(await api.ids(f"{path}/profiles")) == 2
    assert await api.ids(f"{path}/lists") == [made["id"]]
    (error,) = (await api.get(f"{path}/import-errors"))["data"]
    assert error["attributes"]["source"] == {"pointer": "/data/attributes/profiles/data/1/attributes"}
    assert await api.ids("profile-bulk-import-jobs", filter='equals(status,"complete")') == [job["id"]]


def consent_job(verb: str, resources: list[Any], list_id: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": f"profile-{verb}-job",
        "attributes": {"profiles": {"data": resources}},
    }
    if list_id:
        body["relationships"] = {"list": {"data": {"type": "list", "id": list_id}}}
    return {"data": body}


def consenting(word: str, **address: str) -> dict[str, Any]:
    return profile(**address, subscriptions={"email": {"marketing": {"consent": word}}})


async def test_subscribing_gives_consent_and_membership_and_unsubscribing_takes_them(api: Any) -> None:
    made = await api.make("list", "lists", name="L", opt_in_process="single_opt_in")
    resources = [consenting("SUBSCRIBED", email="a@example.com")]
    body = consent_job("subscription-bulk-create", resources, made["id"])
    assert await api.post("profile-subscription-bulk-create-jobs", body, 202) is None
    (id_,) = await api.ids(f"lists/{made['id']}/profiles")
    marketing = (await shown(api, id_))["subscriptions"]["email"]["marketing"]
    assert (marketing["consent"], marketing["can_receive_email_marketing"], marketing["double_optin"]) == (
        "SUBSCRIBED",
        True,
        False,
    )

    body = consent_job("subscription-bulk-delete", [consenting("UNSUBSCRIBED", email="a@example.com")], made["id"])
    await api.post("profile-subscription-bulk-delete-jobs", body, 202)
    assert await api.ids(f"lists/{made['id']}/profiles") == []
    assert (await shown(api, id_))["subscriptions"]["email"]["marketing"]["consent"] == "SUBSCRIBED"

    await api.post("profile-subscription-bulk-delete-jobs", body, 202)
    marketing = (await shown(api, id_))["subscriptions"]["email"]["marketing"]
    assert (marketing["consent"], marketing["can_receive_email_marketing"]) == ("UNSUBSCRIBED", False)
    assert [one["reason"] for one in marketing["suppression"]] == ["UNSUBSCRIBE"]


async def test_consent_job_without_address_or_with_unknown_list_is_refused(api: Any) -> None:
    path = "profile-subscription-bulk-create-jobs"
    error = the_error(await api.post(path, consent_job("subscription-bulk-create", [consenting("SUBSCRIBED")]), 400))
    assert error["source"] == {"pointer": "/data/attributes/profiles/data/0/attributes/email"}
    resources = [consenting("SUBSCRIBED", email="a@example.com")]
    await api.post(path, consent_job("subscription-bulk-create", resources, "nope"), 404)
    await api.post(path, consent_job("subscription-bulk-create", [consenting("YES", email="a@example.com")]), 400)
    await api.post(path, consent_job("subscription-bulk-create", resources * 1001), 400)
    assert api.sandbox.store.count("profile") == 0


async def test_suppression_comes_and_goes(api: Any) -> None:
    id_ = await add(api, email="a@example.com")
    body = consent_job("suppression-bulk-create", [profile(email="a@example.com")])
    job = (await api.post("profile-suppression-bulk-create-jobs", body, 202))["data"]
    marketing = (await shown(api, id_))["subscriptions"]["email"]["marketing"]
    assert [one["reason"] for one in marketing["suppression"]] == ["USER_SUPPRESSED"]
    assert await api.ids(
        "profiles", filter='equals(subscriptions.email.marketing.suppression.reason,"USER_SUPPRESSED")'
    ) == [id_]
    path = f"profile-suppression-bulk-create-jobs/{job['id']}"
    assert [(await api.get(path))["data"]["attributes"]["status"] for _ in range(2)] == ["processing", "complete"]
    body = consent_job("suppression-bulk-delete", [profile(email="a@example.com")])
    await api.post("profile-suppression-bulk-delete-jobs", body, 202)
    marketing = (await shown(api, id_))["subscriptions"]["email"]["marketing"]
    assert (marketing["suppression"], marketing["can_receive_email_marketing"]) == ([], True)


async def test_suppressing_a_list_reaches_its_members(api: Any) -> None:
    ids = [await add(api, email=f"p{n}@example.com") for n in range(2)]
    made = await api.make("list", "lists", name="L")
    await api.post(f"lists/{made['id']}/relationships/profiles", {"data": [{"type": "profile", "id": ids[0]}]}, 204)
    body = consent_job("suppression-bulk-create", [], made["id"])
    del body["data"]["attributes"]["profiles"]
    job = (await api.post("profile-suppression-bulk-create-jobs", body, 202))["data"]
    assert job["attributes"]["total_count"] == 1
    can = [(await shown(api, id_))["subscriptions"]["email"]["marketing"]["can_receive_email_marketing"] for id_ in ids]
    assert can == [False, True]


async def test_privacy_deletion_takes_the_profile_and_its_events(api: Any) -> None:
    await event(api, email="a@example.com")
    body = {"type": "data-privacy-deletion-job", "attributes": {"profile": {"data": profile(email="a@example.com")}}}
    assert await api.post("data-privacy-deletion-jobs", {"data": body}, 202) is None
    assert await api.ids("profiles") == await api.ids("events") == []


async def test_event_makes_its_profile_and_metric_once_per_unique_id(api: Any) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}}
    attributes = {
        "properties": {"sku": "A"}, "metric": metric, "profile": {"data": profile(email="a@example.com")},
        "value": 9.5, "unique_id": "order-1", "time": "2026-05-01T10:00:00+02:00",
    }  # fmt: skip
    for _ in range(2):
        assert await api.post("events", {"data": {"type": "event", "attributes": attributes}}, 202) is None
    (one,) = (await api.get("events", include="metric,profile"))["data"]
    told = one["attributes"]
    assert (told["datetime"], told["timestamp"]) == ("2026-05-01T08:00:00+00:00", 1777622400)
    assert (told["event_properties"]["sku"], told["event_properties"]["$value"]) == ("A", 9.5)
    metric_id = one["relationships"]["metric"]["data"]["id"]
    assert await api.ids("metrics", filter='equals(integration.name,"API")') == [metric_id]
    assert await api.ids("events", filter=f'equals(metric_id,"{metric_id}")') == [one["id"]]
    assert await api.ids("events", filter="greater-than(datetime,2026-05-02)") == []
    error = the_error(await api.post("events", {"data": {"type": "event", "attributes": {"metric": metric}}}, 400))
    assert error["source"]["pointer"] == "/data/attributes/properties"


async def test_bulk_events_are_recorded_for_each_profile(api: Any) -> None:
    metric = {"data": {"type": "metric", "attributes": {"name": "Waved"}}}
    events = {"data": [{"type": "event", "attributes": {"properties": {}, "metric": metric}}] * 2}
    groups = [
        {
            "type": "event-bulk-create",
            "attributes": {"profile": {"data": profile(email=f"p{n}@example.com")}, "events": events},
        }
        for n in range(2)
    ]
    body = {"type": "event-bulk-create-job", "attributes": {"events-bulk-create": {"data": groups}}}
    await api.post("event-bulk-create-jobs", {"data": body}, 202)
    assert (len(await api.ids("events")), len(await api.ids("profiles")), len(await api.ids("metrics"))) == (4, 2, 1)
