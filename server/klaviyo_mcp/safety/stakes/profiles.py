"""What is at stake where a profile loses its identifiers, or a person the code of a coupon."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.account.reads import AccountReads, attribute_of
from klaviyo_mcp.safety.stake import NOTHING_AT_STAKE, Stake

IDENTIFIERS = ("email", "phone_number", "external_id")


async def assess_identifiers(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such profile, KlaviyoMcpError where it cannot be read."""
    changes = {name: getattr(arguments, name) for name in IDENTIFIERS if name in arguments.model_fields_set}
    if None not in changes.values() or any(changes.values()) or not arguments.profile_id:
        return NOTHING_AT_STAKE
    id_ = arguments.profile_id
    page = await reads.record("get_profile", "profile_id", "profile", profile_id=id_, fields=IDENTIFIERS)
    held = {name for name in IDENTIFIERS if attribute_of(page, name)}
    is_last = bool(held) and held <= set(changes)
    reasons = ("it removes the last identifier of the profile, which nobody can reach or find by it then",)
    return Stake(reasons if is_last else (), {"identifiers": sorted(held)})


async def assess_coupon_code(reads: AccountReads, arguments: Any) -> Stake:
    """Raises MissingRecord where there is no such code, KlaviyoMcpError where it cannot be read."""
    id_ = arguments.coupon_code_id
    page = await reads.record(
        "get_coupon_code", "coupon_code_id", "coupon code", coupon_code_id=id_, fields=("status",)
    )
    status = attribute_of(page, "status")
    reasons = () if status in ("UNASSIGNED", "VERSION_NOT_ACTIVE") else ("a person may hold it",)
    return Stake(reasons, {"status": status})
