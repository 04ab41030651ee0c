"""Lists and segments, the groups that profiles are members of.

A segment that is created or updated has no members: nothing evaluates its definition over the store yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from klaviyo_mcp.sandbox.api.handlers import get_record
from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler


def _create_list(request: ApiRequest) -> Answer:
    attributes = {**request.attributes}
    attributes["opt_in_process"] = attributes.get("opt_in_process") or "double_opt_in"
    return request.answer_record(create_record(request, {**request.data, "attributes": attributes}))


def _create_segment(request: ApiRequest) -> Answer:
    attributes = {"is_starred": False, **request.attributes, "is_active": True, "is_processing": True}
    return request.answer_record(create_record(request, {**request.data, "attributes": attributes}))


def _get_segment(request: ApiRequest) -> Answer:
    """Answer with a segment; one that is processing is ready when it is read again."""
    answer = get_record(request)
    segment = request.record("segment")
    if segment.attributes.get("is_processing"):
        segment.attributes["is_processing"] = False
        request.store.touch(segment)
    return answer


HANDLERS: Mapping[str, Handler] = {
    "create_list": _create_list,
    "create_segment": _create_segment,
    "get_segment": _get_segment,
}
