"""Push tokens: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]


def test_a_token_without_its_person_is_refused(refusal_of: RefusalOf) -> None:
    assert refusal_of("create_push_token", token="t", platform="ios", vendor="apns", profile={}) == (
        "profile: a profile needs email, phone_number, id, external_id or _kx"
    )
    assert refusal_of(
        "create_push_token", token="t", platform="windows", vendor="apns", profile={"email": "a@example.com"}
    ) == ("platform: should be 'android' or 'ios', not \"windows\"")


def test_registering_a_device(request_of: RequestOf) -> None:
    sent = request_of(
        "create_push_token",
        token="t",
        platform="ios",
        vendor="apns",
        device_metadata={"os_name": "ios"},
        profile={"email": "a@example.com", "patch_properties": {"unset": ["old"]}},
    )
    person = {"email": "a@example.com", "meta": {"patch_properties": {"unset": ["old"]}}}
    assert sent == Request(
        "POST",
        "/api/push-tokens",
        {},
        {
            "data": {
                "type": "push-token",
                "attributes": {
                    "token": "t",
                    "platform": "ios",
                    "vendor": "apns",
                    "device_metadata": {"os_name": "ios"},
                    "profile": {"data": {"type": "profile", "attributes": person}},
                },
            }
        },
    )


def test_tokens_of_a_person(request_of: RequestOf) -> None:
    assert request_of("get_push_tokens", filter={"profile.id": "P1"}) == Request(
        "GET", "/api/push-tokens", {"filter": 'equals(profile.id,"P1")'}
    )
    assert request_of("delete_push_token", push_token_id="T1") == Request("DELETE", "/api/push-tokens/T1")
