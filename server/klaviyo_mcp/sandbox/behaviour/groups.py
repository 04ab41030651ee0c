"""Lists and segments, the groups that profiles are members of.

A segment that is new, or whose definition has changed, is processing until it has been read once: until then its
profiles are none, as Klaviyo fills a segment in the background. Whatever else asks for its members has them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from klaviyo_mcp.sandbox.api.handlers import get_record, get_related, update
from klaviyo_mcp.sandbox.api.paging import Collection
from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.segments.definition import POINTER, named_groups, read_definition
from klaviyo_mcp.sandbox.state.store import Record, Store

_HAS_BEEN_ASKED = "_has_been_asked"
"""The attribute, in no contract and hence in no answer, that says that a processing segment's profiles were read."""


def _create_list(request: ApiRequest) -> Answer:
    attributes = {**request.attributes}
    attributes["opt_in_process"] = attributes.get("opt_in_process") or "double_opt_in"
    return request.answer_record(create_record(request, {**request.data, "attributes": attributes}))


def _create_segment(request: ApiRequest) -> Answer:
    read_definition(request.attributes["definition"], request.store)
    attributes = {"is_starred": False, **request.attributes, "is_active": True, "is_processing": True}
    return request.answer_record(create_record(request, {**request.data, "attributes": attributes}))


def _update_segment(request: ApiRequest) -> Answer:
    segment = request.record("segment")
    document = request.attributes.get("definition")
    if document is not None:
        definition = read_definition(document, request.store)
        if segment.id in _segments_below(request.store, definition.group_ids):
            raise invalid("A segment may not ask for its own members.", pointer=f"{POINTER}/condition_groups")
        segment.attributes |= {"is_processing": True, _HAS_BEEN_ASKED: False}
    return update(request)


def _segments_below(store: Store, ids: tuple[str, ...]) -> Iterator[str]:
    """The segments that definitions lead to, from these ids on. No cycle is stored, so the walk ends."""
    for id_ in ids:
        segment = store.get("segment", id_)
        document = segment.attributes.get("definition") if segment else None
        if document:
            yield id_
            yield from _segments_below(store, named_groups(document))


def _get_segment(request: ApiRequest) -> Answer:
    """Answer with a segment; one that is processing is ready when it is read again."""
    answer = get_record(request)
    _finish_processing(request.store, request.record("segment"))
    return answer


def _get_profiles(request: ApiRequest) -> Answer:
    """Answer with no profiles where the segment is processing, which it is no longer when they are read again."""
    segment = request.record("segment")
    if segment.attributes.get("is_processing"):
        if not segment.attributes.get(_HAS_BEEN_ASKED):
            segment.attributes[_HAS_BEEN_ASKED] = True
            key = ("group", "segment", segment.id, "processing")
            return request.answer_collection(Collection("profile", key, (), lambda: (), {}))
        _finish_processing(request.store, segment)
    return get_related(request)


def _finish_processing(store: Store, segment: Record) -> None:
    if segment.attributes.get("is_processing"):
        segment.attributes["is_processing"] = False
        store.touch(segment)


HANDLERS: Mapping[str, Handler] = {
    "create_list": _create_list,
    "create_segment": _create_segment,
    "update_segment": _update_segment,
    "get_segment": _get_segment,
    "get_profiles_for_segment": _get_profiles,
    "get_profile_ids_for_segment": _get_profiles,
}
