"""Tags: labels of campaigns, flows, lists and segments, in groups."""

from __future__ import annotations

from typing import Annotated

from klaviyo_tools.arguments.marks import Brief
from klaviyo_tools.arguments.places import Relationship
from klaviyo_tools.arguments.types import Arguments, Id, Text
from klaviyo_tools.operation.area import Area, S
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.preview import Preview

area = Area("tags")

READ_AND_WRITE_SCOPES = "tags:read tags:write"
NAME_OPERATORS = "contains ends-with equals starts-with"


class NewTag(Arguments):
    name: Text
    tag_group_id: Annotated[Id | None, Relationship("tag-group")] = None


class TagChanges(Arguments):
    name: Text


class NewTagGroup(Arguments):
    name: Text
    exclusive: bool | None = None


class TagGroupChanges(Arguments):
    name: Text
    return_fields: Annotated[list[Text] | None, Brief(names=True)] = None


area.resource_type(
    "tag",
    "name tag-group",
    "name",
    label="name",
    relationships="tag-group lists:list segments:segment campaigns:campaign flows:flow",
)
area.resource_type(
    "tag-group", "name exclusive default", "default exclusive name", label="name", relationships="tags:tag"
)
area.collection(
    "get_tag_groups",
    "/api/tag-groups",
    "tag-group",
    "Groups of tags.",
    rate=S,
    filter={"name": NAME_OPERATORS, "exclusive": "equals", "default": "equals"},
    sort=("name", "id"),
    max_page_size=25,
    page_size_since="2026-07-15",
)
area.create(
    "create_tag_group",
    "/api/tag-groups",
    "tag-group",
    NewTagGroup,
    "Create a tag group; exclusive: at most one of its tags on an item.",
    rate=S,
    scopes=READ_AND_WRITE_SCOPES,
)
area.delete(
    "delete_tag_group",
    "/api/tag-groups/{tag_group_id}",
    "tag-group",
    "Delete a tag group and its tags everywhere.",
    rate=S,
    preview=Preview(
        (
            "delete the {record}.",
            "Its tags are deleted with it, and taken off everything that has them.",
        ),
        contents="get_tags_for_tag_group",
    ),
    scopes=READ_AND_WRITE_SCOPES,
)
area.update(
    "update_tag_group",
    "/api/tag-groups/{tag_group_id}",
    "tag-group",
    TagGroupChanges,
    "Rename a tag group.",
    rate=S,
    empty_success_since="2026-07-15",
    scopes=READ_AND_WRITE_SCOPES,
)
area.collection(
    "get_tags",
    "/api/tags",
    "tag",
    "Tags by name.",
    rate=S,
    filter={"name": NAME_OPERATORS},
    sort=("name", "id"),
    include=("tag-group",),
    max_page_size=50,
    page_size_since="2026-07-15",
)
area.create(
    "create_tag",
    "/api/tags",
    "tag",
    NewTag,
    "Create a tag, in the default group if none is given.",
    rate=S,
    scopes=READ_AND_WRITE_SCOPES,
)
area.delete(
    "delete_tag",
    "/api/tags/{tag_id}",
    "tag",
    "Delete a tag everywhere.",
    rate=S,
    preview=Preview(linked=("campaigns", "flows", "lists", "segments")),
    scopes=READ_AND_WRITE_SCOPES,
)
area.update(
    "update_tag",
    "/api/tags/{tag_id}",
    "tag",
    TagChanges,
    "Rename a tag.",
    rate=S,
    scopes=READ_AND_WRITE_SCOPES,
    answer=AnswerKind.NOTHING,
)
area.relate(
    "tag_campaigns",
    "/api/tags/{tag_id}/relationships/campaigns",
    "campaign",
    "Add a tag to campaigns.",
    rate=S,
    scopes="campaigns:write tags:write",
    aliases="create_tag_relationships_campaign add_campaigns_to_tag create_tag_relationships_campaigns",
    verify_with="get_campaigns",
)
area.relate(
    "tag_flows",
    "/api/tags/{tag_id}/relationships/flows",
    "flow",
    "Add a tag to flows.",
    rate=S,
    scopes="flows:write tags:write",
    aliases="create_tag_relationships_flow add_flows_to_tag create_tag_relationships_flows",
    verify_with="get_flows",
)
area.record(
    "get_tag_group",
    "/api/tag-groups/{tag_group_id}",
    "tag-group",
    "One tag group.",
    rate=S,
)
area.collection(
    "get_tags_for_tag_group",
    "/api/tag-groups/{tag_group_id}/tags",
    "tag",
    "Tags in a group.",
    rate=S,
    paged=False,
    aliases="get_tag_group_tags",
    ids_operation="get_tag_ids_for_tag_group",
)
area.record(
    "get_tag",
    "/api/tags/{tag_id}",
    "tag",
    "One tag.",
    rate=S,
    include=("tag-group",),
)
area.record(
    "get_tag_group_for_tag",
    "/api/tags/{tag_id}/tag-group",
    "tag-group",
    "The group of a tag.",
    rate=S,
    aliases="get_tag_tag_group get_group_for_tag",
    ids_operation="get_tag_group_id_for_tag",
)
area.relate(
    "remove_tag_from_campaigns",
    "/api/tags/{tag_id}/relationships/campaigns",
    "campaign",
    "Remove a tag from campaigns.",
    rate=S,
    method="DELETE",
    scopes="campaigns:write tags:write",
    aliases="delete_tag_relationships_campaigns remove_campaigns_from_tag",
    verify_with="get_campaigns",
)
area.relate(
    "remove_tag_from_flows",
    "/api/tags/{tag_id}/relationships/flows",
    "flow",
    "Remove a tag from flows.",
    rate=S,
    method="DELETE",
    scopes="flows:write tags:write",
    aliases="delete_tag_relationships_flows remove_flows_from_tag",
    verify_with="get_flows",
)
area.relate(
    "tag_lists",
    "/api/tags/{tag_id}/relationships/lists",
    "list",
    "Add a tag to lists.",
    rate=S,
    scopes="lists:write tags:write",
    aliases="create_tag_relationships_list add_lists_to_tag create_tag_relationships_lists",
    verify_with="get_lists",
)
area.relate(
    "remove_tag_from_lists",
    "/api/tags/{tag_id}/relationships/lists",
    "list",
    "Remove a tag from lists.",
    rate=S,
    method="DELETE",
    scopes="lists:write tags:write",
    aliases="delete_tag_relationships_lists remove_lists_from_tag",
    verify_with="get_lists",
)
area.relate(
    "tag_segments",
    "/api/tags/{tag_id}/relationships/segments",
    "segment",
    "Add a tag to segments.",
    rate=S,
    scopes="segments:write tags:write",
    aliases="create_tag_relationships_segment add_segments_to_tag create_tag_relationships_segments",
    verify_with="get_segments",
)
area.relate(
    "remove_tag_from_segments",
    "/api/tags/{tag_id}/relationships/segments",
    "segment",
    "Remove a tag from segments.",
    rate=S,
    method="DELETE",
    scopes="segments:write tags:write",
    aliases="delete_tag_relationships_segments remove_segments_from_tag",
    verify_with="get_segments",
)
area.collection(
    "get_list_ids_for_tag",
    "/api/tags/{tag_id}/relationships/lists",
    "list",
    "Ids of the lists that have a tag.",
    rate=S,
    paged=False,
    sparse_fieldsets=False,
    scopes="lists:read tags:read",
    aliases="get_tag_relationships_lists",
)
area.collection(
    "get_segment_ids_for_tag",
    "/api/tags/{tag_id}/relationships/segments",
    "segment",
    "Ids of the segments that have a tag.",
    rate=S,
    paged=False,
    sparse_fieldsets=False,
    scopes="segments:read tags:read",
    aliases="get_tag_relationships_segments",
)
area.collection(
    "get_campaign_ids_for_tag",
    "/api/tags/{tag_id}/relationships/campaigns",
    "campaign",
    "Ids of the campaigns that have a tag.",
    rate=S,
    paged=False,
    sparse_fieldsets=False,
    scopes="campaigns:read tags:read",
    aliases="get_tag_relationships_campaigns",
)
area.collection(
    "get_flow_ids_for_tag",
    "/api/tags/{tag_id}/relationships/flows",
    "flow",
    "Ids of the flows that have a tag.",
    rate=S,
    paged=False,
    sparse_fieldsets=False,
    scopes="flows:read tags:read",
    aliases="get_tag_relationships_flows",
)
