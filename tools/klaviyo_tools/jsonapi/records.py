"""JSON:API documents -> flat records, without links and envelopes.

Links are most of an answer's bytes and bypass the gateway: they are dropped. The cursor of `links.next` is read from
it, and the link itself is never followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from klaviyo_tools.jsonapi.documents import JSON

MAX_CURSOR_CHARACTERS = 2_000


class DocumentError(ValueError):
    """An answer is not a valid JSON:API document."""


class RelatedIds(NamedTuple):
    """The ids of the records to which one relationship leads."""

    type: str
    ids: tuple[str, ...]
    many: bool


class Record(NamedTuple):
    """One record: its attributes as Klaviyo sends them, and the ids of its relationships."""

    type: str
    id: str
    attributes: Mapping[str, Any]
    related: Mapping[str, RelatedIds]


class Page(NamedTuple):
    """One document: its records, those it includes, and the cursor of the next page."""

    records: Sequence[Record]
    included: Mapping[tuple[str, str], Record]
    next_cursor: str | None
    single: bool
    """Whether its `data` is one object or null."""
    total: int | None = None
    """The number of all records, where Klaviyo sends it."""
    size: int = 0
    """The bytes of the answer that held it, where they are known."""


EMPTY: Mapping[Any, Any] = {}


def flatten_document(document: JSON, size: int = 0) -> Page:
    """The records of a JSON:API document of `size` bytes.

    Raises DocumentError for an invalid one; unknown members are ignored.
    """
    if not isinstance(document, dict):
        raise DocumentError(f"the answer is {_kind(document)} where a JSON:API document was expected")
    if "data" not in document:
        raise DocumentError("the answer has no data member")
    data = document["data"]
    single = not isinstance(data, list)
    objects = ([] if data is None else [data]) if single else data
    records = [_record(item) for item in objects]
    included = document.get("included") or ()
    if not isinstance(included, list | tuple):
        raise DocumentError(f"its included member is {_kind(included)} where an array was expected")
    joined = {(record.type, record.id): record for record in map(_record, included)} if included else EMPTY
    return Page(records, joined, _next_cursor(document.get("links")), single, _total(document.get("meta")), size)


def next_cursor(link: str) -> str | None:
    """The cursor of a `links.next`: `page[cursor]`, or `page_cursor` in reports. None where the link has none."""
    try:
        # A cursor is base64, in which + is no space.
        pairs = dict(parse_qsl(urlsplit(link).query.replace("+", "%2B")))
    except ValueError:
        raise DocumentError("its next link is not a URL") from None
    cursor = pairs.get("page[cursor]") or pairs.get("page_cursor")
    if cursor and (len(cursor) > MAX_CURSOR_CHARACTERS or not cursor.isprintable()):
        raise DocumentError("its next cursor is not one")
    return cursor


def _record(item: Any) -> Record:
    try:
        kind = item["type"]
        id_ = item.get("id")
        attributes = item.get("attributes")
        relationships = item.get("relationships")
    except (TypeError, KeyError, AttributeError):
        raise DocumentError("a record in it is not an object with a type") from None
    if not isinstance(kind, str):
        raise DocumentError("a record in it has a type that is no string")
    if attributes is None:
        attributes = EMPTY
    elif not isinstance(attributes, dict):
        raise DocumentError(f"the attributes of a {kind[:40]!r} are {_kind(attributes)}")
    return Record(kind, _id(id_), attributes, _related(relationships) if relationships else EMPTY)


def _id(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise DocumentError(f"an id in it is {_kind(value)}")


def _related(relationships: Any) -> Mapping[str, RelatedIds]:
    if not isinstance(relationships, dict):
        raise DocumentError(f"the relationships of a record are {_kind(relationships)}")
    related = {}
    for name, relationship in relationships.items():
        data = relationship.get("data") if isinstance(relationship, dict) else None
        if not data:
            continue
        many = isinstance(data, list)
        try:
            identifiers = data if many else [data]
            ids = tuple([_id(identifier["id"]) for identifier in identifiers])
            kind = identifiers[0]["type"]
        except (TypeError, KeyError):
            raise DocumentError(f"the relationship {str(name)[:40]!r} holds something other than identifiers") from None
        related[name] = RelatedIds(str(kind), ids, many)
    return related


def _next_cursor(links: Any) -> str | None:
    link = links.get("next") if isinstance(links, dict) else None
    if isinstance(link, dict):
        link = link.get("href")
    return next_cursor(link) if isinstance(link, str) and link else None


def _total(meta: Any) -> int | None:
    total = meta.get("total") if isinstance(meta, dict) else None
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return kinds.get(type(value), "something else")
