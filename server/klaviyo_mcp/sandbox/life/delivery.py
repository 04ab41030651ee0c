"""Messages on their way: received or bounced, opened, clicked, answered with a visit or by leaving."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from klaviyo_mcp.sandbox.life import visits
from klaviyo_mcp.sandbox.life.plan import Message, PlannedEvent, PlannedSend
from klaviyo_mcp.sandbox.life.world import World
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_mcp.sandbox.timestamps import format_timestamp

_FORMER = {"Newsletter": "email", "SMS Club": "sms"}
_NAMES = {"email": "Email", "sms": "SMS", "mobile_push": "Push"}
_CLIENTS = (("Apple Mail", "Mobile"), ("Gmail", "Webmail"), ("Outlook", "Desktop"), ("Thunderbird", "Desktop"))
_FAILURES = (("Unreachable handset", "Carrier"), ("Landline", "Number"))


def former(profile: Record, group: str) -> str | None:
    """Since when a profile that has left a channel was on the channel's list."""
    held = _marketing(profile, _FORMER.get(group, ""))
    created: str = profile.attributes["created"]
    return created if held.get("consent") == "UNSUBSCRIBED" else None


def make(world: World) -> None:
    """Send what is planned, in the order of time, so that a bounce or a complaint ends what would have followed."""
    post = _Post(world)
    for sending in sorted(world.sendings, key=lambda one: one.at):
        if sending.at < world.now:
            post.send(sending)
    post.leave()


class _Post:
    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.random
        self.shop = visits.Shop(world)
        self.keen = {profile.id: world.random.betavariate(2, 3) for profile in world.lively}
        self.last: dict[tuple[str, str], PlannedEvent] = {}
        self.gone: set[str] = set()

    def send(self, sending: PlannedSend) -> None:
        profile, message, at = sending.profile, sending.message, sending.at
        held = _marketing(profile, message.channel)
        if profile.id in self.gone or not _reachable(held, message.channel, format_timestamp(at)):
            return
        told = self._told(profile, message)
        reason = next(
            (one["reason"] for one in held.get("suppression") or () if one["timestamp"] <= format_timestamp(at)), ""
        )
        if message.channel == "email" and (reason == "HARD_BOUNCE" or self.random.random() < 0.008):
            kind = "Hard" if reason else "Soft"
            self.world.happen("Bounced Email", profile, at, told | {"Bounce Type": kind})
            self._end(profile, held, reason, at)
            return
        if message.channel == "sms" and self.random.random() < 0.03:
            kind, source = self.random.choice(_FAILURES)
            failure = {"Failure Type": kind, "Failure Source": source}
            self.world.happen("Failed to Deliver SMS", profile, at, told | failure)
            return
        received = self.world.happen(f"Received {_NAMES[message.channel]}", profile, at, told)
        self.last[profile.id, message.channel] = received
        if reason == "SPAM_COMPLAINT":
            moment = at + timedelta(minutes=self.random.randrange(2, 600))
            self.world.happen("Marked Email as Spam", profile, moment, dict(told))
            self._end(profile, held, reason, moment)
            return
        self._answer(profile, message, received, told)

    def _end(self, profile: Record, held: dict[str, Any], reason: str, at: datetime) -> None:
        """A bounce or complaint is what the suppression on the profile dates from."""
        if not reason:
            return
        self.gone.add(profile.id)
        held["suppression"] = [{"reason": reason, "timestamp": format_timestamp(at)}]
        held["last_updated"] = format_timestamp(at)

    def _answer(self, profile: Record, message: Message, received: PlannedEvent, told: dict[str, Any]) -> None:
        """Open, click, visit: the likelier the keener the profile, and after a flow's message likelier still."""
        keen = self.keen[profile.id] + (0.1 if message.flow else 0)
        at = received.at + timedelta(minutes=self.random.expovariate(1 / 240) + 1)
        credit = received
        if message.channel != "sms":
            if self.random.random() > keen:
                return
            client, kind = self.random.choice(_CLIENTS)
            opened = told | ({"Client Name": client, "Client Type": kind} if message.channel == "email" else {})
            name = f"Opened {_NAMES[message.channel]}"
            credit = self.world.happen(name, profile, at, opened)
            if self.random.random() < 0.2:
                self.world.happen(name, profile, at + timedelta(hours=self.random.uniform(1, 40)), dict(opened))
        at += timedelta(minutes=self.random.uniform(0.2, 9))
        if message.channel != "mobile_push":
            if self.random.random() > (0.3 if message.channel == "email" else 0.12):
                return
            url = self.random.choice(("products/trl-201", "products/kit-304", "sale", "journal", "new"))
            clicked = told | {"URL": f"https://shop.example.com/{url}"}
            credit = self.world.happen(f"Clicked {_NAMES[message.channel]}", profile, at, clicked)
        if self.random.random() < 0.6:
            self.shop.visit(profile, at + timedelta(minutes=1), credit, eager=0.08)

    def leave(self) -> None:
        """Whoever unsubscribed did so from the last message before, at the time that their profile tells."""
        for profile in self.world.lively:
            for channel, metric in (("email", "Unsubscribed from Email"), ("sms", "Unsubscribed from SMS")):
                held = _marketing(profile, channel)
                if held.get("consent") != "UNSUBSCRIBED":
                    continue
                at = datetime.fromisoformat(held["consent_timestamp"])
                last = self.last.get((profile.id, channel))
                if last is None and at < self.world.since(profile):
                    continue
                told = dict(last.properties) if last else {"Method": "Preference page"}
                self.world.happen(metric, profile, at, told)

    def _told(self, profile: Record, message: Message) -> dict[str, Any]:
        told: dict[str, Any] = {"$message": message.id, "Message Name": message.label or message.name}
        if message.flow:
            told["$flow"] = message.flow
        else:
            told["Campaign Name"] = message.name
        if message.variation:
            told["$variation"] = message.id
        if message.channel == "email":
            return told | {"Subject": message.subject, "Email Domain": "example.com"}
        if message.channel == "sms":
            parts = 1 + len(message.subject) // 160
            told |= {"Message Body": message.subject, "Message Type": "SMS", "Segment Count": parts}
            return told | {"To Number": profile.attributes["phone_number"], "$usage_amount": parts}
        return told | {"Title": message.subject}


def _marketing(profile: Record, channel: str) -> dict[str, Any]:
    held: dict[str, Any] = (profile.attributes["subscriptions"].get(channel) or {}).get("marketing") or {}
    return held


def _reachable(held: dict[str, Any], channel: str, at: str) -> bool:
    """Whether a channel may have been used at a time, as far as consent goes."""
    since = held.get("consent_timestamp")
    if held.get("consent") == "UNSUBSCRIBED":
        return channel != "mobile_push" and at < held["consent_timestamp"]
    if held.get("consent") != "SUBSCRIBED" or not since or since > at:
        return False
    stops = ("USER_SUPPRESSED", "INVALID_EMAIL")
    return all(one["reason"] not in stops or one["timestamp"] > at for one in held.get("suppression") or ())
