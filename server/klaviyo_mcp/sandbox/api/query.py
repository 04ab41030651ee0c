"""Reading parameters: held against the operation, then applied: filter, sort, page."""

from __future__ import annotations

import base64
import json
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.sandbox import filters
from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Record, Store

Key = tuple[Any, ...]

_DEFAULT_SIZES: Mapping[str, int] = {
    "list": 10, "segment": 10, "template": 10, "tag": 50, "tag-group": 50, "metric": 200, "flow": 50,
}  # fmt: skip
_DEFAULT_SIZE = 100
_DEFAULT_SORTS = ("-datetime", "-joined_group_at", "-created", "-created_at", "-updated_at")


@dataclass(frozen=True)
class Query:
    """What a request asks of its answer."""

    filter: tuple[filters.Comparison, ...] = ()
    filter_text: str = ""
    sort: str = ""
    size: int | None = None
    cursor: str | None = None
    include: tuple[str, ...] = ()
    fields: Mapping[str, frozenset[str]] | None = None
    additional: Mapping[str, frozenset[str]] | None = None


def read(contract: Contract, operation: Operation, given: Mapping[str, str]) -> Query:
    """Check every parameter against the operation; KlaviyoError (400) names the one at fault."""
    fields: dict[str, frozenset[str]] = {}
    additional: dict[str, frozenset[str]] = {}
    for name in operation.required:
        if not given.get(name):
            raise invalid(f"The query parameter '{name}' is required.", parameter=name)
    for name, text in given.items():
        if name not in operation.query:
            raise invalid(f"'{name}' is not a valid query parameter for this endpoint.", parameter=name)
        if name.startswith("fields["):
            fields[name[7:-1]] = _chosen(name, text, contract.fields[operation.query[name]])
        elif name.startswith("additional-fields["):
            additional[name[18:-1]] = _chosen(name, text, operation.query[name])
    comparisons: Sequence[filters.Comparison] = ()
    if "filter" in given:
        comparisons = filters.parse_filter(given["filter"])
        filters.check_fields(comparisons, operation.query["filter"])
        for one in comparisons:
            _check_kind(contract, operation, one)
    return Query(
        filter=tuple(comparisons),
        filter_text=given.get("filter", ""),
        sort=_sort(operation, given.get("sort")),
        size=_size(operation, given.get("page[size]")),
        cursor=given.get("page[cursor]") or None,
        include=tuple(_ordered("include", given["include"], operation.query["include"]))
        if given.get("include")
        else (),
        fields=fields,
        additional=additional,
    )


def _ordered(name: str, text: str, allowed: Iterable[str]) -> list[str]:
    chosen = [part.strip() for part in text.split(",") if part.strip()]
    for part in chosen:
        if part not in allowed:
            what = f"field for the resource '{name.partition('[')[2][:-1]}'" if "[" in name else f"'{name}' value"
            raise invalid(f"'{part}' is not a valid {what}; allowed: {', '.join(allowed)[:400]}.", parameter=name)
    return chosen


def _chosen(name: str, text: str, allowed: Iterable[str]) -> frozenset[str]:
    return frozenset(_ordered(name, text, allowed))


def _sort(operation: Operation, given: str | None) -> str:
    allowed: Sequence[str] = operation.query.get("sort") or ()
    if given:
        if given not in allowed:
            raise invalid(f"'{given}' is not a valid sort; allowed: {', '.join(allowed)}.", parameter="sort")
        return given
    return next((sort for sort in _DEFAULT_SORTS if sort in allowed), "id")


def _size(operation: Operation, given: str | None) -> int | None:
    """The page's size; None for a read that knows no pages."""
    if "page[size]" in operation.query:
        least, most, default = operation.query["page[size]"]
        if given is None:
            return int(default)
        if not given.isascii() or not given.isdigit() or not least <= int(given) <= most:
            raise invalid(f"Page size must be an integer between {least} and {most}.", parameter="page[size]")
        return int(given)
    if "page[cursor]" in operation.query:
        return _DEFAULT_SIZES.get(operation.types[0], _DEFAULT_SIZE)
    return None


def _check_kind(contract: Contract, operation: Operation, comparison: filters.Comparison) -> None:
    shape, _ = contract.resolve(contract.resource_type(operation.types[0]).attributes.get(comparison.field, "any"))
    if isinstance(shape, dict) and "enum" in shape:
        shape = "string"
    if comparison.field in ("joined_group_at",) or comparison.field.endswith(".timestamp"):
        shape = "date-time"
    elif comparison.field in ("id", "ids") or comparison.field.endswith((".id", "_id")):
        shape = "string"
    if shape in ("string", "boolean", "integer", "number", "date-time"):
        if comparison.field in ("created", "updated") and shape == "string":
            shape = "date-time"
        filters.check_value_type(comparison, str(shape))


class Fields:
    """What a record holds under the name by which a filter or sort asks for it."""

    def __init__(self, relations: Relationships) -> None:
        self.relations = relations

    def value(self, record: Record, name: str, joined: Mapping[str, str]) -> Any:
        attributes = record.attributes
        if name in attributes:
            value = attributes[name]
            return value.get("value") if name == "status" and isinstance(value, dict) else value
        if name in ("id", "ids"):
            return record.id
        if name == "joined_group_at":
            return joined.get(record.id)
        special = _SPECIAL.get((record.type, name))
        if special is not None:
            return special(self.relations, record)
        if name.endswith((".id", "_id")):
            return self._related(record, name[:-3])
        return _dotted(attributes, name.split("."))

    def _related(self, record: Record, name: str) -> list[str]:
        if name == record.type:
            return [record.id]
        plural = "categories" if name == "category" else f"{name}s"
        known = (
            name
            if name in record.links or name in self.relations.contract.resource_type(record.type).relationships
            else plural
        )
        return self.relations.ids(record, known)


def _dotted(value: Any, parts: Sequence[str]) -> Any:
    for number, part in enumerate(parts):
        if isinstance(value, list):
            return [_dotted(one, parts[number:]) for one in value]
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _channels(relations: Relationships, record: Record) -> list[Any]:
    return [
        (message.attributes.get("definition") or {}).get("channel") or message.attributes.get("channel")
        for message in relations.records(record, "campaign-messages")
    ]


def _tokens(relations: Relationships, record: Record) -> list[Any]:
    return [token.attributes.get("token") for token in relations.records(record, "push-tokens")]


def _definition(*path: str) -> Callable[[Relationships, Record], Any]:
    return lambda relations, record: _dotted(record.attributes.get("definition"), path)


_SPECIAL: Mapping[tuple[str, str], Callable[[Relationships, Record], Any]] = {
    ("campaign", "messages.channel"): _channels,
    ("profile", "push_token"): _tokens,
    ("event", "profile"): lambda relations, record: record.links.get("profile"),
    ("event", "metric_id"): lambda relations, record: record.links.get("metric"),
    ("event", "profile_id"): lambda relations, record: record.links.get("profile"),
    ("flow-action", "action_type"): _definition("type"),
    ("flow-action", "status"): _definition("data", "status"),
    ("flow-message", "name"): _definition("name"),
}


@dataclass(frozen=True)
class Page:
    """Some records in order, and the cursors of the pages beside them."""

    records: Sequence[Record]
    next: str | None = None
    previous: str | None = None


@dataclass(frozen=True)
class Source:
    """Where a collection comes from: `key` identifies it, `version` changes with it, `records` reads it."""

    type: str
    key: tuple[str, ...]
    version: tuple[int, ...]
    records: Callable[[], Iterable[Record]]
    joined: Mapping[str, str]


class Collections:
    """Pages of collections. What was filtered and ordered is kept while nothing in it changes."""

    KEPT = 24

    def __init__(self, store: Store, relations: Relationships) -> None:
        self.store = store
        self.relations = relations
        self.fields = Fields(relations)
        self._kept: OrderedDict[tuple[Any, ...], tuple[tuple[int, ...], list[Key]]] = OrderedDict()

    def page(self, source: Source, query: Query) -> Page:
        ordered = self._ordered(source, query)
        descending = query.sort.startswith("-")
        size = len(ordered) if query.size is None else query.size
        first, last, backwards = 0, len(ordered), False
        if query.cursor is not None:
            backwards, key = _decode(query.cursor, query.sort)
            ahead = backwards == descending
            if ahead:
                first = bisect_right(ordered, key)
            else:
                last = bisect_left(ordered, key)
        if descending != backwards:
            first = max(first, last - size)
        else:
            last = min(last, first + size)
        keys = ordered[first:last]
        if descending:
            keys.reverse()
        found = (self.store.get(source.type, key[-1]) for key in keys)
        records = [record for record in found if record is not None]
        more_after, more_before = (first > 0, last < len(ordered)) if descending else (last < len(ordered), first > 0)
        return Page(
            records,
            _encode("next", query.sort, keys[-1]) if keys and more_after else None,
            _encode("prev", query.sort, keys[0]) if keys and more_before else None,
        )

    def _ordered(self, source: Source, query: Query) -> list[Key]:
        key = (source.key, query.filter_text, query.sort.lstrip("-"))
        kept = self._kept.get(key)
        if kept is not None and kept[0] == source.version:
            self._kept.move_to_end(key)
            return kept[1]
        name = query.sort.lstrip("-")
        value, joined = self.fields.value, source.joined
        records = self._candidates(source, query)
        for one in query.filter:
            records = [record for record in records if filters.matches(one, value(record, one.field, joined))]
        if name == "id":
            ordered: list[Key] = sorted((record.id,) for record in records)
        else:
            ordered = sorted((*_sortable(value(record, name, joined)), record.id) for record in records)
        self._kept[key] = (source.version, ordered)
        if len(self._kept) > self.KEPT:
            self._kept.popitem(last=False)
        return ordered

    def _candidates(self, source: Source, query: Query) -> Iterable[Record]:
        """The records that can match: where a filter names them, those alone rather than all."""
        for one in query.filter:
            ids = self._named(source.type, one)
            if ids is None:
                continue
            if source.key[0] == "group":
                ids = [id_ for id_ in ids if id_ in source.joined]
            elif source.key[0] != "all":
                continue
            return [record for record in (self.store.get(source.type, id_) for id_ in ids) if record is not None]
        return source.records()

    def _named(self, type_: str, one: filters.Comparison) -> list[str] | None:
        if one.operator not in ("equals", "any"):
            return None
        values = one.value if isinstance(one.value, list) else [one.value]
        if one.field in ("id", "ids"):
            return [str(value) for value in values]
        if type_ == "profile" and one.field in ("email", "phone_number", "external_id"):
            found = (self.store.find_profile(one.field, str(value)) for value in values)
            return [record.id for record in found if record is not None]
        if type_ == "event" and one.field in ("metric_id", "profile_id"):
            return [
                id_ for value in values for id_ in self.store.referring_ids(str(value), "event").get(one.field[:-3], ())
            ]
        return None


def _sortable(value: Any) -> Key:
    if isinstance(value, list):
        value = min((one for one in value if one is not None), default=None)
    return (0, "") if value is None else (1, value)


def _encode(direction: str, sort: str, key: Key) -> str:
    text = json.dumps([direction, sort, *key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(cursor: str, sort: str) -> tuple[bool, Key]:
    try:
        direction, of, *key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if direction not in ("next", "prev") or of != sort or len(key) != (1 if sort.lstrip("-") == "id" else 3):
            raise ValueError(cursor)
    except (ValueError, TypeError, KlaviyoError):
        raise invalid("Invalid cursor provided.", parameter="page[cursor]") from None
    return direction == "prev", tuple(key)
