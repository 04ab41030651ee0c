"""The facts that reports count: of messages of campaigns and flows, of forms, and of segments.

A fact of a message counts at the time when the message was sent. So Klaviyo's reports have it; its metric aggregates
count at the time of the event.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from klaviyo_mcp.sandbox.reporting.dimensions import EventDimensions, event_value
from klaviyo_mcp.sandbox.reporting.statistics import FORM_KINDS, MESSAGE_KINDS, SEND_KINDS
from klaviyo_mcp.sandbox.reporting.time_ranges import Buckets
from klaviyo_mcp.sandbox.state.store import Record, Store, linked_ids

Groupings = Mapping[str, str | list[str]]
"""What a report can group by and filter on; a list where a message has several values, such as tags."""

_CHANNELS = {"mobile_push": "push-notification", "push": "push-notification", "mobile-push": "push-notification"}


class Fact(NamedTuple):
    """One thing that a report counts. `at` is in seconds since the epoch."""

    groupings: Groupings
    kind: str
    at: float
    profile: str = ""
    amount: float = 0.0


class _MessageEvent(NamedTuple):
    """An event that is a fact of a message, before it is dated by the message's send."""

    groupings: Groupings
    kind: str
    message: str
    event: Record


def message_facts(store: Store, parent: str, conversion_metric_id: str) -> Iterator[Fact]:
    """The facts of the messages of campaigns or of flows (`parent`): sends, opens, clicks, …, and conversions."""
    events: list[_MessageEvent] = []
    send_times: dict[tuple[str, str], list[float]] = {}
    for one in _message_events(store, _Messages(store, parent), conversion_metric_id):
        events.append(one)
        if one.kind in SEND_KINDS:
            recipient = (one.message, str(one.event.links.get("profile")))
            send_times.setdefault(recipient, []).append(one.event.attributes["timestamp"])
    for times in send_times.values():
        times.sort()
    for groupings, kind, message, event in events:
        profile = str(event.links.get("profile"))
        at = _send_time(send_times.get((message, profile), ()), event.attributes["timestamp"])
        yield Fact(groupings, kind, at, profile, event_value(event))
        if kind == "delivered" and groupings["send_channel"] == "sms":
            segments = _number(event, "Segment Count", 1.0)
            yield Fact(groupings, "segments", at, profile, segments)
            yield Fact(groupings, "credits", at, profile, _number(event, "$usage_amount", segments))


def _message_events(store: Store, messages: _Messages, conversion_metric_id: str) -> Iterator[_MessageEvent]:
    for metric in store.all("metric"):
        kind = MESSAGE_KINDS.get(str(metric.attributes.get("name")))
        is_conversion = metric.id == conversion_metric_id
        for event in store.referring(metric.id, "event", "metric") if kind or is_conversion else ():
            message, groupings = messages.named_by(event)
            if kind and groupings:
                yield _MessageEvent(groupings, kind, message, event)
            if is_conversion:
                if not groupings:
                    message, groupings = messages.credited_by(event)
                if groupings:
                    yield _MessageEvent(groupings, "conversions", message, event)


def _send_time(times: Sequence[float], at: float) -> float:
    """The time of the last send before an event; of an event without a send, its own time."""
    return times[max(0, bisect_right(times, at) - 1)] if times else at


def form_facts(store: Store) -> Iterator[Fact]:
    """The facts of forms: views, closes, submits and so on."""
    cache: dict[tuple[str, str], Groupings] = {}
    for metric in store.all("metric"):
        kind = FORM_KINDS.get(str(metric.attributes.get("name")))
        for event in store.referring(metric.id, "event", "metric") if kind else ():
            properties = event.attributes["event_properties"] or {}
            form, version = str(properties.get("form_id") or ""), str(properties.get("form_version_id") or "")
            if kind and store.get("form", form) is not None:
                groupings = cache.setdefault((form, version), {"form_id": form, "form_version_id": version})
                at = event.attributes["timestamp"]
                yield Fact(groupings, kind, at, str(event.links.get("profile")), event_value(event))


def segment_facts(store: Store, buckets: Buckets) -> Iterator[Fact]:
    """The facts of segments: each member that joined or left, and how many there were at the end of each bucket."""
    for segment in store.all("segment"):
        groupings: Groupings = {"segment_id": segment.id}
        members = store.members("segment", segment.id)
        departures = store.departures("segment", segment.id)
        joined = sorted([*((_seconds(at), one) for one, at in members.items()),
                         *((_seconds(one.joined_at), one.profile_id) for one in departures)])  # fmt: skip
        left = sorted((_seconds(one.left_at), one.profile_id) for one in departures)
        for kind, changes in (("added", joined), ("removed", left)):
            for at, profile in changes:
                yield Fact(groupings, kind, at, profile)
        for start, end in zip(buckets.starts, buckets.ends(), strict=True):
            # A bucket does not contain its end: who joins then counts in the next one.
            count = bisect_left(joined, (end,)) - bisect_left(left, (end,))
            yield Fact(groupings, "members", max(start, buckets.time_range.start), "", count)


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _number(event: Record, name: str, default: float) -> float:
    value = (event.attributes["event_properties"] or {}).get(name)
    return float(value) if isinstance(value, int | float) else default


class _Messages:
    """The groupings of the messages of campaigns, or of flows (`parent`)."""

    def __init__(self, store: Store, parent: str) -> None:
        self.store = store
        self.parent = parent
        self.dimensions = EventDimensions(store)
        self._cache: dict[tuple[str, str], Groupings | None] = {}

    def named_by(self, event: Record) -> tuple[str, Groupings | None]:
        """The message that an event is about, and its groupings; None where it is no message of this parent."""
        message = self.dimensions.value(event, "$message")
        return message, self._groupings(message, self.dimensions.value(event, "$variation"))

    def credited_by(self, event: Record) -> tuple[str, Groupings | None]:
        """The message that an event is attributed to, and its groupings."""
        source_id = self.dimensions.attributed_id(event, "attributed-event")
        source = self.store.get("event", source_id) if source_id else None
        variation = self.dimensions.value(source, "$variation") if source else ""
        message = self.dimensions.value(event, "$attributed_message")
        return message, self._groupings(message, variation or self.dimensions.value(event, "$attributed_variation"))

    def _groupings(self, message_id: str, variation: str) -> Groupings | None:
        key = (message_id, variation)
        if key not in self._cache:
            message = self.store.get(f"{self.parent}-message", message_id)
            self._cache[key] = self._build_groupings(message, variation) if message else None
        return self._cache[key]

    def _build_groupings(self, message: Record, variation: str) -> Groupings:
        parent = self._parent_of(message)
        attributes = parent.attributes if parent else {}
        channel = str(message.attributes.get("channel") or "").lower()
        version = self.store.get(f"{self.parent}-message", variation)
        audiences = (attributes.get("audiences") or {}).get("included") or []
        tags = self._names(("tag",), linked_ids(parent.links.get("tags")) if parent else [])
        groups = self._names(("list", "segment"), [str(id_) for id_ in audiences])
        return {
            f"{self.parent}_id": parent.id if parent else "",
            f"{self.parent}_name": str(attributes.get("name") or ""),
            f"{self.parent}_message_id": message.id,
            f"{self.parent}_message_name": _message_name(message),
            "send_channel": _CHANNELS.get(channel, channel),
            "text_message_format": _text_message_format(message, channel),
            "variation": variation,
            "variation_name": _message_name(version) if version else variation,
            "tag_id": list(tags),
            "tag_name": list(tags.values()),
            "group": list(groups),
            "group_name": list(groups.values()),
        }

    def _parent_of(self, message: Record) -> Record | None:
        """The campaign of a message, or the flow of its action."""
        if self.parent == "campaign":
            return self.store.get("campaign", str(message.links.get("campaign")))
        action = self.store.get("flow-action", str(message.links.get("flow-action")))
        return self.store.get("flow", str(action.links.get("flow"))) if action else None

    def _names(self, types: Sequence[str], ids: list[str]) -> dict[str, str]:
        """The names of the records with these ids, of any of the types; empty where a record is gone."""
        names = {}
        for id_ in ids:
            records = (self.store.get(type_, id_) for type_ in types)
            names[id_] = next((str(record.attributes["name"]) for record in records if record), "")
        return names


def _message_name(message: Record) -> str:
    definition = message.attributes.get("definition") or {}
    return str(message.attributes.get("label") or definition.get("label") or definition.get("name") or "")


def _text_message_format(message: Record, channel: str) -> str:
    if channel != "sms":
        return ""
    contents = (message.attributes.get("content"), (message.attributes.get("definition") or {}).get("content"))
    return "mms" if any(one and (one.get("media_url") or one.get("image_id")) for one in contents) else "sms"
