"""What an update does with an object inside a record's attributes: replaces it whole, or merges it into the stored one.

Every object that the body of an update can hold stands in `NESTED_OBJECTS`, by resource type and dotted path, with the
place in Klaviyo's documents that says so. An object inside one that is not merged needs no entry: it goes with it.
An unknown one is treated as replaced: the server sends it whole, which is right in both cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class OnUpdate(StrEnum):
    """What an update does with the stored object."""

    REPLACED = "replaced"
    MERGED = "merged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NestedObject:
    """One object inside a record's attributes.

    Attributes:
        on_update: What an update does with the stored object.
        source: What Klaviyo's documents say, in their words.
        members: All its members, where a call that gives all of them gives the object whole: the stored one need not be
            read then. None where a member can itself be given in part.
        kinds: Members that say of which kind the object, or one in it, is. An object of another kind keeps no member.
        answer_only: Members of it, as dotted paths, that Klaviyo answers and does not take.
    """

    on_update: OnUpdate
    source: str
    members: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    answer_only: tuple[str, ...] = ()


def _unknown(
    source: str = "No word on an update that lacks members.",
    *,
    members: str = "",
    kinds: str = "",
    answer_only: str = "",
) -> NestedObject:
    return NestedObject(
        OnUpdate.UNKNOWN, source, tuple(members.split()), tuple(kinds.split()), tuple(answer_only.split())
    )


_UTM = _unknown(members="flow campaign")
NESTED_OBJECTS: Mapping[str, Mapping[str, NestedObject]] = {
    "campaign": {
        "audiences": _unknown(
            "AudiencesUpdate.included: 'An optional list of included audiences, will override existing included "
            "audiences'; excluded likewise. Each list is replaced; the fate of a list that is left out stands nowhere.",
            members="included excluded",
        ),
        "send_options": _unknown(members="use_smart_sending"),
        "send_strategy": _unknown(kinds="method"),
        "tracking_options": _unknown(
            members="is_tracking_opens is_tracking_clicks add_tracking_params custom_tracking_params"
        ),
    },
    "campaign-message": {
        "definition": _unknown(
            "'The contents and settings of the campaign message'; it requires channel, and no other member.",
            kinds="channel notification_type type display badge_config",
            answer_only="content.media_url",
        ),
        "definition.kv_pairs": _unknown("'The key-value pairs to be sent with the push notification'"),
    },
    "catalog-item": {
        "custom_metadata": _unknown("'Flat JSON blob to provide custom metadata about the catalog item.'"),
    },
    "catalog-variant": {
        "custom_metadata": _unknown("'Flat JSON blob to provide custom metadata about the catalog item variant.'"),
    },
    "coupon": {"monitor_configuration": _unknown("'The monitor configuration for the coupon.'")},
    "custom-metric": {"definition": _unknown(members="aggregation_method metric_groups")},
    "flow-action": {"definition": _unknown(kinds="type")},
    "profile": {
        "location": _unknown(
            "update_profile: 'not including a field in your request will leave it unchanged', which does not say "
            "whether a member of location is a field.",
            members="address1 address2 city country region zip timezone latitude longitude ip",
        ),
        "properties": NestedObject(
            OnUpdate.MERGED,
            "ProfileMetaPatchProperties.unset: 'Remove a key or keys (and their values) completely from properties': "
            "leaving a key out does not remove it.",
        ),
    },
    "review": {"status": _unknown(kinds="value reason")},
    "segment": {"definition": _unknown(members="condition_groups")},
    "template": {
        "definition": NestedObject(
            OnUpdate.REPLACED,
            "TemplateUpdateHtmlOrDndQueryResourceObject.definition (2026-07-15): 'Entirely replaces the existing "
            "definition.'",
        ),
    },
    "template-universal-content": {
        "definition": NestedObject(
            OnUpdate.REPLACED,
            "update_universal_content (2026-10-15): 'The definition field always replaces the entire content "
            "definition (no attribute-level merge)'.",
            kinds=("type", "content_type"),
        ),
    },
    "tracking-setting": dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_id", "utm_term"), _UTM),
}
"""Resource type -> dotted path below its attributes -> the object there."""


def nested_object(type_: str, path: str) -> NestedObject | None:
    """The entry of an object, or of the object around it; None where neither has one."""
    objects = NESTED_OBJECTS.get(type_, {})
    while path:
        if path in objects:
            return objects[path]
        path = path.rpartition(".")[0]
    return None
