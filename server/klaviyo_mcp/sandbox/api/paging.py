"""Collections of records: filtered, sorted and cut into pages."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.sandbox.api.fields import Fields
from klaviyo_mcp.sandbox.api.query import Query
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.filters import Comparison, matches
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import IDENTIFIERS, Record, Store

SortKey = tuple[Any, ...]
"""The values by which a record is sorted; the last is its id."""


@dataclass(frozen=True)
class Page:
    """Some records in order, and the cursors of the pages before and after."""

    records: Sequence[Record]
    next: str | None = None
    previous: str | None = None


@dataclass(frozen=True)
class Collection:
    """Where a collection's records come from.

    `key` identifies the collection and begins with its kind (`all`, `related` or `group`), `version` changes with it,
    `records` reads it. Of a list's or segment's profiles, `joined` says when each joined.
    """

    type: str
    key: tuple[str, ...]
    version: tuple[int, ...]
    records: Callable[[], Iterable[Record]]
    joined: Mapping[str, str]


class Collections:
    """Reads pages of collections. Filtered and sorted keys are cached until the collection changes."""

    MAX_CACHED = 24

    def __init__(self, store: Store, relationships: Relationships) -> None:
        self.store = store
        self.relationships = relationships
        self.fields = Fields(relationships)
        self._cache: OrderedDict[tuple[Any, ...], tuple[tuple[int, ...], list[SortKey]]] = OrderedDict()

    def page(self, collection: Collection, query: Query) -> Page:
        """The page that a query asks for. Raises KlaviyoError (400) for a cursor of another query."""
        ordered = self._ordered(collection, query)
        descending = query.sort.startswith("-")
        size = len(ordered) if query.size is None else query.size
        first, last, backwards = 0, len(ordered), False
        if query.cursor is not None:
            backwards, key = _decode_cursor(query.cursor, query.sort)
            if backwards == descending:
                first = bisect_right(ordered, key)
            else:
                last = bisect_left(ordered, key)
        if descending != backwards:
            first = max(first, last - size)
        else:
            last = min(last, first + size)
        keys = ordered[first:last]
        has_later, has_earlier = last < len(ordered), first > 0
        if descending:
            keys.reverse()
            has_later, has_earlier = has_earlier, has_later
        records = (self.store.get(collection.type, key[-1]) for key in keys)
        return Page(
            [record for record in records if record is not None],
            _encode_cursor("next", query.sort, keys[-1]) if keys and has_later else None,
            _encode_cursor("prev", query.sort, keys[0]) if keys and has_earlier else None,
        )

    def _ordered(self, collection: Collection, query: Query) -> list[SortKey]:
        """The sort keys of the records that the filter selects, ascending."""
        field = query.sort.lstrip("-")
        cache_key = (collection.key, query.filter_text, field)
        cached = self._cache.get(cache_key)
        if cached is not None and cached[0] == collection.version:
            self._cache.move_to_end(cache_key)
            return cached[1]
        value, joined = self.fields.value, collection.joined
        records = self._candidates(collection, query)
        for one in query.filter:
            records = [record for record in records if matches(one, value(record, one.field, joined))]
        if field == "id":
            ordered: list[SortKey] = sorted((record.id,) for record in records)
        else:
            ordered = sorted((*_sortable(value(record, field, joined)), record.id) for record in records)
        self._cache[cache_key] = (collection.version, ordered)
        if len(self._cache) > self.MAX_CACHED:
            self._cache.popitem(last=False)
        return ordered

    def _candidates(self, collection: Collection, query: Query) -> Iterable[Record]:
        """The records that can match: where a filter names some by id or index, those alone instead of all."""
        for comparison in query.filter:
            ids = self._indexed_ids(collection.type, comparison)
            if ids is None:
                continue
            if collection.key[0] == "group":
                ids = [id_ for id_ in ids if id_ in collection.joined]
            elif collection.key[0] != "all":
                continue
            return [record for record in (self.store.get(collection.type, id_) for id_ in ids) if record is not None]
        return collection.records()

    def _indexed_ids(self, type_: str, comparison: Comparison) -> list[str] | None:
        """The ids that a comparison selects through an index; None where no index serves it."""
        if comparison.operator not in ("equals", "any"):
            return None
        values = comparison.value if isinstance(comparison.value, list) else [comparison.value]
        if comparison.field in ("id", "ids"):
            return [str(value) for value in values]
        if type_ == "profile" and comparison.field in IDENTIFIERS:
            profiles = (self.store.find_profile(comparison.field, str(value)) for value in values)
            return [profile.id for profile in profiles if profile is not None]
        if type_ == "event" and comparison.field in ("metric_id", "profile_id"):
            relationship = comparison.field.removesuffix("_id")
            return [id_ for value in values for id_ in self._referring_events(str(value), relationship)]
        return None

    def _referring_events(self, id_: str, relationship: str) -> Iterable[str]:
        return self.store.referring_ids(id_, "event").get(relationship, ())


def _sortable(value: Any) -> SortKey:
    """A value as part of a sort key: records without a value come first, of a list the least value counts."""
    if isinstance(value, list):
        value = min((item for item in value if item is not None), default=None)
    return (0, "") if value is None else (1, value)


def _encode_cursor(direction: str, sort: str, key: SortKey) -> str:
    text = json.dumps([direction, sort, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, sort: str) -> tuple[bool, SortKey]:
    """Whether a cursor leads backwards, and the sort key that it starts from."""
    try:
        direction, of_sort, *key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        length = 1 if sort.lstrip("-") == "id" else 3
        if direction not in ("next", "prev") or of_sort != sort or len(key) != length:
            raise ValueError(cursor)
    except (ValueError, TypeError, KlaviyoError):
        raise invalid("Invalid cursor provided.", parameter="page[cursor]") from None
    return direction == "prev", tuple(key)
