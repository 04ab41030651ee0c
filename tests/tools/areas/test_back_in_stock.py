"""Subscriptions to the return of a variant: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.areas.back_in_stock import area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]

VARIANT = "$custom:::$default:::SHOE-42"


def test_a_subscription_needs_a_profile_a_variant_and_a_channel(refusal_of: Refuse) -> None:
    name = "create_back_in_stock_subscription"
    assert (
        refusal_of(name, variant_id=VARIANT, channels=["EMAIL"])
        == "profile is required (id, email, phone_number, external_id)"
    )
    assert "a profile needs id, email, phone_number or external_id" in refusal_of(
        name, variant_id=VARIANT, profile={}, channels=["EMAIL"]
    )
    assert refusal_of(name, variant_id=VARIANT, profile={"id": "P"}, channels=["FAX"]).startswith("channels.0: ")


def test_a_profile_subscribes_to_a_variant(request_of: Render) -> None:
    assert request_of(
        "create_back_in_stock_subscription",
        variant_id=VARIANT,
        profile={"id": "P1", "email": "ann@example.com"},
        channels="EMAIL,SMS",
    ) == Request(
        "POST",
        "/api/back-in-stock-subscriptions",
        body={
            "data": {
                "type": "back-in-stock-subscription",
                "attributes": {
                    "profile": {"data": {"type": "profile", "id": "P1", "attributes": {"email": "ann@example.com"}}},
                    "channels": ["EMAIL", "SMS"],
                },
                "relationships": {"variant": {"data": {"type": "catalog-variant", "id": VARIANT}}},
            }
        },
    )


def test_a_subscription_reaches_people() -> None:
    assert {operation.effect for operation in area} == {Effect.REACHES_PEOPLE}
