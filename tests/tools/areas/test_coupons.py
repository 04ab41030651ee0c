"""Coupons and their codes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]


@pytest.mark.parametrize("id_", ["SUMMER-SALE", "SUMMER SALE", "SÖMMER", "SALE\n"])
def test_a_coupon_with_an_id_klaviyo_refuses_is_not_sent(refusal_of: Refuse, id_: str) -> None:
    assert refusal_of("create_coupon", external_id=id_) == (
        f"external_id: {id_!r} may hold only letters, digits and underscores (no hyphen), as in SUMMER_SALE"
    )


def test_a_coupon_needs_an_id(refusal_of: Refuse) -> None:
    assert refusal_of("create_coupon", description="Summer") == (
        "external_id is required (letters, digits, _; becomes its id)"
    )


def test_codes_are_read_by_coupon_or_profile(refusal_of: Refuse) -> None:
    assert refusal_of("get_coupon_codes") == 'filter is required, such as equals(coupon.id,"…")'
    assert "coupon.id or profile.id" in refusal_of("get_coupon_codes", filter='equals(status,"USED")')


def test_a_code_needs_its_coupon(refusal_of: Refuse) -> None:
    assert refusal_of("create_coupon_code", unique_code="SAVE20NOW") == "coupon_id is required"


def test_an_invalid_expiry_is_refused(refusal_of: Refuse) -> None:
    assert refusal_of("create_coupon_code", coupon_id="S", unique_code="A", expires_at="next week") == (
        "expires_at: 'next week' is not an ISO 8601 time such as 2026-03-01T09:00:00Z"
    )


def test_a_coupon_is_created(request_of: Render) -> None:
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


def test_the_id_of_a_code_begins_with_its_coupon(refusal_of: Refuse, request_of: Render) -> None:
    assert refusal_of("get_coupon_code", coupon_code_id="SAVE20NOW") == (
        "coupon_code_id: 'SAVE20NOW' is not the id of a code: those look like SUMMER_SALE-SAVE20NOW, coupon first"
    )
    assert refusal_of("delete_coupon_code", coupon_code_id="").startswith("coupon_code_id: ")
    assert request_of("get_coupon_code", coupon_code_id="SUMMER_SALE-50% OFF/1").path == (
        "/api/coupon-codes/SUMMER_SALE-50%25%20OFF%2F1"
    )
    assert request_of("get_coupon_for_coupon_code", coupon_code_id="S-A").path == "/api/coupon-codes/S-A/coupon"
    assert request_of("delete_coupon_code", coupon_code_id="S-A") == Request("DELETE", "/api/coupon-codes/S-A")


def test_a_code_changes_its_status(refusal_of: Refuse, request_of: Render) -> None:
    assert "'USED'" in refusal_of("update_coupon_code", coupon_code_id="S-A", status="used up")
    assert request_of("update_coupon_code", coupon_code_id="S-A", status="USED", expires_at="2026-12-31") == Request(
        "PATCH",
        "/api/coupon-codes/S-A",
        body={
            "data": {
                "type": "coupon-code",
                "id": "S-A",
                "attributes": {"status": "USED", "expires_at": "2026-12-31T00:00:00Z"},
            }
        },
    )


def test_a_coupon_is_read_changed_and_deleted(request_of: Render) -> None:
    assert request_of("get_coupon", coupon_id="SALE") == Request("GET", "/api/coupons/SALE")
    assert request_of("update_coupon", coupon_id="SALE", description="Late").body == {
        "data": {"type": "coupon", "id": "SALE", "attributes": {"description": "Late"}}
    }
    assert request_of("delete_coupon", coupon_id="SALE") == Request("DELETE", "/api/coupons/SALE")
    assert request_of("get_coupon_codes_for_coupon", coupon_id="SALE", filter='equals(status,"USED")') == Request(
        "GET", "/api/coupons/SALE/coupon-codes", {"filter": 'equals(status,"USED")'}
    )


def test_a_thousand_codes_are_added_at_once_and_no_more(refusal_of: Refuse, request_of: Render) -> None:
    codes = [{"coupon_id": "SALE", "unique_code": f"A{n}"} for n in range(1001)]
    assert refusal_of("bulk_create_coupon_codes", coupon_codes=codes).startswith("coupon_codes: at most 1,000, not ")
    assert refusal_of("bulk_create_coupon_codes", coupon_codes=[{"unique_code": "A"}]) == (
        "coupon_codes.0.coupon_id is required"
    )
    assert request_of("bulk_create_coupon_codes", coupon_codes=codes[:1]) == Request(
        "POST",
        "/api/coupon-code-bulk-create-jobs",
        body={
            "data": {
                "type": "coupon-code-bulk-create-job",
                "attributes": {
                    "coupon-codes": {
                        "data": [
                            {
                                "type": "coupon-code",
                                "attributes": {"unique_code": "A0"},
                                "relationships": {"coupon": {"data": {"type": "coupon", "id": "SALE"}}},
                            }
                        ]
                    }
                },
            }
        },
    )
    assert request_of("get_bulk_create_coupon_codes_job", job_id="J1", include="coupon_codes") == Request(
        "GET", "/api/coupon-code-bulk-create-jobs/J1", {"include": "coupon-codes"}
    )
