"""Consent: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from klaviyo_tools.areas.consent import area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

BY_EMAIL = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
ENDED = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"email": "a@example.com"}, "profiles.0.subscriptions is required (an object of email, sms, whatsapp, push)"),
        (
            {"email": "a@example.com", "subscriptions": {}},
            "profiles.0.subscriptions: give at least one of email, sms, whatsapp, push",
        ),
        (
            {"phone_number": "+14155550123", "subscriptions": BY_EMAIL},
            "profiles.0: an email subscription needs the profile's email",
        ),
        (
            {"email": "a@example.com", "subscriptions": {"sms": {"marketing": {"consent": "SUBSCRIBED"}}}},
            "profiles.0: an sms or whatsapp subscription needs the profile's phone_number",
        ),
        (
            {"phone_number": "+14155550123", "subscriptions": {"sms": {}}},
            "profiles.0.subscriptions.sms: give at least one of marketing, transactional",
        ),
        (
            {"email": "a@example.com", "subscriptions": {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}}},
            "profiles.0.subscriptions.email.marketing.consent: should be 'SUBSCRIBED', not \"UNSUBSCRIBED\"",
        ),
    ],
)
def test_an_impossible_subscription_is_refused(refusal_of: RefusalOf, profile: dict[str, object], message: str) -> None:
    assert refusal_of("bulk_subscribe_profiles", profiles=[profile]) == message


def test_only_a_historical_import_takes_dates_of_consent(refusal_of: RefusalOf) -> None:
    dated = {"email": {"marketing": {"consent": "SUBSCRIBED", "consented_at": "2025-01-02"}}}
    assert refusal_of("bulk_subscribe_profiles", profiles={"email": "a@example.com", "subscriptions": dated}) == (
        "arguments: consented_at needs historical_import=true: profiles.0 has one"
    )
    assert refusal_of(
        "bulk_subscribe_profiles",
        profiles=[{"email": "a@example.com", "subscriptions": BY_EMAIL}],
        historical_import=True,
    ) == ("arguments: with historical_import each consent needs consented_at: profiles.0 has none")


def test_unsubscribing_takes_a_hundred_profiles_with_an_address_each(refusal_of: RefusalOf) -> None:
    assert refusal_of("bulk_unsubscribe_profiles", profiles=[{"subscriptions": ENDED}]) == (
        "profiles.0: give at least one of email, phone_number"
    )
    many = [{"email": f"a{n}@example.com", "subscriptions": ENDED} for n in range(101)]
    assert refusal_of("bulk_unsubscribe_profiles", profiles=many).startswith(
        "profiles: at most 100, not 101: split the call in 2"
    )


@pytest.mark.parametrize("name", ["bulk_suppress_profiles", "bulk_unsuppress_profiles"])
def test_suppression_takes_addresses_or_a_list_or_a_segment(refusal_of: RefusalOf, name: str) -> None:
    assert refusal_of(name) == "arguments: give one of profiles, list_id or segment_id"
    assert refusal_of(name, list_id="L1", profiles="a@example.com") == (
        "arguments: give one of profiles, list_id or segment_id"
    )
    assert refusal_of(name, profiles=["not an address"]) == (
        'profiles.0.email: "not an address" is not an e-mail address'
    )


def test_subscribing_to_a_list(request_of: RequestOf) -> None:
    sent = request_of(
        "bulk_subscribe_profiles",
        profiles=[{"email": "newsubscriber@example.com", "subscriptions": BY_EMAIL}],
        list_id="LIST_ID",
    )
    assert sent == Request(
        "POST",
        "/api/profile-subscription-bulk-create-jobs",
        {},
        {
            "data": {
                "type": "profile-subscription-bulk-create-job",
                "attributes": {
                    "profiles": {
                        "data": [
                            {
                                "type": "profile",
                                "attributes": {
                                    "email": "newsubscriber@example.com",
                                    "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}},
                                },
                            }
                        ]
                    }
                },
                "relationships": {"list": {"data": {"type": "list", "id": "LIST_ID"}}},
            }
        },
    )


def test_importing_old_consent(request_of: RequestOf) -> None:
    text = {"sms": {"marketing": {"consent": "SUBSCRIBED", "consented_at": "2024-05-01 10:00"}}}
    sent = request_of(
        "bulk_subscribe_profiles",
        profiles=[{"id": "P1", "subscriptions": text, "age_gated_date_of_birth": "1990-05-12"}],
        historical_import="true",
        custom_source="Till",
    )
    consent = {"consent": "SUBSCRIBED", "consented_at": "2024-05-01T10:00:00Z"}
    assert sent.body["data"]["attributes"] == {
        "profiles": {
            "data": [
                {
                    "type": "profile",
                    "id": "P1",
                    "attributes": {
                        "subscriptions": {"sms": {"marketing": consent}},
                        "age_gated_date_of_birth": "1990-05-12",
                    },
                }
            ]
        },
        "custom_source": "Till",
        "historical_import": True,
    }


def test_unsubscribing_from_texts(request_of: RequestOf) -> None:
    ended = {"sms": {"marketing": {"consent": "UNSUBSCRIBED"}}}
    sent = request_of(
        "bulk_unsubscribe_profiles", profiles={"phone_number": "+14155550123", "subscriptions": ended}, list_id="L1"
    )
    assert sent == Request(
        "POST",
        "/api/profile-subscription-bulk-delete-jobs",
        {},
        {
            "data": {
                "type": "profile-subscription-bulk-delete-job",
                "attributes": {
                    "profiles": {
                        "data": [
                            {
                                "type": "profile",
                                "attributes": {"phone_number": "+14155550123", "subscriptions": ended},
                            }
                        ]
                    }
                },
                "relationships": {"list": {"data": {"type": "list", "id": "L1"}}},
            }
        },
    )


@pytest.mark.parametrize(
    ("name", "kind"), [("bulk_suppress_profiles", "create"), ("bulk_unsuppress_profiles", "delete")]
)
def test_suppressing_addresses_and_segments(request_of: RequestOf, name: str, kind: str) -> None:
    def sent(body: dict[str, Any]) -> Request:
        path = f"/api/profile-suppression-bulk-{kind}-jobs"
        return Request("POST", path, {}, {"data": {"type": f"profile-suppression-bulk-{kind}-job", **body}})

    address = {"type": "profile", "attributes": {"email": "a@example.com"}}
    assert request_of(name, profiles=["a@example.com"]) == sent({"attributes": {"profiles": {"data": [address]}}})
    assert request_of(name, profiles=[{"email": "a@example.com"}]) == request_of(name, profiles="a@example.com")
    assert request_of(name, segment_id="S1") == sent(
        {"attributes": {}, "relationships": {"segment": {"data": {"type": "segment", "id": "S1"}}}}
    )


def test_consent_reaches_people_and_its_jobs_can_be_followed() -> None:
    writes = [operation for operation in area if operation.method == "POST"]
    assert {operation.effect for operation in writes} == {Effect.REACHES_PEOPLE}
    assert [operation.job and operation.job.read for operation in writes] == [
        None,
        None,
        "get_bulk_suppress_profiles_job",
        "get_bulk_unsuppress_profiles_job",
    ]


def test_reading_suppression_jobs(request_of: RequestOf) -> None:
    assert request_of("get_bulk_suppress_profiles_jobs", filter={"status": "complete"}, sort="-created") == Request(
        "GET",
        "/api/profile-suppression-bulk-create-jobs",
        {"filter": 'equals(status,"complete")', "sort": "-created"},
    )
    assert request_of("get_bulk_unsuppress_profiles_job", job_id="J1") == Request(
        "GET", "/api/profile-suppression-bulk-delete-jobs/J1"
    )
