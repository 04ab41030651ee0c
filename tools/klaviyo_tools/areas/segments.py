"""Segments: groups of profiles by rules; profiles enter and leave automatically."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from klaviyo_tools.areas.profiles import ADDITIONAL_FIELDS, TIME_OPERATORS
from klaviyo_tools.arguments.types import Arguments, OpenObject, Text
from klaviyo_tools.operation.area import XS, Area, L, S
from klaviyo_tools.operation.facts import RecordAddress
from klaviyo_tools.operation.preview import Preview

area = Area("segments")

EXAMPLE = (
    '{"condition_groups": [{"conditions": [{"type": "profile-group-membership", "is_member": true, '
    '"group_ids": ["Y6nRLr"]}]}]}'
)
GUIDE = "klaviyo://guide/segment-definition"
HINT = f"{EXAMPLE}; describe_tool({GUIDE}) says more"


def _check_outer_shape(definition: dict[str, Any]) -> dict[str, Any]:
    """Checks the keys down to each condition's type; Klaviyo checks the rest of a condition."""
    groups = definition.get("condition_groups")
    if set(definition) != {"condition_groups"} or not isinstance(groups, list) or not groups:
        raise ValueError(f"takes condition_groups (all must hold), a list of groups, and nothing else: {HINT}")
    for place, group in enumerate(groups):
        conditions = group.get("conditions") if isinstance(group, dict) else None
        if not isinstance(conditions, list) or not conditions:
            raise ValueError(f"condition_groups.{place} needs conditions (one must hold), a list: {HINT}")
        if not all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in conditions):
            raise ValueError(f"each condition in condition_groups.{place} is an object with a type: {HINT}")
    return definition


Definition = Annotated[OpenObject, AfterValidator(_check_outer_shape)]


class NewSegment(Arguments):
    name: Text
    definition: Definition = Field(
        description=f'{{"condition_groups":[{{"conditions":[{{"type",…}}]}}]}}; {GUIDE}',
        examples=[json.loads(EXAMPLE)],
    )
    is_starred: bool | None = None


class SegmentChanges(Arguments):
    name: Text | None = None
    definition: Definition | None = Field(
        None, description=f"replaces all rules; {GUIDE}", examples=[json.loads(EXAMPLE)]
    )
    is_starred: bool | None = None
    is_active: bool | None = None


area.resource_type(
    "segment",
    "name is_active is_processing is_starred created updated",
    "created definition(condition_groups) is_active is_processing is_starred name profile_count updated",
    label="name",
    facet="is_active",
    date="created",
    relationships="profiles:profile tags:tag flow-triggers:flow",
    additional_columns="profile_count",
    additional_fields="profile_count",
    stable_attributes="name definition",
)
area.collection(
    "get_segments",
    "/api/segments",
    "segment",
    "Segments of the account.",
    rate=L,
    filter={
        "name": "any equals",
        "id": "any equals",
        "is_active": "any equals",
        "is_starred": "equals",
        "created": "greater-than",
        "updated": "greater-than",
    },
    sort=("created", "updated", "name", "id"),
    include=("tags", "flow-triggers"),
    max_page_size=10,
    page_size_since="2026-07-15",
)
area.record(
    "get_segment",
    "/api/segments/{segment_id}",
    "segment",
    "One segment with its rules; its size with profile_count.",
    rate=L,
    address=RecordAddress(
        "A segment, its rules and its size.", {"additional_fields": ["profile_count"]}, completes_ids=True
    ),
    include=("tags", "flow-triggers"),
    additional_fields=("profile_count",),
    lower_rates={"profile_count": XS},
)
area.create(
    "create_segment",
    "/api/segments",
    "segment",
    NewSegment,
    "Create a segment; groups are joined by and, conditions by or.",
    rate=XS.daily(100),
)
area.update(
    "update_segment",
    "/api/segments/{segment_id}",
    "segment",
    SegmentChanges,
    "Rename or (de)activate a segment, or replace its rules.",
    rate=XS.daily(100),
)
area.delete(
    "delete_segment",
    "/api/segments/{segment_id}",
    "segment",
    "Delete a segment; its profiles stay.",
    rate=S,
    preview=Preview(profile_count=True, joined={"flow-triggers": "triggers", "tags": "has"}),
)
area.collection(
    "get_profiles_for_segment",
    "/api/segments/{segment_id}/profiles",
    "profile",
    "Profiles in a segment, with the date each joined.",
    rate=L,
    scopes="profiles:read segments:read",
    aliases="get_segment_profiles",
    filter={
        "email": "any equals",
        "phone_number": "any equals",
        "profile_id": "any equals",
        "push_token": "any equals",
        "_kx": "equals",
        "joined_group_at": TIME_OPERATORS,
    },
    sort=("joined_group_at",),
    additional_fields=ADDITIONAL_FIELDS,
    extra_fields=("joined_group_at",),
    max_page_size=100,
    ids_operation="get_profile_ids_for_segment",
)
area.collection(
    "get_flows_triggered_by_segment",
    "/api/segments/{segment_id}/flow-triggers",
    "flow",
    "Flows that start when people enter a segment.",
    rate=S,
    paged=False,
    scopes="flows:read segments:read",
    aliases="get_flow_triggers_for_segment get_segment_flow_triggers",
    ids_operation="get_ids_for_flows_triggered_by_segment",
)
area.collection(
    "get_tags_for_segment",
    "/api/segments/{segment_id}/tags",
    "tag",
    "Tags on a segment.",
    rate=S,
    paged=False,
    scopes="segments:read tags:read",
    aliases="get_segment_tags",
    ids_operation="get_tag_ids_for_segment",
)
