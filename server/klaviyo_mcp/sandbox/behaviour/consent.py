"""Consent: subscribing, unsubscribing, suppressing, and lifting a suppression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.engine import Answer, Call, Handler, linked, start_job
from klaviyo_mcp.sandbox.behaviour.people import find, never_subscribed, upsert
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Record

_CAN: Mapping[tuple[str, str], str] = {
    ("email", "marketing"): "can_receive_email_marketing",
    ("sms", "marketing"): "can_receive_sms_marketing",
    ("sms", "transactional"): "can_receive_sms_transactional",
    ("mobile_push", "marketing"): "can_receive_push_marketing",
}
_MOST = {"subscribe": 1000, "unsubscribe": 100, "suppress": 100}


def _list(call: Call) -> str | None:
    ids = linked(call.data, "list")
    call.relations.require("list", ids, "/data/relationships/list/data/id")
    return ids[0] if ids else None


def _profiles(call: Call, verb: str) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = (call.attributes.get("profiles") or {}).get("data") or []
    if len(resources) > _MOST[verb]:
        raise invalid(f"At most {_MOST[verb]} profiles at once.", pointer="/data/attributes/profiles/data")
    return resources


def _channels(resource: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Each channel and kind of message that a profile in a consent job names, with what it says."""
    for channel, kinds in (resource["attributes"].get("subscriptions") or {}).items():
        for kind, consent in kinds.items():
            if isinstance(consent, dict) and "consent" in consent:
                yield "mobile_push" if channel == "push" else channel, kind, consent


def _held(record: Record, channel: str, kind: str) -> dict[str, Any]:
    """What a profile's subscriptions hold of a channel, made where it is missing."""
    subscriptions = record.attributes.setdefault("subscriptions", never_subscribed())
    held: dict[str, Any] = subscriptions.setdefault(channel, {}).setdefault(kind, {})
    return held


def _subscribe(call: Call) -> Answer:
    list_id = _list(call)
    for number, resource in enumerate(_profiles(call, "subscribe")):
        _need_address(resource, number)
        record, _ = upsert(call, resource)
        for channel, kind, consent in _channels(resource):
            held = _held(record, channel, kind)
            now = call.store.timestamp()
            held["consent"] = "SUBSCRIBED"
            held["consent_timestamp"] = consent.get("consented_at") or now
            held[_CAN.get((channel, kind), "can_receive")] = True
            if channel != "mobile_push":
                held |= {"last_updated": now}
            if channel in ("email", "sms"):
                held |= {"method": "API", "method_detail": None}
            if (channel, kind) == ("email", "marketing"):
                held |= {
                    "custom_method_detail": call.attributes.get("custom_source"),
                    "double_optin": _double(call, list_id),
                }
                held["suppression"] = [one for one in held.get("suppression") or () if one["reason"] != "UNSUBSCRIBE"]
                held["can_receive_email_marketing"] = not held["suppression"]
        call.store.touch(record)
        if list_id is not None:
            call.store.join("list", list_id, record.id)
    return call.done()


def _double(call: Call, list_id: str | None) -> bool:
    """Whether the list asks for a confirming click, which a historical import does without."""
    subscribed = call.store.get("list", list_id) if list_id else None
    double = subscribed is not None and subscribed.attributes.get("opt_in_process") == "double_opt_in"
    return double and not call.attributes.get("historical_import")


def _need_address(resource: Mapping[str, Any], number: int) -> None:
    attributes = resource["attributes"]
    pointer = f"/data/attributes/profiles/data/{number}/attributes"
    for channel, name in (("email", "email"), ("sms", "phone_number"), ("whatsapp", "phone_number")):
        if channel in (attributes.get("subscriptions") or {}) and not attributes.get(name) and not resource.get("id"):
            raise invalid(f"'{name}' is required to change consent for {channel}.", pointer=f"{pointer}/{name}")


def _unsubscribe(call: Call) -> Answer:
    """Off the list when the profile is on it; from the channel altogether when it is not, or no list is named."""
    list_id = _list(call)
    for resource in _profiles(call, "unsubscribe"):
        record, _ = upsert(call, resource)
        if list_id is not None and call.store.leave("list", list_id, record.id):
            continue
        now = call.store.timestamp()
        for channel, kind, _ in _channels(resource):
            held = _held(record, channel, kind)
            held |= {
                "consent": "UNSUBSCRIBED",
                "consent_timestamp": now,
                _CAN.get((channel, kind), "can_receive"): False,
            }
            if channel != "mobile_push":
                held["last_updated"] = now
            if (channel, kind) == ("email", "marketing"):
                _suppress_email(held, "UNSUBSCRIBE", now)
        call.store.touch(record)
    return call.done()


def _suppress_email(held: dict[str, Any], reason: str, now: str) -> None:
    suppressions = held.get("suppression") or []
    if all(one["reason"] != reason for one in suppressions):
        suppressions = [*suppressions, {"reason": reason, "timestamp": now}]
    held |= {"suppression": suppressions, "can_receive_email_marketing": False}


def _targets(call: Call) -> list[Record]:
    """The profiles of a suppression job: those named by address, or a list's or segment's members."""
    resources = _profiles(call, "suppress")
    groups = [(kind, id_) for kind in ("list", "segment") for id_ in linked(call.data, kind)]
    if bool(resources) == bool(groups):
        raise invalid("Give either profiles or one list or segment.", pointer="/data/attributes/profiles")
    found: list[Record] = []
    for kind, id_ in groups:
        group = call.record(kind, id_)
        found += call.relations.records(group, "profiles")
    for resource in resources:
        known = find(call.store, resource["attributes"])
        if known is not None or "create" in call.operation.path:
            found.append(known or upsert(call, resource)[0])
    return found


def _suppress(call: Call) -> Answer:
    targets = _targets(call)
    for record in targets:
        _suppress_email(_held(record, "email", "marketing"), "USER_SUPPRESSED", call.store.timestamp())
        call.store.touch(record)
    return _job(call, len(targets))


def _unsuppress(call: Call) -> Answer:
    """Lift what a person of the account set; an unsubscribe or a bounce stays."""
    targets = _targets(call)
    for record in targets:
        held = _held(record, "email", "marketing")
        held["suppression"] = [one for one in held.get("suppression") or () if one["reason"] != "USER_SUPPRESSED"]
        held["can_receive_email_marketing"] = not held["suppression"] and held.get("consent") != "UNSUBSCRIBED"
        call.store.touch(record)
    return _job(call, len(targets))


def _job(call: Call, count: int) -> Answer:
    job = start_job(call, total_count=count)
    for kind in ("list", "segment"):
        call.store.link(job, f"{kind}s", linked(call.data, kind))
    return call.one(job)


HANDLERS: Mapping[str, Handler] = {
    "bulk_subscribe_profiles": _subscribe,
    "bulk_unsubscribe_profiles": _unsubscribe,
    "bulk_suppress_profiles": _suppress,
    "bulk_unsuppress_profiles": _unsuppress,
}
