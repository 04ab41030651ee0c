"""Coupons, and the codes of each: free, given to a profile, used."""

from __future__ import annotations

from klaviyo_mcp.sandbox.life.world import World

_COUPONS = (
    ("WELCOME10", "10% off a first order", -60),
    ("TRAIL15", "15% off everything for the trail", -30),
    ("WINBACK20", "20% off for those we have missed", -14),
    ("SUMMER_2", "The summer code, over by now", 90),
)
_EACH = 20


def make(world: World) -> None:
    """Codes run out some days from now, or, of the last coupon, did so before."""
    random = world.random
    for external_id, description, ends in _COUPONS:
        monitor = {"low_balance_threshold": 10, "low_balance_users": []} if ends < 0 else None
        attributes = {"external_id": external_id, "description": description, "monitor_configuration": monitor}
        coupon = world.add("coupon", attributes, None, external_id)
        for number in range(_EACH):
            status = random.choices(("UNASSIGNED", "ASSIGNED_TO_PROFILE", "USED"), (5, 3, 2))[0]
            profile = random.choice(world.lively).id if status != "UNASSIGNED" and world.lively else None
            code = f"{external_id[:3]}-{random.randrange(16**5, 16**6):X}{number:02d}"
            told = {"unique_code": code, "expires_at": world.text(ends), "status": status if profile else "UNASSIGNED"}
            links = {"coupon": coupon.id, "profile": profile}
            world.add("coupon-code", told, {**links}, f"{coupon.id}-{code}")
