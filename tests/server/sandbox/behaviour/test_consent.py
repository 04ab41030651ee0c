"""Consent: what one request does, the next reads."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox.sandbox_api import Api, create_list, create_profiles, only_error, profile, to_one

pytestmark = pytest.mark.anyio

SUBSCRIBE = "profile-subscription-bulk-create-jobs"
UNSUBSCRIBE = "profile-subscription-bulk-delete-jobs"
SUPPRESS = "profile-suppression-bulk-create-jobs"
UNSUPPRESS = "profile-suppression-bulk-delete-jobs"


async def email_subscription(api: Api, id_: str) -> dict[str, Any]:
    """A profile's marketing subscription to e-mail."""
    attributes = await api.attributes(f"profiles/{id_}", params={"additional-fields[profile]": "subscriptions"})
    return dict(attributes["subscriptions"]["email"]["marketing"])


def job(path: str, resources: list[Any] | None, list_id: str | None = None) -> dict[str, Any]:
    """The body of a consent job for profiles, or for a list's members where `resources` is None."""
    body: dict[str, Any] = {"type": path.removesuffix("s"), "attributes": {}}
    if resources is not None:
        body["attributes"]["profiles"] = {"data": resources}
    if list_id:
        body["relationships"] = {"list": to_one("list", list_id)}
    return {"data": body}


def with_consent(consent: str, **identifiers: str) -> dict[str, Any]:
    return profile(**identifiers, subscriptions={"email": {"marketing": {"consent": consent}}})


async def test_subscribing_gives_consent_and_membership_and_unsubscribing_takes_one_after_the_other(api: Api) -> None:
    list_id = await create_list(api, opt_in_process="single_opt_in")
    body = job(SUBSCRIBE, [with_consent("SUBSCRIBED", email="a@example.com")], list_id)
    assert await api.post(SUBSCRIBE, body, 202) is None
    (id_,) = await api.ids(f"lists/{list_id}/profiles")
    email = await email_subscription(api, id_)
    assert (email["consent"], email["can_receive_email_marketing"]) == ("SUBSCRIBED", True)
    assert email["double_optin"] is False

    body = job(UNSUBSCRIBE, [with_consent("UNSUBSCRIBED", email="a@example.com")], list_id)
    await api.post(UNSUBSCRIBE, body, 202)
    assert await api.ids(f"lists/{list_id}/profiles") == []
    assert (await email_subscription(api, id_))["consent"] == "SUBSCRIBED"

    await api.post(UNSUBSCRIBE, body, 202)
    email = await email_subscription(api, id_)
    assert (email["consent"], email["can_receive_email_marketing"]) == ("UNSUBSCRIBED", False)
    assert [one["reason"] for one in email["suppression"]] == ["UNSUBSCRIBE"]


async def test_a_consent_job_without_address_with_an_unknown_list_or_too_many_profiles_is_refused(api: Api) -> None:
    error = only_error(await api.post(SUBSCRIBE, job(SUBSCRIBE, [with_consent("SUBSCRIBED")]), 400))
    assert error["source"] == {"pointer": "/data/attributes/profiles/data/0/attributes/email"}
    resources = [with_consent("SUBSCRIBED", email="a@example.com")]
    await api.post(SUBSCRIBE, job(SUBSCRIBE, resources, "nope"), 404)
    await api.post(SUBSCRIBE, job(SUBSCRIBE, [with_consent("YES", email="a@example.com")]), 400)
    await api.post(SUBSCRIBE, job(SUBSCRIBE, resources * 1001), 400)
    assert api.sandbox.store.count("profile") == 0


async def test_a_suppression_comes_and_goes(api: Api) -> None:
    (id_,) = await create_profiles(api, 1)
    resources = [profile(email="p00@example.com")]
    started = (await api.post(SUPPRESS, job(SUPPRESS, resources), 202))["data"]
    assert [one["reason"] for one in (await email_subscription(api, id_))["suppression"]] == ["USER_SUPPRESSED"]
    filter_ = 'equals(subscriptions.email.marketing.suppression.reason,"USER_SUPPRESSED")'
    assert await api.ids("profiles", filter=filter_) == [id_]
    path = f"{SUPPRESS}/{started['id']}"
    assert [(await api.attributes(path))["status"] for _ in range(2)] == ["processing", "complete"]
    await api.post(UNSUPPRESS, job(UNSUPPRESS, resources), 202)
    email = await email_subscription(api, id_)
    assert (email["suppression"], email["can_receive_email_marketing"]) == ([], True)


async def test_suppressing_a_list_reaches_its_members(api: Api) -> None:
    ids = await create_profiles(api, 2)
    list_id = await create_list(api, ids[0])
    started = (await api.post(SUPPRESS, job(SUPPRESS, None, list_id), 202))["data"]
    assert started["attributes"]["total_count"] == 1
    subscriptions = [await email_subscription(api, id_) for id_ in ids]
    assert [one["can_receive_email_marketing"] for one in subscriptions] == [False, True]
