"""Profiles: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.profiles import area
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]


def test_a_profile_without_identifier_is_refused(refusal_of: RefusalOf) -> None:
    assert refusal_of("create_profile", first_name="Ann") == (
        "arguments: a profile needs email, phone_number or external_id"
    )
    assert refusal_of("create_or_update_profile", first_name="Ann") == (
        "arguments: a profile needs profile_id, email, phone_number, external_id or _kx"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"email": "ann"}, 'email: "ann" is not an e-mail address'),
        (
            {"phone_number": "415-555-0123"},
            'phone_number: "415-555-0123" is not a phone number in E.164 form such as +14155550123',
        ),
        (
            {"email": "a@example.com", "firstname": "Ann"},
            "unknown argument 'firstname': did you mean first_name?",
        ),
        (
            {"email": "a@example.com", "location": {"planet": "Mars"}},
            "unknown argument 'location.planet': it takes address1, address2, city, country, ip, latitude, longitude, "
            "region, timezone, zip",
        ),
        (
            {"email": "a@example.com", "location": {"latitude": 142.1}},
            "location.latitude: 142.1 is not between -90 and 90 degrees",
        ),
    ],
)
def test_arguments_that_klaviyo_would_refuse_are_not_sent(
    refusal_of: RefusalOf, arguments: dict[str, object], message: str
) -> None:
    assert refusal_of("create_profile", **arguments) == message


def test_a_merge_takes_one_other_profile(refusal_of: RefusalOf) -> None:
    assert refusal_of("merge_profiles", profile_id="P1", profile_ids=["P2", "P3"]) == (
        "arguments: profile_ids takes exactly one id a call, not 2"
    )
    assert refusal_of("merge_profiles", profile_id="P1", profile_ids="P1") == (
        "arguments: profile_ids names the profile that stays: give the other one"
    )


def test_listing_profiles_by_page_and_field(request_of: RequestOf) -> None:
    sent = area.operations["get_profiles"].request(
        area.operations["get_profiles"].arguments.model_validate({}),
        {"fields[profile]": "email,first_name,last_name", "page[size]": "10"},
    )
    assert sent == Request(
        "GET", "/api/profiles", {"fields[profile]": "email,first_name,last_name", "page[size]": "10"}
    )


def test_finding_a_person_by_email(request_of: RequestOf) -> None:
    assert request_of("get_profiles", filter='equals(email,"test@example.com")', sort="-created") == Request(
        "GET", "/api/profiles", {"filter": 'equals(email,"test@example.com")', "sort": "-created"}
    )


def test_a_profile_with_its_lists_has_lower_limits(request_of: RequestOf) -> None:
    assert request_of("get_profile", profile_id="01GDDKASAP8TKDDA2GRZDSVP4H", include="lists") == Request(
        "GET", "/api/profiles/01GDDKASAP8TKDDA2GRZDSVP4H", {"include": "lists"}
    )
    operation = area.operations["get_profile"]
    assert (
        operation.rate_of(check_arguments(operation.arguments, {"profile_id": "P1", "include": ["lists"]})).steady == 15
    )
    assert operation.rate_of(check_arguments(operation.arguments, {"profile_id": "P1"})).steady == 750


def test_creating_a_profile(request_of: RequestOf) -> None:
    sent = request_of(
        "create_profile",
        email="newuser@example.com",
        first_name="John",
        last_name="Doe",
        phone_number="+15551234567",
        properties={"custom_field": "value"},
    )
    assert sent == Request(
        "POST",
        "/api/profiles",
        {},
        {
            "data": {
                "type": "profile",
                "attributes": {
                    "email": "newuser@example.com",
                    "phone_number": "+15551234567",
                    "first_name": "John",
                    "last_name": "Doe",
                    "properties": {"custom_field": "value"},
                },
            }
        },
    )


def test_null_is_not_sent_when_a_profile_is_created(request_of: RequestOf) -> None:
    sent = request_of("create_profile", email="a@example.com", last_name=None)
    assert sent.body == {"data": {"type": "profile", "attributes": {"email": "a@example.com"}}}


def test_updating_a_profile(request_of: RequestOf) -> None:
    assert request_of("update_profile", profile_id="01GDDKASAP8TKDDA2GRZDSVP4H", first_name="Jane") == Request(
        "PATCH",
        "/api/profiles/01GDDKASAP8TKDDA2GRZDSVP4H",
        {},
        {"data": {"type": "profile", "id": "01GDDKASAP8TKDDA2GRZDSVP4H", "attributes": {"first_name": "Jane"}}},
    )


def test_null_clears_what_an_update_names_and_properties_can_be_patched(request_of: RequestOf) -> None:
    sent = request_of(
        "update_profile",
        profile_id="P1",
        title=None,
        location={"city": "Oslo", "address2": None},
        properties={"size": None},
        patch_properties={"append": {"skus": "92538"}, "unset": "old_key"},
        additional_fields=["subscriptions"],
    )
    assert sent.query == {"additional-fields[profile]": "subscriptions"}
    assert sent.body == {
        "data": {
            "type": "profile",
            "id": "P1",
            "attributes": {
                "title": None,
                "location": {"address2": None, "city": "Oslo"},
                "properties": {"size": None},
            },
            "meta": {"patch_properties": {"append": {"skus": "92538"}, "unset": ["old_key"]}},
        }
    }


def test_upserting_by_the_web_identifier(request_of: RequestOf) -> None:
    assert request_of("create_or_update_profile", _kx="abc.XYZ", first_name="Ann") == Request(
        "POST",
        "/api/profile-import",
        {},
        {"data": {"type": "profile", "attributes": {"first_name": "Ann", "_kx": "abc.XYZ"}}},
    )


def test_merging_names_the_survivor_as_the_target(request_of: RequestOf) -> None:
    assert request_of("merge_profiles", profile_id="P1", profile_ids="P2") == Request(
        "POST",
        "/api/profile-merge",
        {},
        {
            "data": {
                "type": "profile-merge",
                "id": "P1",
                "relationships": {"profiles": {"data": [{"type": "profile", "id": "P2"}]}},
            }
        },
    )


def test_lists_and_segments_of_a_person(request_of: RequestOf) -> None:
    assert request_of("get_lists_for_profile", profile_id="P1") == Request("GET", "/api/profiles/P1/lists")
    assert request_of("get_segments_for_profile", profile_id="P1") == Request("GET", "/api/profiles/P1/segments")
