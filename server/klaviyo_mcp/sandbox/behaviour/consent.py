"""Consent: profiles subscribed, unsubscribed, suppressed, and freed of a suppression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.jobs import start_job
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler, related_ids
from klaviyo_mcp.sandbox.behaviour.profiles import find_profile, never_subscribed, upsert_profile
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Record

_CAN_RECEIVE: Mapping[tuple[str, str], str] = {
    ("email", "marketing"): "can_receive_email_marketing",
    ("sms", "marketing"): "can_receive_sms_marketing",
    ("sms", "transactional"): "can_receive_sms_transactional",
    ("mobile_push", "marketing"): "can_receive_push_marketing",
}
"""The attribute of a channel and purpose that says whether it can be used."""
_MAX_PROFILES = {"subscribe": 1000, "unsubscribe": 100, "suppress": 100}


def _list_id(request: ApiRequest) -> str | None:
    ids = request.related_ids("list")
    request.relationships.require("list", ids, "/data/relationships/list/data/id")
    return ids[0] if ids else None


def _profile_resources(request: ApiRequest, verb: str) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = (request.attributes.get("profiles") or {}).get("data") or []
    if len(resources) > _MAX_PROFILES[verb]:
        raise invalid(f"At most {_MAX_PROFILES[verb]} profiles at once.", pointer="/data/attributes/profiles/data")
    return resources


def _consents(resource: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The consents that a profile in a body gives or withdraws: channel, purpose, and what the body says of them."""
    for channel, purposes in (resource["attributes"].get("subscriptions") or {}).items():
        for purpose, consent in purposes.items():
            if isinstance(consent, dict) and "consent" in consent:
                yield "mobile_push" if channel == "push" else channel, purpose, consent


def _subscription(profile: Record, channel: str, purpose: str) -> dict[str, Any]:
    """A profile's subscription to a channel, added where the profile has none."""
    subscriptions = profile.attributes.setdefault("subscriptions", never_subscribed())
    subscription: dict[str, Any] = subscriptions.setdefault(channel, {}).setdefault(purpose, {})
    return subscription


def _subscribe_profiles(request: ApiRequest) -> Answer:
    list_id = _list_id(request)
    for index, resource in enumerate(_profile_resources(request, "subscribe")):
        _check_address(resource, index)
        profile, _ = upsert_profile(request, resource)
        for channel, purpose, consent in _consents(resource):
            _subscribe(request, _subscription(profile, channel, purpose), channel, purpose, consent, list_id)
        request.store.touch(profile)
        if list_id is not None:
            request.store.join("list", list_id, profile.id)
    return request.answer_nothing()


def _subscribe(
    request: ApiRequest,
    subscription: dict[str, Any],
    channel: str,
    purpose: str,
    consent: Mapping[str, Any],
    list_id: str | None,
) -> None:
    now = request.store.timestamp()
    subscription["consent"] = "SUBSCRIBED"
    subscription["consent_timestamp"] = consent.get("consented_at") or now
    subscription[_CAN_RECEIVE.get((channel, purpose), "can_receive")] = True
    if channel != "mobile_push":
        subscription["last_updated"] = now
    if channel in ("email", "sms"):
        subscription |= {"method": "API", "method_detail": None}
    if (channel, purpose) == ("email", "marketing"):
        subscription["custom_method_detail"] = request.attributes.get("custom_source")
        subscription["double_optin"] = _asks_for_confirmation(request, list_id)
        subscription["suppression"] = _without(subscription, "UNSUBSCRIBE")
        subscription["can_receive_email_marketing"] = not subscription["suppression"]


def _without(subscription: Mapping[str, Any], reason: str) -> list[dict[str, Any]]:
    """A subscription's suppressions but those for this reason."""
    return [one for one in subscription.get("suppression") or () if one["reason"] != reason]


def _asks_for_confirmation(request: ApiRequest, list_id: str | None) -> bool:
    """Whether the list is double opt-in; a historical import needs no confirmation."""
    list_ = request.store.get("list", list_id) if list_id else None
    is_double = list_ is not None and list_.attributes.get("opt_in_process") == "double_opt_in"
    return is_double and not request.attributes.get("historical_import")


def _check_address(resource: Mapping[str, Any], index: int) -> None:
    attributes = resource["attributes"]
    pointer = f"/data/attributes/profiles/data/{index}/attributes"
    for channel, name in (("email", "email"), ("sms", "phone_number"), ("whatsapp", "phone_number")):
        if channel in (attributes.get("subscriptions") or {}) and not attributes.get(name) and not resource.get("id"):
            raise invalid(f"'{name}' is required to change consent for {channel}.", pointer=f"{pointer}/{name}")


def _unsubscribe_profiles(request: ApiRequest) -> Answer:
    """Take members off the list that is named; unsubscribe all others from the channel altogether."""
    list_id = _list_id(request)
    for resource in _profile_resources(request, "unsubscribe"):
        profile, _ = upsert_profile(request, resource)
        if list_id is not None and request.store.leave("list", list_id, profile.id):
            continue
        now = request.store.timestamp()
        for channel, purpose, _ in _consents(resource):
            subscription = _subscription(profile, channel, purpose)
            subscription |= {"consent": "UNSUBSCRIBED", "consent_timestamp": now}
            subscription[_CAN_RECEIVE.get((channel, purpose), "can_receive")] = False
            if channel != "mobile_push":
                subscription["last_updated"] = now
            if (channel, purpose) == ("email", "marketing"):
                _suppress(subscription, "UNSUBSCRIBE", now)
        request.store.touch(profile)
    return request.answer_nothing()


def _suppress(subscription: dict[str, Any], reason: str, now: str) -> None:
    suppressions = subscription.get("suppression") or []
    if all(one["reason"] != reason for one in suppressions):
        suppressions = [*suppressions, {"reason": reason, "timestamp": now}]
    subscription |= {"suppression": suppressions, "can_receive_email_marketing": False}


def _suppression_targets(request: ApiRequest) -> list[Record]:
    """The profiles of a suppression job: those named in the body, or the members of a list or segment."""
    resources = _profile_resources(request, "suppress")
    groups = [(type_, id_) for type_ in ("list", "segment") for id_ in request.related_ids(type_)]
    if bool(resources) == bool(groups):
        raise invalid("Give either profiles or one list or segment.", pointer="/data/attributes/profiles")
    targets: list[Record] = []
    for type_, id_ in groups:
        targets += request.relationships.records(request.record(type_, id_), "profiles")
    for resource in resources:
        profile = find_profile(request.store, resource["attributes"])
        if profile is not None or "create" in request.operation.path:
            targets.append(profile or upsert_profile(request, resource)[0])
    return targets


def _suppress_profiles(request: ApiRequest) -> Answer:
    targets = _suppression_targets(request)
    for profile in targets:
        _suppress(_subscription(profile, "email", "marketing"), "USER_SUPPRESSED", request.store.timestamp())
        request.store.touch(profile)
    return _answer_job(request, len(targets))


def _unsuppress_profiles(request: ApiRequest) -> Answer:
    """Lift the suppressions that a user of the account has set; an unsubscribe or a bounce stays."""
    targets = _suppression_targets(request)
    for profile in targets:
        subscription = _subscription(profile, "email", "marketing")
        suppressions = subscription["suppression"] = _without(subscription, "USER_SUPPRESSED")
        can_receive = not suppressions and subscription.get("consent") != "UNSUBSCRIBED"
        subscription["can_receive_email_marketing"] = can_receive
        request.store.touch(profile)
    return _answer_job(request, len(targets))


def _answer_job(request: ApiRequest, count: int) -> Answer:
    job = start_job(request, total_count=count)
    for type_ in ("list", "segment"):
        request.store.link(job, f"{type_}s", related_ids(request.data, type_))
    return request.answer_record(job)


HANDLERS: Mapping[str, Handler] = {
    "bulk_subscribe_profiles": _subscribe_profiles,
    "bulk_unsubscribe_profiles": _unsubscribe_profiles,
    "bulk_suppress_profiles": _suppress_profiles,
    "bulk_unsuppress_profiles": _unsuppress_profiles,
}
