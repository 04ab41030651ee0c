"""Conditions on consent: to marketing by e-mail, text message and push, and to WhatsApp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.segments.account import Account, Condition, Moment, Predicate, Stored
from klaviyo_mcp.sandbox.segments.values import read_value_filter

_CHANNELS: Mapping[str, tuple[str, str]] = {
    "email": ("email", "can_receive_email_marketing"),
    "sms": ("sms", "can_receive_sms_marketing"),
    "push": ("mobile_push", "can_receive_push_marketing"),
}
"""Where a profile's subscriptions hold a channel, and the attribute that says whether it can be used."""

_DATES = {"status_date": "consent_timestamp", "effective_date": "consent_timestamp", "recorded_date": "last_updated"}
_SUPPRESSIONS = {
    "bounce_date": "HARD_BOUNCE",
    "manual_suppression_date": "USER_SUPPRESSED",
    "invalid_email_date": "INVALID_EMAIL",
}

SubscriptionTest = Callable[[Mapping[str, Any], Moment], bool]


def marketing_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """Whether a profile can receive marketing on a channel, with which subscription."""
    consent = row["consent"]
    channel, attribute = _CHANNELS[consent["channel"]]
    status = consent["consent_status"]
    subscription: str = status["subscription"]
    tests = _read_filters(status.get("filters"), f"{pointer}/consent/consent_status/filters")

    def begin(account: Account, moment: Moment) -> Predicate:
        def satisfies(profile: Stored) -> bool:
            marketing = _subscription(profile, channel, "marketing")
            if _can_receive(profile, channel, marketing.get(attribute)) is not consent["can_receive_marketing"]:
                return False
            stated = str(marketing.get("consent") or "NEVER_SUBSCRIBED").lower()
            return subscription in ("any", stated) and all(test(marketing, moment) for test in tests)

        return satisfies

    return begin


def _can_receive(profile: Stored, channel: str, stated: Any) -> bool:
    """Whether a profile can receive marketing: by e-mail also without consent, but never without an address."""
    if channel == "email":
        return bool(profile.attributes.get("email")) and stated is not False
    return bool(stated)


def permissions_condition(row: Mapping[str, Any], pointer: str, account: Account) -> Condition:
    """Explicit consent to WhatsApp, given or withdrawn."""
    permission, purpose = row["permission"], row["channel"].removeprefix("whatsapp_")
    reachable: str = permission["reachable_status"]
    if reachable not in ("explicitly_reachable", "explicitly_unreachable"):
        detail = f"{reachable!r} is not evaluated here: explicit consent alone is kept."
        raise invalid(detail, pointer=f"{pointer}/permission/reachable_status")
    stated = "SUBSCRIBED" if reachable == "explicitly_reachable" else "UNSUBSCRIBED"
    tests = _read_filters(permission["filters"], f"{pointer}/permission/filters")

    def begin(account: Account, moment: Moment) -> Predicate:
        def satisfies(profile: Stored) -> bool:
            subscription = _subscription(profile, "whatsapp", purpose)
            return subscription.get("consent") == stated and all(test(subscription, moment) for test in tests)

        return satisfies

    return begin


def _subscription(profile: Stored, channel: str, purpose: str) -> Mapping[str, Any]:
    subscriptions = profile.attributes.get("subscriptions") or {}
    return (subscriptions.get(channel) or {}).get(purpose) or {}


def _read_filters(rows: Sequence[Mapping[str, Any]] | None, pointer: str) -> list[SubscriptionTest]:
    """The tests of a subscription, all of which must hold."""
    if rows and not isinstance(rows, list):
        raise invalid("This status takes no filters.", pointer=pointer)
    return [_read_filter(row, f"{pointer}/{index}") for index, row in enumerate(rows or ())]


def _read_filter(row: Any, pointer: str) -> SubscriptionTest:
    field = row.get("field") if isinstance(row, dict) else None
    if field in _DATES:
        return _attribute_test(_DATES[field], row["filter"], pointer)
    if field in _SUPPRESSIONS:
        return _suppression_test(_SUPPRESSIONS[field], row["filter"], pointer)
    if field == "is_double_opt_in":
        return lambda subscription, _: bool(subscription.get("double_optin")) is row["filter"]["value"]
    if field == "custom_source":
        return _attribute_test("custom_method_detail", row["filter"], pointer)
    if field in ("method", "subscribe_method"):
        return _method_test(row, pointer)
    raise invalid(f"{field!r} is not evaluated here: no such fact is kept.", pointer=f"{pointer}/field")


def _attribute_test(name: str, row: Mapping[str, Any], pointer: str) -> SubscriptionTest:
    test = read_value_filter(row, f"{pointer}/filter")
    return lambda subscription, moment: test(subscription.get(name), moment)


def _suppression_test(reason: str, row: Mapping[str, Any], pointer: str) -> SubscriptionTest:
    """A test of the dates of the suppressions for a reason; without one it does not hold."""
    test = read_value_filter(row, f"{pointer}/filter")
    return lambda subscription, moment: any(
        test(one.get("timestamp"), moment)
        for one in subscription.get("suppression") or ()
        if one.get("reason") == reason
    )


def _method_test(row: Mapping[str, Any], pointer: str) -> SubscriptionTest:
    method = row["method"].upper()
    detail = _attribute_test("method_detail", row["filter"], pointer) if row.get("filter") else None
    return lambda subscription, moment: (
        subscription.get("method") == method and (detail is None or detail(subscription, moment))
    )
