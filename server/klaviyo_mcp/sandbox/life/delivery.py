"""Delivery of the planned sends: messages received or bounced, opened, clicked, followed by visits or unsubscribes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder, marketing_subscription
from klaviyo_mcp.sandbox.life.plan import Message, PlannedEvent, PlannedSend
from klaviyo_mcp.sandbox.life.visits import visit_shop
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp

_METRIC_SUFFIXES = {"email": "Email", "sms": "SMS", "mobile_push": "Push"}
_CLIENTS = (("Apple Mail", "Mobile"), ("Gmail", "Webmail"), ("Outlook", "Desktop"), ("Thunderbird", "Desktop"))
_SMS_FAILURES = (("Unreachable handset", "Carrier"), ("Landline", "Number"))
_CLICKED_PAGES = ("products/trl-201", "products/kit-304", "sale", "journal", "new")
_SOFT_BOUNCE_SHARE = 0.008
_SMS_FAILURE_SHARE = 0.03
_CHARACTERS_PER_SMS_SEGMENT = 160


def deliver_sends(builder: AccountBuilder) -> None:
    """Deliver what was sent, in order of time, so that a bounce or a complaint ends what would have followed."""
    delivery = _Delivery(builder)
    for send in sorted(builder.sends, key=lambda send: send.at):
        if send.at < builder.now:
            delivery.deliver(send)
    delivery.plan_unsubscribes()


class _Delivery:
    def __init__(self, builder: AccountBuilder) -> None:
        self.builder = builder
        self.random = builder.random
        self.engagement = {profile.id: builder.random.betavariate(2, 3) for profile in builder.active_profiles}
        self.last_received: dict[tuple[str, str], PlannedEvent] = {}
        self.suppressed: set[str] = set()

    def deliver(self, send: PlannedSend) -> None:
        profile, message, at = send.profile, send.message, send.at
        subscription = marketing_subscription(profile, message.channel)
        sent_at = format_timestamp(at)
        if profile.id in self.suppressed or not _is_reachable(subscription, message.channel, sent_at):
            return
        properties = _message_properties(profile, message)
        suppressions = subscription.get("suppression") or ()
        reason = next((one["reason"] for one in suppressions if one["timestamp"] <= sent_at), "")
        if message.channel == "email" and (reason == "HARD_BOUNCE" or self.random.random() < _SOFT_BOUNCE_SHARE):
            bounce = {"Bounce Type": "Hard" if reason else "Soft"}
            self.builder.plan_event("Bounced Email", profile, at, properties | bounce)
            self._suppress(profile, subscription, reason, at)
            return
        if message.channel == "sms" and self.random.random() < _SMS_FAILURE_SHARE:
            kind, source = self.random.choice(_SMS_FAILURES)
            failure = {"Failure Type": kind, "Failure Source": source}
            self.builder.plan_event("Failed to Deliver SMS", profile, at, properties | failure)
            return
        metric = f"Received {_METRIC_SUFFIXES[message.channel]}"
        received = self.builder.plan_event(metric, profile, at, properties)
        self.last_received[profile.id, message.channel] = received
        if reason == "SPAM_COMPLAINT":
            complained_at = at + timedelta(minutes=self.random.randrange(2, 600))
            self.builder.plan_event("Marked Email as Spam", profile, complained_at, dict(properties))
            self._suppress(profile, subscription, reason, complained_at)
            return
        self._plan_engagement(profile, message, received)

    def _suppress(self, profile: Record, subscription: dict[str, Any], reason: str, at: datetime) -> None:
        """Date the profile's suppression by the bounce or complaint that caused it."""
        if not reason:
            return
        self.suppressed.add(profile.id)
        subscription["suppression"] = [{"reason": reason, "timestamp": format_timestamp(at)}]
        subscription["last_updated"] = format_timestamp(at)

    def _plan_engagement(self, profile: Record, message: Message, received: PlannedEvent) -> None:
        """Plan an open, a click and a visit; each is likelier for an engaged profile, and after a flow's message."""
        engagement = self.engagement[profile.id] + (0.1 if message.flow else 0)
        at = received.at + timedelta(minutes=self.random.expovariate(1 / 240) + 1)
        credit = received
        if message.channel != "sms":
            if self.random.random() > engagement:
                return
            credit = self._plan_opens(profile, message, received, at)
        at += timedelta(minutes=self.random.uniform(0.2, 9))
        if message.channel != "mobile_push":
            if self.random.random() > (0.3 if message.channel == "email" else 0.12):
                return
            page = self.random.choice(_CLICKED_PAGES)
            clicked = received.properties | {"URL": f"https://shop.example.com/{page}"}
            credit = self.builder.plan_event(f"Clicked {_METRIC_SUFFIXES[message.channel]}", profile, at, clicked)
        if self.random.random() < 0.6:
            visit_shop(self.builder, profile, at + timedelta(minutes=1), credit, eagerness=0.08)

    def _plan_opens(self, profile: Record, message: Message, received: PlannedEvent, at: datetime) -> PlannedEvent:
        """Plan one open, and sometimes a second; the first is what a purchase is credited to."""
        client, client_type = self.random.choice(_CLIENTS)
        details = {"Client Name": client, "Client Type": client_type} if message.channel == "email" else {}
        opened = received.properties | details
        metric = f"Opened {_METRIC_SUFFIXES[message.channel]}"
        event = self.builder.plan_event(metric, profile, at, opened)
        if self.random.random() < 0.2:
            self.builder.plan_event(metric, profile, at + timedelta(hours=self.random.uniform(1, 40)), dict(opened))
        return event

    def plan_unsubscribes(self) -> None:
        """Plan the unsubscribe of each unsubscribed profile, at the time in its record, from its last message."""
        for profile in self.builder.active_profiles:
            for channel, metric in (("email", "Unsubscribed from Email"), ("sms", "Unsubscribed from SMS")):
                subscription = marketing_subscription(profile, channel)
                if subscription.get("consent") != "UNSUBSCRIBED":
                    continue
                at = datetime.fromisoformat(subscription["consent_timestamp"])
                last = self.last_received.get((profile.id, channel))
                if last is None and at < self.builder.first_activity(profile):
                    continue
                properties = dict(last.properties) if last else {"Method": "Preference page"}
                self.builder.plan_event(metric, profile, at, properties)


def _message_properties(profile: Record, message: Message) -> dict[str, Any]:
    """The properties that all events of a message to a profile share."""
    properties: dict[str, Any] = {"$message": message.id, "Message Name": message.label or message.name}
    if message.flow:
        properties["$flow"] = message.flow
    else:
        properties["Campaign Name"] = message.name
    if message.variation:
        properties["$variation"] = message.id
    if message.channel == "email":
        return properties | {"Subject": message.subject, "Email Domain": "example.com"}
    if message.channel == "sms":
        segments = 1 + len(message.subject) // _CHARACTERS_PER_SMS_SEGMENT
        properties |= {"Message Body": message.subject, "Message Type": "SMS", "Segment Count": segments}
        return properties | {"To Number": profile.attributes["phone_number"], "$usage_amount": segments}
    return properties | {"Title": message.subject}


def _is_reachable(subscription: dict[str, Any], channel: str, at: str) -> bool:
    """Whether consent allowed a message at a time (ISO 8601)."""
    subscribed_at = subscription.get("consent_timestamp")
    if subscription.get("consent") == "UNSUBSCRIBED":
        return channel != "mobile_push" and at < subscription["consent_timestamp"]
    if subscription.get("consent") != "SUBSCRIBED" or not subscribed_at or subscribed_at > at:
        return False
    preventing = ("USER_SUPPRESSED", "INVALID_EMAIL")
    suppressions = subscription.get("suppression") or ()
    return all(one["reason"] not in preventing or one["timestamp"] > at for one in suppressions)
