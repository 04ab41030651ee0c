"""Profiles: found by their identifiers, created, updated, merged, imported and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.jobs import start_job
from klaviyo_mcp.sandbox.api.patches import apply_patch
from klaviyo_mcp.sandbox.api.records import fill_defaults
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.state.store import IDENTIFIERS, Record, Store

MAX_IMPORTED_PROFILES = 10_000
_LOCATION = ("address1", "address2", "city", "country", "latitude", "longitude", "region", "zip", "timezone", "ip")
_NOT_STORED = frozenset({"_kx", "anonymous_id", "meta", "subscriptions", "age_gated_date_of_birth"})
"""Attributes of requests that identify or instruct, and are not the profile's own."""


def find_profile(store: Store, attributes: Mapping[str, Any], id_: str | None = None) -> Record | None:
    """The profile with this id, or with one of the identifiers among these attributes."""
    if id_ and (profile := store.get("profile", id_)):
        return profile
    for name in IDENTIFIERS:
        if value := attributes.get(name):
            profile = store.find_profile(name, value)
            if profile is not None:
                return profile
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


def add_profile(request: ApiRequest, attributes: Mapping[str, Any], id_: str | None = None) -> Record:
    """Store a new profile with every attribute that Klaviyo answers with."""
    empty: dict[str, Any] = dict.fromkeys((*IDENTIFIERS, "first_name", "last_name"))
    empty |= {"location": dict.fromkeys(_LOCATION), "properties": {}, "subscriptions": never_subscribed()}
    record = Record("profile", id_ or request.store.new_id("profile"), empty)
    update_profile(request, record, attributes)
    fill_defaults(request.contract, request.store, record)
    record.attributes.pop("joined_group_at", None)
    return request.store.add(record)


def update_profile(
    request: ApiRequest,
    record: Record,
    attributes: Mapping[str, Any],
    property_patch: Mapping[str, Any] | None = None,
) -> None:
    """Set attributes, of which null clears, and then patch the properties (`patch_properties`)."""
    changes = {name: value for name, value in attributes.items() if name not in _NOT_STORED}
    if "properties" in changes and not isinstance(changes["properties"], dict):
        changes.pop("properties")
        record.attributes["properties"] = {}
    apply_patch("profile", record.attributes, changes)
    if isinstance(changes.get("location"), Mapping):
        record.attributes["location"] = {**dict.fromkeys(_LOCATION), **changes["location"]}
    if property_patch:
        record.attributes["properties"] = patch_properties(record.attributes.get("properties") or {}, property_patch)
    record.attributes["updated"] = request.store.timestamp()
    if request.store.get("profile", record.id) is record:
        request.store.touch(record)


def patch_properties(properties: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Patch properties: `append` adds to a list, `unappend` takes from it, `unset` removes the key."""
    patched = dict(properties)
    for name, value in (patch.get("append") or {}).items():
        items = _as_list(patched.get(name))
        patched[name] = items + [one for one in _as_list(value) if one not in items]
    for name, value in (patch.get("unappend") or {}).items():
        if name in patched:
            removed = _as_list(value)
            patched[name] = [one for one in _as_list(patched[name]) if one not in removed]
    for name in _as_list(patch.get("unset")):
        patched.pop(name, None)
    return patched


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _property_patch(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return (resource.get("meta") or {}).get("patch_properties") or {}


def upsert_profile(request: ApiRequest, resource: Mapping[str, Any]) -> tuple[Record, bool]:
    """Create or update the profile that a resource in a body describes; whether it is new comes second.

    Raises KlaviyoError (400) for a resource without an id and without identifiers.
    """
    attributes = resource.get("attributes") or {}
    id_ = resource.get("id")
    record = find_profile(request.store, attributes, id_)
    if record is not None:
        changes = {name: value for name, value in attributes.items() if value is not None or name == "properties"}
        if isinstance(changes.get("location"), Mapping):
            # An upsert is no PATCH of a record that the caller could have read: it leaves what it does not name.
            changes["location"] = {**(record.attributes.get("location") or {}), **changes["location"]}
        update_profile(request, record, changes, _property_patch(resource))
        return record, False
    if not id_ and not any(attributes.get(name) for name in (*IDENTIFIERS, "anonymous_id", "_kx")):
        raise invalid("A profile needs an id, email, phone_number or external_id.", pointer="/data/attributes")
    record = add_profile(request, attributes, id_)
    update_profile(request, record, {}, _property_patch(resource))
    return record, True


def never_subscribed() -> dict[str, Any]:
    """The subscriptions of a profile that has neither given nor refused consent."""
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


def _create_profile(request: ApiRequest) -> Answer:
    attributes = request.attributes
    if not any(attributes.get(name) for name in IDENTIFIERS):
        raise invalid("One of email, phone_number or external_id is required.", pointer="/data/attributes")
    _refuse_duplicate(request.store, attributes)
    return request.answer_record(add_profile(request, attributes))


def _update_profile(request: ApiRequest) -> Answer:
    record = request.record("profile")
    _refuse_duplicate(request.store, request.attributes, record.id)
    update_profile(request, record, request.attributes, _property_patch(request.data))
    return request.answer_record(record)


def _create_or_update_profile(request: ApiRequest) -> Answer:
    record, is_new = upsert_profile(request, request.data)
    return request.answer_record(record, 201 if is_new else 200)


def _merge_profiles(request: ApiRequest) -> Answer:
    """Move memberships, events and the values that the surviving profile lacks from the source, and delete that."""
    survivor = request.record("profile", request.data["id"])
    sources = request.related_ids("profiles")
    if len(sources) != 1:
        raise invalid("Exactly one source profile can be merged.", pointer="/data/relationships/profiles/data")
    if survivor.id in sources:
        raise invalid("A profile cannot be merged into itself.", pointer="/data/relationships/profiles/data")
    source = request.record("profile", sources[0])
    for group_type in ("list", "segment"):
        for group_id in request.store.groups(group_type, source.id):
            joined_at = request.store.members(group_type, group_id)[source.id]
            request.store.join(group_type, group_id, survivor.id, joined_at)
    for other, name in request.store.references(source.id):
        if other.links[name] == source.id:
            request.store.link(other, name, survivor.id)
    request.relationships.delete(source)
    own, lost = survivor.attributes, source.attributes
    gained = {name: value for name, value in lost.items() if value is not None and own.get(name) is None}
    gained["properties"] = {**(lost.get("properties") or {}), **(own.get("properties") or {})}
    update_profile(request, survivor, gained)
    return request.answer_record(survivor)


def _import_profiles(request: ApiRequest) -> Answer:
    """Upsert every profile and add it to the lists; one without identifiers fails and leaves an import error."""
    lists = request.related_ids("lists")
    request.relationships.require("list", lists, "/data/relationships/lists/data")
    resources = request.attributes["profiles"]["data"]
    if not 0 < len(resources) <= MAX_IMPORTED_PROFILES:
        raise invalid(
            f"Between 1 and {MAX_IMPORTED_PROFILES} profiles can be imported at once.",
            pointer="/data/attributes/profiles/data",
        )
    imported: list[str] = []
    errors: list[str] = []
    for index, resource in enumerate(resources):
        try:
            record, _ = upsert_profile(request, resource)
        except KlaviyoError as error:
            errors.append(_add_import_error(request, error, index, resource))
            continue
        imported.append(record.id)
        for list_id in lists:
            request.store.join("list", list_id, record.id)
    job = start_job(request, failed=errors, total_count=len(resources))
    for name, ids in (("profiles", imported), ("lists", lists), ("import-errors", errors)):
        request.store.link(job, name, list(dict.fromkeys(ids)))
    return request.answer_record(job)


def _add_import_error(request: ApiRequest, error: KlaviyoError, index: int, resource: Mapping[str, Any]) -> str:
    attributes = {
        "code": error.code,
        "title": error.title,
        "detail": error.detail,
        "source": {"pointer": f"/data/attributes/profiles/data/{index}/attributes"},
        "original_payload": resource.get("attributes") or {},
    }
    return request.store.add(Record("import-error", request.store.new_id("import-error"), attributes)).id


def _delete_profile(request: ApiRequest) -> Answer:
    """Delete a profile for privacy, with its events and push tokens."""
    resource = request.attributes["profile"]["data"]
    profile = find_profile(request.store, resource.get("attributes") or {}, resource.get("id"))
    if profile is not None:
        for event in list(request.store.referring(profile.id, "event", "profile")):
            request.relationships.delete(event)
        request.relationships.delete(profile)
    return request.answer_nothing()


def _create_push_token(request: ApiRequest) -> Answer:
    attributes = dict(request.attributes)
    profile, _ = upsert_profile(request, attributes.pop("profile")["data"])
    for token in request.relationships.records(profile, "push-tokens"):
        if token.attributes["token"] == attributes["token"]:
            request.relationships.delete(token)
    metadata = attributes.pop("device_metadata", None)
    attributes = {
        "recorded_date": request.store.timestamp(),
        "metadata": metadata,
        "background": "AVAILABLE",
    } | attributes
    attributes["enablement_status"] = attributes.get("enablement_status") or "AUTHORIZED"
    record = Record("push-token", request.store.new_id("push-token"), attributes, {"profile": profile.id})
    fill_defaults(request.contract, request.store, record)
    request.store.add(record)
    return request.answer_nothing()


HANDLERS: Mapping[str, Handler] = {
    "create_profile": _create_profile,
    "update_profile": _update_profile,
    "create_or_update_profile": _create_or_update_profile,
    "merge_profiles": _merge_profiles,
    "bulk_import_profiles": _import_profiles,
    "request_profile_deletion": _delete_profile,
    "create_push_token": _create_push_token,
}
