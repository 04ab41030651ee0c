"""Coupons and their codes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]


@pytest.mark.parametrize("id_", ["SUMMER-SALE", "SUMMER SALE", "SÖMMER", "SALE\n"])
def test_a_coupon_with_an_id_klaviyo_refuses_is_not_sent(refusal_of: Refuse, id_: str) -> None:
    assert refusal_of("create_coupon", external_id=id_) == (
        f"external_id: {id_!r} may hold only letters, digits and underscores (no hyphen), as in SUMMER_SALE"
    )


def test_a_coupon_needs_an_id(refusal_of: Refuse) -> None:
    assert refusal_of("create_coupon", description="Summer") == "external_id is required"


def test_codes_are_asked_for_by_coupon_or_person(refusal_of: Refuse) -> None:
    assert refusal_of("get_coupon_codes") == "filter is required"
    assert "coupon.id or profile.id" in refusal_of("get_coupon_codes", filter='equals(status,"USED")')


def test_a_code_needs_its_coupon(refusal_of: Refuse) -> None:
    assert refusal_of("create_coupon_code", unique_code="SAVE20NOW") == "coupon_id is required"


def test_an_expiry_that_is_no_time_is_refused(refusal_of: Refuse) -> None:
    assert refusal_of("create_coupon_code", coupon_id="S", unique_code="A", expires_at="next week") == (
        "expires_at: 'next week' is not an ISO 8601 time such as 2026-03-01T09:00:00Z"
    )


def test_a_coupon_is_made(request_of: Render) -> None:
    assert request_of(
        "create_coupon", external_id="SUMMER_SALE_2024", description="Summer sale discount coupon"
    ) == Request(
        "POST",
        "/api/coupons",
        body={
            "data": {
                "type": "coupon",
                "attributes": {"external_id": "SUMMER_SALE_2024", "description": "Summer sale discount coupon"},
            }
        },
    )
    watched = request_of("create_coupon", external_id="A", monitor_configuration={"low_balance_threshold": 500})
    assert watched.body["data"]["attributes"]["monitor_configuration"] == {"low_balance_threshold": 500}


def test_a_code_is_added_to_a_coupon(request_of: Render) -> None:
    assert request_of(
        "create_coupon_code",
        coupon_id="SUMMER_SALE_2024",
        unique_code="SAVE20NOW",
        expires_at="2025-12-31T23:59:59Z",
    ) == Request(
        "POST",
        "/api/coupon-codes",
        body={
            "data": {
                "type": "coupon-code",
                "attributes": {"unique_code": "SAVE20NOW", "expires_at": "2025-12-31T23:59:59Z"},
                "relationships": {"coupon": {"data": {"type": "coupon", "id": "SUMMER_SALE_2024"}}},
            }
        },
    )


def test_codes_of_a_coupon_are_read(request_of: Render) -> None:
    assert request_of("get_coupons") == Request("GET", "/api/coupons")
    assert request_of("get_coupon_codes", filter='equals(coupon.id,"SUMMER_SALE_2024")', include="coupon") == Request(
        "GET", "/api/coupon-codes", {"filter": 'equals(coupon.id,"SUMMER_SALE_2024")', "include": "coupon"}
    )
