"""Profiles: found by their identifiers, made, changed, merged, imported, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.engine import Answer, Call, Handler, complete, start_job
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.state.store import IDENTIFIERS, Record, Store

_LOCATION = ("address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip")
_TRACKING = frozenset({"_kx", "anonymous_id", "meta", "subscriptions", "age_gated_date_of_birth"})


def find(store: Store, attributes: Mapping[str, Any], id_: str | None = None) -> Record | None:
    """The profile that an id or one of the identifiers in these attributes belongs to."""
    if id_ and (known := store.get("profile", id_)):
        return known
    for name in IDENTIFIERS:
        if value := attributes.get(name):
            known = store.find_profile(name, value)
            if known is not None:
                return known
    return None


def _refuse_duplicate(store: Store, attributes: Mapping[str, Any], own_id: str = "") -> None:
    for name in IDENTIFIERS:
        other = store.find_profile(name, attributes[name]) if attributes.get(name) else None
        if other is not None and other.id != own_id:
            raise KlaviyoError(
                409,
                "duplicate_profile",
                "Conflict.",
                "A profile already exists with one of these identifiers.",
                "/data/attributes",
                meta={"duplicate_profile_id": other.id},
            )


def add(call: Call, attributes: Mapping[str, Any], id_: str | None = None) -> Record:
    """A new profile with everything that Klaviyo answers of one."""
    held: dict[str, Any] = dict.fromkeys((*IDENTIFIERS, "first_name", "last_name"))
    held |= {"location": dict.fromkeys(_LOCATION), "properties": {}, "subscriptions": never_subscribed()}
    record = Record("profile", id_ or call.store.new_id("profile"), held)
    change(call, record, attributes)
    complete(call.contract, call.store, record)
    record.attributes.pop("joined_group_at", None)
    return call.store.add(record)


def change(call: Call, record: Record, attributes: Mapping[str, Any], patch: Mapping[str, Any] | None = None) -> None:
    """Set what is given: null clears, location and properties are merged; then apply `patch` to the properties."""
    held = record.attributes
    for name, value in attributes.items():
        if name in ("location", "properties") and isinstance(value, dict):
            held[name] = {**(held.get(name) or {}), **value}
        elif name == "properties":
            held[name] = {}
        elif name not in _TRACKING:
            held[name] = value
    if patch:
        held["properties"] = patched(held.get("properties") or {}, patch)
    held["updated"] = call.store.timestamp()
    if call.store.get("profile", record.id) is record:
        call.store.touch(record)


def patched(properties: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Properties after a `patch_properties`: append adds to a list, unappend takes from it, unset removes the key."""
    result = dict(properties)
    for name, value in (patch.get("append") or {}).items():
        held = _listed(result.get(name))
        result[name] = held + [one for one in _listed(value) if one not in held]
    for name, value in (patch.get("unappend") or {}).items():
        if name in result:
            gone = _listed(value)
            result[name] = [one for one in _listed(result[name]) if one not in gone]
    for name in _listed(patch.get("unset")):
        result.pop(name, None)
    return result


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _patch_of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return (resource.get("meta") or {}).get("patch_properties") or {}


def upsert(call: Call, resource: Mapping[str, Any]) -> tuple[Record, bool]:
    """The profile that a resource in a body speaks of, made or changed, and whether it is new. Raises KlaviyoError."""
    attributes = resource.get("attributes") or {}
    id_ = resource.get("id")
    record = find(call.store, attributes, id_)
    if record is None:
        if not id_ and not any(attributes.get(name) for name in (*IDENTIFIERS, "anonymous_id", "_kx")):
            raise invalid("A profile needs an id, email, phone_number or external_id.", pointer="/data/attributes")
        record, new = add(call, attributes, id_), True
        change(call, record, {}, _patch_of(resource))
    else:
        change(
            call,
            record,
            {k: v for k, v in attributes.items() if v is not None or k == "properties"},
            _patch_of(resource),
        )
        new = False
    return record, new


def never_subscribed() -> dict[str, Any]:
    """The subscriptions of a profile that nobody ever asked."""
    times = {"consent_timestamp": None, "last_updated": None, "method": None, "method_detail": None}
    return {
        "email": {
            "marketing": {
                "can_receive_email_marketing": True,
                "consent": "NEVER_SUBSCRIBED",
                **times,
                "custom_method_detail": None,
                "double_optin": None,
                "suppression": [],
                "list_suppressions": [],
            }
        },
        "sms": {
            "marketing": {"can_receive_sms_marketing": False, "consent": "NEVER_SUBSCRIBED", **times},
            "transactional": {"can_receive_sms_transactional": False, "consent": "NEVER_SUBSCRIBED", **times},
        },
        "mobile_push": {
            "marketing": {"can_receive_push_marketing": False, "consent": "NEVER_SUBSCRIBED", "consent_timestamp": None}
        },
    }


def _create(call: Call) -> Answer:
    attributes = call.attributes
    if not any(attributes.get(name) for name in IDENTIFIERS):
        raise invalid("One of email, phone_number or external_id is required.", pointer="/data/attributes")
    _refuse_duplicate(call.store, attributes)
    return call.one(add(call, attributes))


def _update(call: Call) -> Answer:
    record = call.record("profile")
    _refuse_duplicate(call.store, call.attributes, record.id)
    change(call, record, call.attributes, _patch_of(call.data))
    return call.one(record)


def _create_or_update(call: Call) -> Answer:
    record, new = upsert(call, call.data)
    return call.one(record, 201 if new else 200)


def _merge(call: Call) -> Answer:
    """The sources' memberships, events, and values that the survivor lacks pass to it; then they are gone."""
    survivor = call.record("profile", call.data["id"])
    sources = call.related("profiles")
    if len(sources) != 1:
        raise invalid("Exactly one source profile can be merged.", pointer="/data/relationships/profiles/data")
    if survivor.id in sources:
        raise invalid("A profile cannot be merged into itself.", pointer="/data/relationships/profiles/data")
    for source in [call.record("profile", id_) for id_ in sources]:
        for kind in ("list", "segment"):
            for group in call.store.groups(kind, source.id):
                call.store.join(kind, group, survivor.id, call.store.members(kind, group)[source.id])
        for other, name in call.store.references(source.id):
            if other.links[name] == source.id:
                call.store.link(other, name, survivor.id)
        call.relations.delete(source)
        held = survivor.attributes
        lacking = {k: v for k, v in source.attributes.items() if v is not None and held.get(k) is None}
        lacking["properties"] = {**(source.attributes.get("properties") or {}), **(held.get("properties") or {})}
        change(call, survivor, lacking)
    return call.one(survivor)


def _import(call: Call) -> Answer:
    """Upsert every profile and put it on the lists; one without identifier fails and leaves an import error."""
    lists = call.related("lists")
    call.relations.require("list", lists, "/data/relationships/lists/data")
    resources = call.attributes["profiles"]["data"]
    if not 0 < len(resources) <= 10_000:
        raise invalid("Between 1 and 10000 profiles can be imported at once.", pointer="/data/attributes/profiles/data")
    imported: list[str] = []
    failed: list[str] = []
    for number, resource in enumerate(resources):
        try:
            record, _ = upsert(call, resource)
        except KlaviyoError as error:
            failed.append(_import_error(call, error, number, resource))
            continue
        imported.append(record.id)
        for list_id in lists:
            call.store.join("list", list_id, record.id)
    job = start_job(call, failed=failed, total_count=len(resources))
    for name, ids in (("profiles", imported), ("lists", lists), ("import-errors", failed)):
        call.store.link(job, name, list(dict.fromkeys(ids)))
    return call.one(job)


def _import_error(call: Call, error: KlaviyoError, number: int, resource: Mapping[str, Any]) -> str:
    attributes = {
        "code": error.code,
        "title": error.title,
        "detail": error.detail,
        "source": {"pointer": f"/data/attributes/profiles/data/{number}/attributes"},
        "original_payload": resource.get("attributes") or {},
    }
    return call.store.add(Record("import-error", call.store.new_id("import-error"), attributes)).id


def _delete(call: Call) -> Answer:
    """A privacy deletion: the profile with its events and tokens."""
    named = call.attributes["profile"]["data"]
    record = find(call.store, named.get("attributes") or {}, named.get("id"))
    if record is not None:
        for id_ in list(call.store.referring_ids(record.id, "event").get("profile", ())):
            event = call.store.get("event", id_)
            if event is not None:
                call.relations.delete(event)
        call.relations.delete(record)
    return call.done()


def _push_token(call: Call) -> Answer:
    attributes = dict(call.attributes)
    profile, _ = upsert(call, attributes.pop("profile")["data"])
    for token in call.relations.records(profile, "push-tokens"):
        if token.attributes["token"] == attributes["token"]:
            call.relations.delete(token)
    metadata = attributes.pop("device_metadata", None)
    held = {"recorded_date": call.store.timestamp(), "metadata": metadata, "background": "AVAILABLE"} | attributes
    held["enablement_status"] = held.get("enablement_status") or "AUTHORIZED"
    token = Record("push-token", call.store.new_id("push-token"), held, {"profile": profile.id})
    complete(call.contract, call.store, token)
    call.store.add(token)
    return call.done()


HANDLERS: Mapping[str, Handler] = {
    "create_profile": _create,
    "update_profile": _update,
    "create_or_update_profile": _create_or_update,
    "merge_profiles": _merge,
    "bulk_import_profiles": _import,
    "request_profile_deletion": _delete,
    "create_push_token": _push_token,
}
