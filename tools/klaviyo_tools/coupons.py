"""Coupons: discounts, and the codes of each that people redeem."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from .arguments import Arguments, Id, Open, Relationship, Text, Timestamp
from .operation import XL, Area, L, S

area = Area("coupons", words="discount voucher promo promotion offer rabatt gutschein cupón descuento réduction")

CODES = {"read": "coupon-codes:read", "write": "coupon-codes:write"}
CODE_FILTER = {
    "coupon.id": "any equals",
    "profile.id": "any equals",
    "status": "equals",
    "expires_at": "greater-or-equal greater-than less-or-equal less-than",
}


def _external_id(text: str) -> str:
    if not re.fullmatch(r"[0-9_A-z]+", text):
        raise ValueError(f"{text[:60]!r} may hold only letters, digits and underscores (no hyphen), as in SUMMER_SALE")
    return text


class NewCoupon(Arguments):
    external_id: Annotated[str, AfterValidator(_external_id)] = Field(description="letters, digits, _; becomes its id")
    description: str | None = None
    monitor_configuration: Open | None = Field(None, description="{low_balance_threshold: 500}")


class NewCode(Arguments):
    coupon_id: Annotated[Id, Relationship("coupon")]
    unique_code: Text = Field(description="what people enter")
    expires_at: Timestamp | None = Field(None, description="default in a year")


area.collection(
    "get_coupon_codes",
    "/api/coupon-codes",
    "coupon-code",
    "Codes of a coupon or of a person, with their status.",
    rate=XL,
    scopes=CODES["read"],
    filter=CODE_FILTER,
    filter_required=("coupon.id", "profile.id"),
    include=("coupon",),
    words="redeemed used unassigned left",
)
area.create(
    "create_coupon_code",
    "/api/coupon-codes",
    "coupon-code",
    NewCode,
    "Add one code to a coupon.",
    rate=XL,
    scopes=CODES["write"],
)
area.collection("get_coupons", "/api/coupons", "coupon", "Coupons of the account.", rate=L)
area.create(
    "create_coupon",
    "/api/coupons",
    "coupon",
    NewCoupon,
    "Create a coupon; it has no codes yet (create_coupon_code). The shop must know the discount itself.",
    rate=S,
)
