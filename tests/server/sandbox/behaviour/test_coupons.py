"""Coupons and their codes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox.sandbox_api import Api, to_one

pytestmark = pytest.mark.anyio


def code(coupon_id: str) -> dict[str, Any]:
    relationships = {"coupon": to_one("coupon", coupon_id)}
    return {"data": {"type": "coupon-code", "attributes": {"unique_code": "X1"}, "relationships": relationships}}


async def test_coupon_codes_belong_to_their_coupon(api: Api) -> None:
    coupon = await api.create("coupon", "coupons", external_id="SPRING")
    assert coupon["id"] == "SPRING"
    created = (await api.post("coupon-codes", code("SPRING"), 200))["data"]
    assert (created["id"], created["attributes"]["status"]) == ("SPRING-X1", "UNASSIGNED")
    assert await api.ids("coupon-codes", filter='equals(coupon.id,"SPRING")') == ["SPRING-X1"]
    assert await api.ids("coupons/SPRING/coupon-codes") == ["SPRING-X1"]
    await api.delete("coupons/SPRING")
    await api.get("coupon-codes/SPRING-X1", 404)


async def test_wrong_coupons_and_codes_are_refused(api: Api) -> None:
    await api.post("coupons", {"data": {"type": "coupon", "attributes": {"external_id": "no-hyphens"}}}, 400)
    await api.create("coupon", "coupons", external_id="SPRING")
    await api.post("coupon-codes", code("SPRING"), 200)
    await api.post("coupon-codes", code("SPRING"), 409)
    await api.post("coupon-codes", code("NONE"), 404)
