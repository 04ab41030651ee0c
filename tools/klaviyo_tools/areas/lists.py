"""Lists: static groups of profiles that people subscribe to."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from klaviyo_tools.arguments.types import Arguments, Text
from klaviyo_tools.operation.area import XS, Area, L, M, S
from klaviyo_tools.operation.facts import Effect, RecordAddress
from klaviyo_tools.operation.preview import Preview, PreviewKind

area = Area("lists")


class NewList(Arguments):
    name: Text
    opt_in_process: Literal["single_opt_in", "double_opt_in"] | None = Field(
        None, description="double asks for confirmation"
    )


class ListChanges(Arguments):
    name: Text | None = None
    opt_in_process: Literal["single_opt_in", "double_opt_in"] | None = None


area.resource_type(
    "list",
    "name opt_in_process created updated",
    "created name opt_in_process profile_count updated",
    label="name",
    facet="opt_in_process",
    date="created",
    relationships="profiles:profile tags:tag flow-triggers:flow",
    additional_columns="profile_count",
    additional_fields="profile_count",
    stable_attributes="name opt_in_process",
)
area.collection(
    "get_lists",
    "/api/lists",
    "list",
    "Lists of the account.",
    rate=L,
    filter={"name": "any equals", "id": "any equals", "created": "greater-than", "updated": "greater-than"},
    sort=("created", "id", "name", "updated"),
    include=("flow-triggers", "tags"),
    max_page_size=10,
    page_size_since="2026-07-15",
)
area.record(
    "get_list",
    "/api/lists/{list_id}",
    "list",
    "One list; its size with profile_count.",
    rate=L,
    address=RecordAddress(
        "A list and how many are on it.", {"additional_fields": ["profile_count"]}, completes_ids=True
    ),
    include=("flow-triggers", "tags"),
    additional_fields=("profile_count",),
    lower_rates={"profile_count": XS},
)
area.create(
    "create_list",
    "/api/lists",
    "list",
    NewList,
    "Create an empty list.",
    rate=M.daily(150),
)
area.update(
    "update_list",
    "/api/lists/{list_id}",
    "list",
    ListChanges,
    "Rename a list or change its opt-in.",
    rate=M,
)
area.delete(
    "delete_list",
    "/api/lists/{list_id}",
    "list",
    "Delete a list; its profiles stay.",
    rate=M,
    preview=Preview(profile_count=True, joined={"flow-triggers": "triggers", "tags": "has"}),
)
area.collection(
    "get_profiles_for_list",
    "/api/lists/{list_id}/profiles",
    "profile",
    "Profiles on a list, with the date each joined.",
    rate=L,
    aliases="get_list_profiles",
    scopes="lists:read profiles:read",
    filter={
        "email": "any equals",
        "phone_number": "any equals",
        "push_token": "any equals",
        "_kx": "equals",
        "joined_group_at": "greater-or-equal greater-than less-or-equal less-than",
    },
    sort=("joined_group_at",),
    additional_fields=("subscriptions", "predictive_analytics"),
    extra_fields=("joined_group_at",),
    max_page_size=100,
    lower_rates={"predictive_analytics": M},
    ids_operation="get_profile_ids_for_list",
)
area.relate(
    "add_profiles_to_list",
    "/api/lists/{list_id}/relationships/profiles",
    "profile",
    "Add profiles to a list; sets no consent; flows may message them.",
    rate=M,
    preview=PreviewKind.LIST_MEMBERS,
    max_members=1000,
    effect=Effect.REACHES_PEOPLE,
    scopes="lists:write profiles:write",
    aliases="create_list_relationships create_list_relationships_profile create_list_relationships_profiles",
)
area.relate(
    "remove_profiles_from_list",
    "/api/lists/{list_id}/relationships/profiles",
    "profile",
    "Remove profiles from a list; their consent stays.",
    rate=M,
    max_members=1000,
    method="DELETE",
    scopes="lists:write profiles:write",
    aliases="delete_list_relationships delete_list_relationships_profiles",
)
area.collection(
    "get_tags_for_list",
    "/api/lists/{list_id}/tags",
    "tag",
    "Tags on a list.",
    rate=S,
    paged=False,
    scopes="lists:read tags:read",
    aliases="get_list_tags",
    ids_operation="get_tag_ids_for_list",
)
area.collection(
    "get_flows_triggered_by_list",
    "/api/lists/{list_id}/flow-triggers",
    "flow",
    "Flows that start when people join a list.",
    rate=S,
    paged=False,
    scopes="flows:read lists:read",
    aliases="get_flow_triggers_for_list get_list_flow_triggers",
    ids_operation="get_ids_for_flows_triggered_by_list",
)
