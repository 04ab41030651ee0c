"""Coupons and their codes: unassigned, assigned to a profile, or used."""

from __future__ import annotations

from klaviyo_mcp.sandbox.life.builder import AccountBuilder

_COUPONS = (
    ("WELCOME10", "10% off a first order", -60),
    ("TRAIL15", "15% off everything for the trail", -30),
    ("WINBACK20", "20% off for those we have missed", -14),
    ("SUMMER_2", "The summer code, over by now", 90),
)
"""External id, description, and how many days ago the codes expired (negative: in how many days they will)."""
_CODES_PER_COUPON = 20


def add_coupons(builder: AccountBuilder) -> None:
    random = builder.random
    for external_id, description, expired in _COUPONS:
        monitor = {"low_balance_threshold": 10, "low_balance_users": []} if expired < 0 else None
        attributes = {"external_id": external_id, "description": description, "monitor_configuration": monitor}
        coupon = builder.add("coupon", attributes, None, external_id)
        for number in range(_CODES_PER_COUPON):
            status = random.choices(("UNASSIGNED", "ASSIGNED_TO_PROFILE", "USED"), (5, 3, 2))[0]
            is_assigned = status != "UNASSIGNED" and builder.active_profiles
            profile = random.choice(builder.active_profiles).id if is_assigned else None
            unique_code = f"{external_id[:3]}-{random.randrange(16**5, 16**6):X}{number:02d}"
            code = {
                "unique_code": unique_code,
                "expires_at": builder.timestamp(expired),
                "status": status if profile else "UNASSIGNED",
            }
            links = {"coupon": coupon.id, "profile": profile}
            builder.add("coupon-code", code, links, f"{coupon.id}-{unique_code}")
