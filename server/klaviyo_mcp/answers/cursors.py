"""Cursors with which an answer goes on at exactly the next record."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from klaviyo_tools.jsonapi.records import MAX_CURSOR_CHARACTERS


class CursorError(ValueError):
    """A cursor from which no answer can go on. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a collection.

    Attributes:
        cursor: Klaviyo's cursor of the page; None for the first page.
        size: The size of that page; None where Klaviyo takes no page size.
        skip: The number of records before it in that page.
    """

    cursor: str | None = None
    size: int | None = None
    skip: int = 0


START = Position()

CursorText = Callable[[Position], str]
"""Makes the text of the cursor that goes on from a position."""

# Our cursor: "k~", then in base64 fingerprint (4 bytes), checksum (4), page size (2; 0: none) and records to skip (3),
# then Klaviyo's own cursor.
_PREFIX = "k~"
_HEADER_CHARACTERS = 18
_LARGEST_SKIP = 2**24 - 1
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str).encode
_KLAVIYO_CURSOR = re.compile(r"[!-~]+")


def fingerprint(query: Mapping[str, Any]) -> bytes:
    """A digest (4 bytes) of what must stay the same from one answer to the next: operation, ids, filter, sort …"""
    return blake2b(_encode(query).encode("utf-8", "surrogatepass"), digest_size=4, person=b"cursor").digest()


def encode_cursor(position: Position, query: bytes) -> str:
    """The cursor text of a position in this query: URL-safe, 20 characters longer than Klaviyo's own."""
    tail = quote(position.cursor or "", safe="=")
    numbers = (position.size or 0).to_bytes(2, "big") + min(position.skip, _LARGEST_SKIP).to_bytes(3, "big")
    header = query + _checksum(query + numbers, tail) + numbers
    return f"{_PREFIX}{urlsafe_b64encode(header).decode().rstrip('=')}{tail}"


def decode_cursor(text: str, query: bytes) -> Position:
    """The position that a cursor text stands for in this query; the text may be a cursor of Klaviyo's own.

    Raises CursorError for a cursor of another query, and for a damaged one.
    """
    text = text.strip().strip("\"'`").removeprefix("cursor=")
    if not text.startswith(_PREFIX):
        is_address = text.lower().startswith(("http:", "https:"))
        if len(text) > MAX_CURSOR_CHARACTERS or not _KLAVIYO_CURSOR.fullmatch(text) or is_address:
            raise CursorError("this is not a cursor: copy it whole from the last answer, or start again without cursor")
        return Position(text)
    head, tail = text[len(_PREFIX) : len(_PREFIX) + _HEADER_CHARACTERS], text[len(_PREFIX) + _HEADER_CHARACTERS :]
    try:
        header = urlsafe_b64decode(head + "==") if head.isascii() else b""
    except ValueError:
        header = b""
    if len(header) != 13 or _checksum(header[:4] + header[8:], tail) != header[4:8]:
        raise CursorError("the cursor is damaged: copy it whole from the last answer, or start again without cursor")
    if header[:4] != query:
        raise CursorError(
            "the cursor belongs to another call: keep the tool, its ids, filter and sort the same, "
            "or start again without cursor"
        )
    size = int.from_bytes(header[8:10], "big")
    return Position(unquote(tail) or None, size or None, int.from_bytes(header[10:], "big"))


def _checksum(header: bytes, tail: str) -> bytes:
    return blake2b(header + tail.encode("utf-8", "replace"), digest_size=4, person=b"checksum").digest()
