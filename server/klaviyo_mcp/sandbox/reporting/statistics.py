"""The statistics of reports: the kinds of facts that are tallied, and the formula of each statistic.

Source of the names: the enums of Klaviyo's report schemas. Rates lie between 0 and 1, and are 0 where there is nothing
to divide by.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

CREDIT_PRICE = 0.01
"""The price of a text message credit here, in the account's currency."""


@dataclass
class Tally:
    """For each kind of fact: how many there were, of which profiles, and the sum of their amounts."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    profiles: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, kind: str, profile: str, amount: float) -> None:
        self.counts[kind] += 1
        self.profiles[kind].add(profile)
        self.sums[kind] += amount


Statistic = Callable[[Tally], float]


def _count(*kinds: str) -> Statistic:
    return lambda tally: sum(tally.counts.get(kind, 0) for kind in kinds)


def _unique(kind: str) -> Statistic:
    return lambda tally: len(tally.profiles.get(kind, ()))


def _sum(kind: str) -> Statistic:
    return lambda tally: round(tally.sums.get(kind, 0.0), 2)


def _whole_sum(kind: str) -> Statistic:
    return lambda tally: int(tally.sums.get(kind, 0.0))


def _spend(tally: Tally) -> float:
    return round(tally.sums.get("credits", 0.0) * CREDIT_PRICE, 4)


def _ratio(part: Statistic, whole: Statistic) -> Statistic:
    def ratio(tally: Tally) -> float:
        divisor = whole(tally)
        return round(part(tally) / divisor, 6) if divisor else 0.0

    return ratio


_DELIVERED = _count("delivered")
_RECIPIENTS = _count("delivered", "bounced", "failed")
_CONVERSION_VALUE = _sum("conversions")

MESSAGE_STATISTICS: Mapping[str, Statistic] = {
    "recipients": _RECIPIENTS,
    "delivered": _DELIVERED,
    "delivery_rate": _ratio(_DELIVERED, _RECIPIENTS),
    "bounced": _count("bounced"),
    "bounce_rate": _ratio(_count("bounced"), _RECIPIENTS),
    "failed": _count("failed"),
    "failed_rate": _ratio(_count("failed"), _RECIPIENTS),
    "bounced_or_failed": _count("bounced", "failed"),
    "bounced_or_failed_rate": _ratio(_count("bounced", "failed"), _RECIPIENTS),
    "opens": _count("opens"),
    "opens_unique": _unique("opens"),
    "open_rate": _ratio(_unique("opens"), _DELIVERED),
    "clicks": _count("clicks"),
    "clicks_unique": _unique("clicks"),
    "click_rate": _ratio(_unique("clicks"), _DELIVERED),
    "click_to_open_rate": _ratio(_unique("clicks"), _unique("opens")),
    "unsubscribes": _count("unsubscribes"),
    "unsubscribe_uniques": _unique("unsubscribes"),
    "unsubscribe_rate": _ratio(_unique("unsubscribes"), _DELIVERED),
    "spam_complaints": _count("spam_complaints"),
    "spam_complaint_rate": _ratio(_count("spam_complaints"), _DELIVERED),
    "conversions": _count("conversions"),
    "conversion_uniques": _unique("conversions"),
    "conversion_rate": _ratio(_unique("conversions"), _DELIVERED),
    "conversion_value": _CONVERSION_VALUE,
    "average_order_value": _ratio(_CONVERSION_VALUE, _count("conversions")),
    "revenue_per_recipient": _ratio(_CONVERSION_VALUE, _DELIVERED),
    "message_segment_count_sum": _whole_sum("segments"),
    "text_message_credit_usage_amount": _sum("credits"),
    "text_message_spend": _spend,
    "text_message_roi": _ratio(_CONVERSION_VALUE, _spend),
}

FORM_STATISTICS: Mapping[str, Statistic] = {
    **{
        name + suffix: statistic(name)
        for name in ("viewed_form", "closed_form", "qualified_form", "viewed_form_step", "submitted_form_step")
        for suffix, statistic in (("", _count), ("_uniques", _unique))
    },
    "submits": _count("submits"),
    "submit_rate": _ratio(_count("submits"), _count("viewed_form")),
}

SEGMENT_STATISTICS: Mapping[str, Statistic] = {
    "total_members": _whole_sum("members"),
    "members_added": _count("added"),
    "members_removed": _count("removed"),
    "net_members_changed": lambda tally: tally.counts.get("added", 0) - tally.counts.get("removed", 0),
}

MESSAGE_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("Received Email", "Received SMS", "Received Push", "Received WhatsApp"), "delivered"),
    **dict.fromkeys(("Bounced Email", "Bounced Push"), "bounced"),
    **dict.fromkeys(("Dropped Email", "Failed to Deliver SMS", "Failed to Deliver WhatsApp"), "failed"),
    **dict.fromkeys(("Opened Email", "Opened Push", "Opened WhatsApp"), "opens"),
    **dict.fromkeys(("Clicked Email", "Clicked SMS", "Clicked WhatsApp"), "clicks"),
    **dict.fromkeys(("Unsubscribed from Email", "Unsubscribed from Email Marketing", "Unsubscribed"), "unsubscribes"),
    **dict.fromkeys(("Unsubscribed from SMS", "Unsubscribed from SMS Marketing"), "unsubscribes"),
    "Marked Email as Spam": "spam_complaints",
}
"""The kind of fact that a metric's events are for the message that they name."""

SEND_KINDS = frozenset({"delivered", "bounced", "failed"})
"""The kinds of facts that say that a message was sent."""

FORM_KINDS: Mapping[str, str] = {
    "Viewed Form": "viewed_form",
    "Closed Form": "closed_form",
    "Qualified Form": "qualified_form",
    "Submitted Form": "submits",
    "Viewed Form Step": "viewed_form_step",
    "Submitted Form Step": "submitted_form_step",
}
"""The kind of fact that a metric's events are for the form that they name."""
