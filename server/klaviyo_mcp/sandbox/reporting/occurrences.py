"""What reports count: happenings to the messages of campaigns and flows, to forms, and to segments.

What was done with a message counts at the time when it was sent, as Klaviyo's reports have it (and its metric
aggregates have not).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from klaviyo_mcp.sandbox.reporting.dimensions import Dimensions
from klaviyo_mcp.sandbox.reporting.periods import Buckets
from klaviyo_mcp.sandbox.reporting.statistics import FORM_KINDS, KINDS, SENDING
from klaviyo_mcp.sandbox.state.store import Record, Store, linked_ids

Facts = Mapping[str, str | list[str]]
"""What a report can group by and filter on; a list where a thing has several, such as tags."""

_CHANNELS = {"mobile_push": "push-notification", "push": "push-notification", "mobile-push": "push-notification"}


class Occurrence(NamedTuple):
    facts: Facts
    kind: str
    at: float
    profile: str = ""
    amount: float = 0.0


def of_messages(store: Store, part: str, conversion_metric_id: str) -> Iterator[Occurrence]:
    """Of every message of a `campaign` or a `flow`: sends, opens, clicks and so on, and conversions."""
    known = _Messages(store, part)
    happened: list[tuple[Facts, str, str, Record]] = []
    sent: dict[tuple[str, str], list[float]] = {}
    for metric in store.all("metric"):
        kind = KINDS.get(str(metric.attributes.get("name")))
        for event in _events(store, metric.id) if kind or metric.id == conversion_metric_id else ():
            message, facts = known.named_by(event)
            if kind and facts:
                happened.append((facts, kind, message, event))
                if kind in SENDING:
                    person = (message, str(event.links.get("profile")))
                    sent.setdefault(person, []).append(event.attributes["timestamp"])
            if metric.id == conversion_metric_id:
                message, facts = known.credited_by(event) if not facts else (message, facts)
                if facts:
                    happened.append((facts, "conversions", message, event))
    for times in sent.values():
        times.sort()
    for facts, kind, message, event in happened:
        profile = str(event.links.get("profile"))
        at = _sent_at(sent.get((message, profile), ()), event.attributes["timestamp"])
        yield Occurrence(facts, kind, at, profile, Dimensions.worth(event))
        if kind == "delivered" and facts["send_channel"] == "sms":
            segments = _number(event, "Segment Count", 1.0)
            yield Occurrence(facts, "segments", at, profile, segments)
            yield Occurrence(facts, "credits", at, profile, _number(event, "$usage_amount", segments))


def _sent_at(times: Sequence[float], at: float) -> float:
    """When the message was sent that was the last one before a time; that time itself when none was."""
    return times[max(0, bisect_right(times, at) - 1)] if times else at


def of_forms(store: Store) -> Iterator[Occurrence]:
    """Of every form: how often it was seen, closed and submitted."""
    cache: dict[tuple[str, str], Facts] = {}
    for metric in store.all("metric"):
        kind = FORM_KINDS.get(str(metric.attributes.get("name")))
        for event in _events(store, metric.id) if kind else ():
            told = event.attributes["event_properties"] or {}
            form, version = str(told.get("form_id") or ""), str(told.get("form_version_id") or "")
            if kind and store.get("form", form) is not None:
                facts = cache.setdefault((form, version), {"form_id": form, "form_version_id": version})
                at = event.attributes["timestamp"]
                yield Occurrence(facts, kind, at, str(event.links.get("profile")), Dimensions.worth(event))


def of_segments(store: Store, buckets: Buckets) -> Iterator[Occurrence]:
    """Of every segment: who came into it, and how many were in it at the end of each bucket.

    The store remembers nobody who left, so that all who are in a segment have been since they joined.
    """
    for segment in store.all("segment"):
        facts: Facts = {"segment_id": segment.id}
        joined = sorted(
            (datetime.fromisoformat(at).timestamp(), profile)
            for profile, at in store.members("segment", segment.id).items()
        )
        times = [at for at, _ in joined]
        for at, profile in joined:
            yield Occurrence(facts, "added", at, profile)
        for start, end in zip(buckets.starts, buckets.ends(), strict=True):
            # Who joins at the very end belongs to what comes next.
            members = bisect_right(times, end - 1e-6)
            yield Occurrence(facts, "members", max(start, buckets.span.start), "", members)


def _events(store: Store, metric_id: str) -> Iterator[Record]:
    for id_ in store.referring_ids(metric_id, "event").get("metric", ()):
        event = store.get("event", id_)
        if event is not None:
            yield event


def _number(event: Record, name: str, otherwise: float) -> float:
    value = (event.attributes["event_properties"] or {}).get(name)
    return float(value) if isinstance(value, int | float) else otherwise


class _Messages:
    """What is to be told of each message of campaigns, or of flows."""

    def __init__(self, store: Store, part: str) -> None:
        self.store = store
        self.part = part
        self.dimensions = Dimensions(store)
        self._known: dict[tuple[str, str], Facts | None] = {}

    def named_by(self, event: Record) -> tuple[str, Facts | None]:
        """The message that an event is about, and its facts; None when it is not one of these."""
        message = self.dimensions.value(event, "$message")
        return message, self._facts(message, self.dimensions.value(event, "$variation"))

    def credited_by(self, event: Record) -> tuple[str, Facts | None]:
        """The message that an event is attributed to."""
        credit = self.dimensions.attributed(event, "attributed-event")
        source = self.store.get("event", credit) if credit else None
        variation = self.dimensions.value(source, "$variation") if source else ""
        message = self.dimensions.value(event, "$attributed_message")
        return message, self._facts(message, variation or self.dimensions.value(event, "$attributed_variation"))

    def _facts(self, message_id: str, variation: str) -> Facts | None:
        key = (message_id, variation)
        if key not in self._known:
            message = self.store.get(f"{self.part}-message", message_id)
            self._known[key] = self._tell(message, variation) if message else None
        return self._known[key]

    def _tell(self, message: Record, variation: str) -> Facts:
        whole = self._whole(message)
        held = whole.attributes if whole else {}
        channel = str(message.attributes.get("channel") or "").lower()
        version = self.store.get(f"{self.part}-message", variation)
        audiences = (held.get("audiences") or {}).get("included") or []
        tags = self._named("tag", linked_ids(whole.links.get("tags")) if whole else [])
        groups = self._named("list segment", [str(id_) for id_ in audiences])
        return {
            f"{self.part}_id": whole.id if whole else "",
            f"{self.part}_name": str(held.get("name") or ""),
            f"{self.part}_message_id": message.id,
            f"{self.part}_message_name": _label(message),
            "send_channel": _CHANNELS.get(channel, channel),
            "text_message_format": _format(message, channel),
            "variation": variation,
            "variation_name": _label(version) if version else variation,
            "tag_id": list(tags),
            "tag_name": list(tags.values()),
            "group": list(groups),
            "group_name": list(groups.values()),
        }

    def _whole(self, message: Record) -> Record | None:
        """The campaign of a message, or the flow that it is an action of."""
        if self.part == "campaign":
            return self.store.get("campaign", str(message.links.get("campaign")))
        action = self.store.get("flow-action", str(message.links.get("flow-action")))
        return self.store.get("flow", str(action.links.get("flow"))) if action else None

    def _named(self, types: str, ids: list[str]) -> dict[str, str]:
        """The names of what ids stand for, in any of these types; empty for what is gone."""
        found = {id_: [self.store.get(type_, id_) for type_ in types.split()] for id_ in ids}
        return {id_: next((str(one.attributes["name"]) for one in some if one), "") for id_, some in found.items()}


def _label(message: Record) -> str:
    definition = message.attributes.get("definition") or {}
    return str(message.attributes.get("label") or definition.get("label") or definition.get("name") or "")


def _format(message: Record, channel: str) -> str:
    if channel != "sms":
        return ""
    contents = (message.attributes.get("content"), (message.attributes.get("definition") or {}).get("content"))
    return "mms" if any(one and (one.get("media_url") or one.get("image_id")) for one in contents) else "sms"
