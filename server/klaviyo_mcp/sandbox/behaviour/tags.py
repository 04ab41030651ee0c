"""Tags and tag groups."""

from __future__ import annotations

from collections.abc import Mapping

from klaviyo_mcp.sandbox.api.handlers import delete
from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import invalid


def _create_tag(request: ApiRequest) -> Answer:
    """Create a tag in the group that the body names, or in the default group."""
    groups = request.related_ids("tag-group")
    default = next((group.id for group in request.store.all("tag-group") if group.attributes.get("default")), None)
    tag = create_record(request, request.data)
    request.store.link(tag, "tag-group", groups[0] if groups else default)
    return request.answer_record(tag)


def _create_tag_group(request: ApiRequest) -> Answer:
    attributes = {**request.attributes, "default": False, "exclusive": bool(request.attributes.get("exclusive"))}
    return request.answer_record(create_record(request, {**request.data, "attributes": attributes}))


def _delete_tag_group(request: ApiRequest) -> Answer:
    if request.record("tag-group").attributes.get("default"):
        raise invalid("The default tag group cannot be deleted.", pointer="/data/id")
    return delete(request)


HANDLERS: Mapping[str, Handler] = {
    "create_tag": _create_tag,
    "create_tag_group": _create_tag_group,
    "delete_tag_group": _delete_tag_group,
}
