"""The shop's flows: a table of what triggers each, and of its steps."""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    """A delay of so many hours, or a message: its channel, name, subject or body (`text`), and template."""

    hours: float = 0
    channel: str = ""
    name: str = ""
    text: str = ""
    template: str = ""


class FlowRow(NamedTuple):
    """One flow.

    `trigger` names a list, a segment or a metric, or is `birthday` or `price drop`. `share` says how many of the
    profiles that trigger the flow enter it, between 0 and 1.
    """

    name: str
    status: str
    trigger: str
    steps: tuple[Step, ...]
    share: float = 1.0


def _email(name: str, text: str, template: str = "Newsletter Base") -> Step:
    return Step(0, "email", name, text, template)


def _sms(name: str, text: str) -> Step:
    return Step(0, "sms", name, text)


FLOWS = (
    FlowRow("Welcome Series", "live", "Newsletter", (
        _email("Welcome 1", "Welcome to Fell & Hearth", "Welcome"), Step(72),
        _email("Welcome 2", "Where our wool comes from", "Welcome"), Step(96),
        _email("Welcome 3", "Ten per cent, to begin with", "Welcome"))),
    FlowRow("Abandoned Cart", "live", "Checkout Started", (
        Step(4), _email("Cart Reminder 1", "Still thinking?", "Abandoned Cart"),
        Step(20), _sms("Cart Reminder 2", "Fell & Hearth: your cart is where you left it."))),
    FlowRow("Browse Abandonment", "live", "Viewed Product", (
        Step(26), _email("Browse Reminder", "Worth a second look", "Abandoned Cart")), 0.12),
    FlowRow("Order Follow-up", "live", "Placed Order", (
        Step(24 * 6), _email("Care Guide", "How to care for it", "Order Follow-up"),
        Step(24 * 15), _email("Second Order", "What goes well with it", "Product Launch"))),
    FlowRow("Review Request", "live", "Fulfilled Order", (
        Step(24 * 9), _email("Review Request", "What do you think of it?", "Order Follow-up")), 0.8),
    FlowRow("SMS Welcome", "live", "SMS Club", (
        _sms("SMS Hello", "Fell & Hearth: you are in. WELCOME10 takes 10% off."),)),
    FlowRow("Birthday", "live", "birthday", (
        _email("Happy Birthday", "A small thing for your birthday", "Welcome"),)),
    FlowRow("VIP Thank You", "manual", "VIP Customers", (
        _email("VIP Thanks", "You are why we do this"), Step(48), _sms("VIP SMS", "Fell & Hearth: thank you."))),
    FlowRow("Winback", "manual", "Lapsed Customers", (
        _email("Winback 1", "It has been a while", "Seasonal Sale"), Step(24 * 10),
        _email("Winback 2", "Twenty per cent to come back", "Seasonal Sale"))),
    FlowRow("Sunset Unengaged", "draft", "Newsletter", (
        Step(24 * 120), _email("Shall We Stop?", "Shall we stop writing?"))),
    FlowRow("Price Drop Alert", "draft", "price drop", (
        _email("Price Drop", "It costs less now", "Product Launch"),)),
    FlowRow("Push Re-engagement", "draft", "App Users", (
        Step(24 * 30), Step(0, "mobile_push", "Come Back", "New routes are waiting."))),
)  # fmt: skip
