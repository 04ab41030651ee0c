"""Statistics of reports as a reader wants them: rates as percentages, money to the cent, totals that are true.

A rate's total is made anew from what it is a rate of; it is never the mean of the rates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Statistics = Mapping[str, Any]
"""One row's statistics by name."""

RATIOS: Mapping[str, tuple[str, str]] = {
    "average_order_value": ("conversion_value", "conversions"),
    "bounce_rate": ("bounced", "recipients"),
    "bounced_or_failed_rate": ("bounced_or_failed", "recipients"),
    "click_rate": ("clicks_unique", "delivered"),
    "click_to_open_rate": ("clicks_unique", "opens_unique"),
    "conversion_rate": ("conversion_uniques", "delivered"),
    "delivery_rate": ("delivered", "recipients"),
    "failed_rate": ("failed", "recipients"),
    "open_rate": ("opens_unique", "delivered"),
    "revenue_per_recipient": ("conversion_value", "delivered"),
    "spam_complaint_rate": ("spam_complaints", "delivered"),
    "submit_rate": ("submits", "viewed_form"),
    "text_message_roi": ("conversion_value", "text_message_spend"),
    "unsubscribe_rate": ("unsubscribe_uniques", "delivered"),
}
"""What each ratio is: numerator, denominator."""
MONEY = frozenset({"average_order_value", "conversion_value", "revenue_per_recipient", "text_message_spend"})
SUMS = frozenset(
    {
        *("bounced", "bounced_or_failed", "clicks", "conversion_value", "conversions", "delivered", "failed"),
        *("message_segment_count_sum", "opens", "recipients", "spam_complaints", "unsubscribes"),
        *("text_message_credit_usage_amount", "text_message_spend"),
        *("viewed_form", "submits", "closed_form", "qualified_form", "submitted_form_step", "viewed_form_step"),
        *("members_added", "members_removed", "net_members_changed", "count", "sum_value"),
    }
)
"""What adds up. People counted once each do not: one may stand in several rows."""
SORT_ORDER = ("conversion_value", "recipients", "delivered", "sum_value", "count")
"""What rows are sorted by: the first of these that was asked for, and where it is equal the next."""
CHANNELS_WITHOUT_OPENS = frozenset({"sms", "whatsapp"})
"""Channels whose messages nobody is seen to open."""
OPEN_RATES = frozenset({"open_rate", "click_to_open_rate"})


def format_statistic(name: str, value: Any) -> str:
    """A statistic as text: `42.3%`, `0.25%`, `1234.50`, `17`; other values as they are, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if name.endswith("_rate"):
        percent = 100 * value
        return f"{percent:.1f}%" if abs(percent) >= 1 else f"{percent:.2f}%" if percent else "0%"
    if name in MONEY:
        return f"{value:.2f}" if value else "0"
    return str(int(value)) if value == int(value) else f"{value:.2f}"


def total(name: str, rows: Sequence[Statistics], channels: Sequence[str] = ()) -> float | None:
    """A statistic of all the rows together; None where that cannot be known from what is there.

    `channels` are the rows' channels, where they are told: opens are of those that can be opened.
    """
    if name in SUMS:
        numbers = [number for row in rows if (number := _number(row.get(name))) is not None]
        return sum(numbers) if numbers else None
    if name not in RATIOS:
        return None
    if name in OPEN_RATES and channels:
        rows = [row for row, channel in zip(rows, channels, strict=True) if channel not in CHANNELS_WITHOUT_OPENS]
    numerator, denominator = RATIOS[name]
    above = below = 0.0
    for row in rows:
        ratio, part, whole = (_number(row.get(one)) for one in (name, numerator, denominator))
        if whole is None or (ratio is None and part is None):
            return None
        # What text messages returned is told by their own ratio: the value beside it is that of all channels.
        above += part if part is not None and name != "text_message_roi" else (ratio or 0.0) * whole
        below += whole
    return above / below if below else None


def totals(names: Sequence[str], rows: Sequence[Statistics], channels: Sequence[str] = ()) -> dict[str, float | None]:
    """`total` of each statistic."""
    return {name: total(name, rows, channels) for name in names}


def sort_statistics(names: Sequence[str]) -> list[str]:
    """What to sort by, of the statistics asked for: what matters most, or the first."""
    return [name for name in SORT_ORDER if name in names] or list(names[:1])


def all_zero(values: Sequence[Any]) -> bool:
    """Whether nothing happened in a series."""
    return not any(values)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
