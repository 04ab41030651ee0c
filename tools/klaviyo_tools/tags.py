"""Tags: labels on campaigns, flows, lists and segments, kept in groups."""

from __future__ import annotations

from typing import Annotated

from .arguments import Arguments, Id, Relationship, Text
from .operation import Answer, Area, S

area = Area("tags", words="label category organize organise folder etiqueta étiquette schlagwort")

BOTH = "tags:read tags:write"
NAME = "contains ends-with equals starts-with"


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
    return_fields: list[Text] | None = None


area.collection(
    "get_tag_groups",
    "/api/tag-groups",
    "tag-group",
    "Groups that tags are kept in.",
    rate=S,
    filter={"name": NAME, "exclusive": "equals", "default": "equals"},
    sort=("name", "id"),
)
area.create(
    "create_tag_group",
    "/api/tag-groups",
    "tag-group",
    NewTagGroup,
    "Create a tag group; of an exclusive one, a thing has at most one tag. That cannot be changed later.",
    rate=S,
    scopes=BOTH,
)
area.delete(
    "delete_tag_group",
    "/api/tag-groups/{tag_group_id}",
    "tag-group",
    "Delete a tag group with all its tags, also from what has them; not the default group.",
    rate=S,
    scopes=BOTH,
)
area.update(
    "update_tag_group",
    "/api/tag-groups/{tag_group_id}",
    "tag-group",
    TagGroupChanges,
    "Rename a tag group.",
    rate=S,
    scopes=BOTH,
)
area.collection(
    "get_tags",
    "/api/tags",
    "tag",
    "Tags by name; include=tag-group shows the group of each.",
    rate=S,
    filter={"name": NAME},
    sort=("name", "id"),
    include=("tag-group",),
)
area.create(
    "create_tag",
    "/api/tags",
    "tag",
    NewTag,
    "Create a tag, in the default group unless another is given; it is on nothing yet.",
    rate=S,
    scopes=BOTH,
)
area.delete(
    "delete_tag",
    "/api/tags/{tag_id}",
    "tag",
    "Delete a tag, also from everything that has it.",
    rate=S,
    scopes=BOTH,
)
area.update(
    "update_tag",
    "/api/tags/{tag_id}",
    "tag",
    TagChanges,
    "Rename a tag; it stays in its group.",
    rate=S,
    scopes=BOTH,
    answer=Answer.NOTHING,
)
area.relate(
    "tag_campaigns",
    "/api/tags/{tag_id}/relationships/campaigns",
    "campaign",
    "Put a tag on campaigns.",
    rate=S,
    scopes="campaigns:write tags:write",
    aliases="create_tag_relationships_campaign add_campaigns_to_tag create_tag_relationships_campaigns",
    look="get_campaigns",
)
area.relate(
    "tag_flows",
    "/api/tags/{tag_id}/relationships/flows",
    "flow",
    "Put a tag on flows.",
    rate=S,
    scopes="flows:write tags:write",
    aliases="create_tag_relationships_flow add_flows_to_tag create_tag_relationships_flows",
    look="get_flows",
)
