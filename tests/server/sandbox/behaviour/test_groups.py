"""Lists and segments: segments are filled from their definitions, and follow every change of the account."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.server.sandbox.conftest import NOW
from tests.server.sandbox.sandbox_api import Api, create_list, only_error, profile, to_many

from klaviyo_mcp.sandbox.state.store import Record, Store

pytestmark = pytest.mark.anyio


def all_of(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"condition_groups": [{"conditions": [condition]} for condition in conditions]}


def name_is(name: str) -> dict[str, Any]:
    equals = {"type": "string", "operator": "equals", "value": name}
    return {"type": "profile-property", "property": "first_name", "filter": equals}


def member_of(*group_ids: str) -> dict[str, Any]:
    return {"type": "profile-group-membership", "is_member": True, "group_ids": list(group_ids)}


def ordered(metric_id: str, operator: str, count: int, timeframe: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "profile-metric",
        "metric_id": metric_id,
        "measurement": "count",
        "measurement_filter": {"type": "numeric", "operator": operator, "value": count},
        "timeframe_filter": timeframe or {"type": "date", "operator": "alltime"},
    }


def can_receive_email() -> dict[str, Any]:
    consent = {"channel": "email", "can_receive_marketing": True, "consent_status": {"subscription": "subscribed"}}
    return {"type": "profile-marketing-consent", "consent": consent}


async def create_segment(api: Api, *conditions: dict[str, Any]) -> str:
    """Create a segment that asks for all of these, and wait until it is filled."""
    segment = await api.create("segment", "segments", name="S", definition=all_of(*conditions))
    await api.get(f"segments/{segment['id']}")
    return str(segment["id"])


async def create_profile(api: Api, **attributes: Any) -> str:
    return str((await api.create("profile", "profiles", **attributes))["id"])


async def record_order(api: Api, email: str, **attributes: Any) -> None:
    event = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "profile": {"data": profile(email=email)},
        "properties": {},
        **attributes,
    }
    await api.post("events", {"data": {"type": "event", "attributes": event}}, 202)


async def change(api: Api, id_: str, definition: dict[str, Any], status: int = 200) -> Any:
    body = {"data": {"type": "segment", "id": id_, "attributes": {"definition": definition}}}
    return await api.patch(f"segments/{id_}", body, status)


async def members(api: Api, id_: str) -> list[str]:
    return await api.ids(f"segments/{id_}/profiles")


async def test_a_segment_is_processing_until_it_is_read_again(api: Api) -> None:
    await create_profile(api, email="a@example.com", first_name="A")
    segment = await api.create("segment", "segments", name="S", definition=all_of(name_is("A")))
    counted = {"additional-fields[segment]": "profile_count"}
    reads = [await api.attributes(f"segments/{segment['id']}", params=counted) for _ in range(2)]
    assert [segment["attributes"]["is_processing"], *(one["is_processing"] for one in reads)] == [True, True, False]
    assert [one["profile_count"] for one in reads] == [0, 1]


async def test_a_segment_is_empty_when_its_profiles_are_read_at_once(api: Api) -> None:
    id_ = await create_profile(api, email="a@example.com", first_name="A")
    segment = (await api.create("segment", "segments", name="S", definition=all_of(name_is("A"))))["id"]
    assert [await members(api, segment) for _ in range(3)] == [[], [id_], [id_]]
    assert (await api.attributes(f"segments/{segment}"))["is_processing"] is False
    await change(api, segment, all_of(name_is("B")))
    assert [await members(api, segment) for _ in range(2)] == [[], []]


async def test_a_segment_without_definition_is_refused(api: Api) -> None:
    await api.post("segments", {"data": {"type": "segment", "attributes": {"name": "S"}}}, 400)


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ({"type": "profile-metric-funnel", "timeframe_filter": {
            "type": "date", "operator": "in-the-last", "unit": "day", "quantity": 3}, "steps": []}, "type"),
        ({**name_is("A"), "property": "loyalty_tier"}, "property"),
        (member_of("Newsletter"), "group_ids/0"),
        ({**name_is("A"), "filter": {"type": "string", "operator": "like", "value": "A"}}, "filter/operator"),
        ({"type": "profile-age"}, "type"),
        ({"type": "profile-property", "property": "email"}, "filter"),
    ],
)  # fmt: skip
async def test_a_condition_that_is_wrong_or_not_evaluated_is_refused(
    api: Api, condition: dict[str, Any], place: str
) -> None:
    id_ = await create_segment(api, name_is("A"))
    body = {"data": {"type": "segment", "attributes": {"name": "S", "definition": all_of(condition)}}}
    for document in (await api.post("segments", body, 400), await change(api, id_, all_of(condition), 400)):
        pointer = only_error(document)["source"]["pointer"]
        assert pointer == f"/data/attributes/definition/condition_groups/0/conditions/0/{place}"
    assert (await api.attributes(f"segments/{id_}"))["definition"] == all_of(name_is("A"))
    assert len(await api.ids("segments")) == 1


async def test_members_follow_the_attributes_of_profiles(api: Api) -> None:
    segment = await create_segment(api, name_is("A"))
    first, second = [await create_profile(api, email=f"{n}@example.com", first_name=n) for n in "AB"]
    assert await members(api, segment) == [first]
    renamed = {"data": {"type": "profile", "id": second, "attributes": {"first_name": "A"}}}
    await api.patch(f"profiles/{second}", renamed)
    assert sorted(await members(api, segment)) == sorted([first, second])
    assert await api.ids(f"profiles/{second}/segments") == [segment]
    renamed["data"]["attributes"] = {"first_name": None}
    await api.patch(f"profiles/{second}", renamed)
    assert await members(api, segment) == [first]
    assert await api.ids(f"profiles/{second}/segments") == []


async def test_members_follow_events(api: Api) -> None:
    await record_order(api, "other@example.com")
    (metric,) = await api.ids("metrics")
    twice = await create_segment(api, ordered(metric, "greater-than-or-equal", 2))
    never = await create_segment(api, ordered(metric, "equals", 0))
    id_ = await create_profile(api, email="a@example.com")
    seen = []
    for _ in range(3):
        seen.append((await members(api, twice), await members(api, never), await api.ids(f"profiles/{id_}/segments")))
        await record_order(api, "a@example.com")
    assert seen == [([], [id_], [never]), ([], [], []), ([id_], [], [twice])]


async def test_members_follow_consent(api: Api) -> None:
    segment = await create_segment(api, can_receive_email())
    id_ = await create_profile(api, email="a@example.com")
    assert await members(api, segment) == []
    given = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
    resource = {"type": "profile", "attributes": {"email": "a@example.com", "subscriptions": given}}
    job = {"type": "profile-subscription-bulk-create-job", "attributes": {"profiles": {"data": [resource]}}}
    await api.post("profile-subscription-bulk-create-jobs", {"data": job}, 202)
    assert await members(api, segment) == [id_]


async def test_members_follow_lists_and_other_segments(api: Api) -> None:
    id_ = await create_profile(api, email="a@example.com", first_name="A")
    list_id = await create_list(api)
    of_list = await create_segment(api, member_of(list_id))
    of_segment = await create_segment(api, member_of(of_list), name_is("A"))
    assert await members(api, of_segment) == []
    await api.post(f"lists/{list_id}/relationships/profiles", to_many("profile", id_), 204)
    assert await members(api, of_segment) == [id_]
    await api.delete(f"lists/{list_id}/relationships/profiles", to_many("profile", id_), 204)
    assert (await members(api, of_segment), await members(api, of_list)) == ([], [])


async def test_a_segment_may_not_ask_for_its_own_members(api: Api) -> None:
    first = await create_segment(api, name_is("A"))
    second = await create_segment(api, member_of(first))
    for id_ in (first, second):
        assert "its own members" in only_error(await change(api, first, all_of(member_of(id_)), 400))["detail"]
    await change(api, second, all_of(member_of(first), name_is("B")))


async def test_audiences_of_campaigns_follow(api: Api) -> None:
    segment = await create_segment(api, name_is("A"))
    campaign: dict[str, Any] = {"audiences": {"included": [segment]}, "status": "Draft"}
    api.sandbox.store.add(Record("campaign", "C1", campaign, {"campaign-messages": []}))
    counts: list[int] = []
    for name in "AAB":
        email = f"{len(counts)}@example.com"
        await create_profile(api, email=email, first_name=name)
        job = {"data": {"type": "campaign-recipient-estimation-job", "id": "C1"}}
        await api.post("campaign-recipient-estimation-jobs", job, 202)
        counts.append((await api.attributes("campaign-recipient-estimations/C1"))["estimated_recipient_count"])
    assert counts == [1, 2, 2]


async def test_reports_count_who_joined_and_who_left(api: Api) -> None:
    segment = await create_segment(api, name_is("A"))
    for name in "AAB":
        await create_profile(api, email=f"{len(api.sandbox.requests)}@example.com", first_name=name)
    gone = (await members(api, segment))[0]
    await api.patch(f"profiles/{gone}", {"data": {"type": "profile", "id": gone, "attributes": {"first_name": "C"}}})
    assert len(await members(api, segment)) == 1
    statistics = ["members_added", "members_removed", "net_members_changed", "total_members"]
    query = {"statistics": statistics, "timeframe": {"key": "last_7_days"}}
    report = {"data": {"type": "segment-values-report", "attributes": query}}
    (row,) = (await api.post("segment-values-reports", report, 200))["data"]["attributes"]["results"]
    assert row["statistics"] == dict(zip(statistics, (2, 1, 1, 1), strict=True))


class MovingStore(Store):
    """A store whose clock a test moves."""

    moment = NOW

    def now(self) -> datetime:
        return self.moment


def test_members_leave_as_time_passes() -> None:
    store = MovingStore()
    store.add(Record("metric", "M1", {}))
    store.add(Record("profile", "P1", {"email": "a@example.com"}))
    event = {"timestamp": NOW.timestamp(), "event_properties": {}}
    store.add(Record("event", "E1", event, {"metric": "M1", "profile": "P1"}))
    lately = {"type": "date", "operator": "in-the-last", "unit": "day", "quantity": 1}
    store.add(Record("segment", "S1", {"definition": all_of(ordered("M1", "greater-than", 0, lately))}))
    assert list(store.members("segment", "S1")) == ["P1"]
    store.moment = NOW + timedelta(days=1, minutes=2)
    assert list(store.members("segment", "S1")) == []
    (departure,) = store.departures("segment", "S1")
    assert (departure.profile_id, departure.joined_at) == ("P1", NOW.isoformat())


async def test_a_list_is_double_opt_in_by_default(api: Api) -> None:
    assert (await api.create("list", "lists", name="L"))["attributes"]["opt_in_process"] == "double_opt_in"
