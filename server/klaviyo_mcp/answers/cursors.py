"""Cursors that go on at exactly the next record."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, unquote

from klaviyo_tools.jsonapi.records import CURSOR_CHARACTERS


class CursorError(ValueError):
    """A cursor that cannot be gone on from. The message says what to do."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a collection: after so many records of the page that a cursor of Klaviyo's begins."""

    cursor: str | None = None
    size: int | None = None
    skip: int = 0


START = Position()

CursorText = Callable[[Position], str]
"""Makes the text of the cursor that goes on from a position."""

# Ours: "k~", then fingerprint (4 bytes), checksum (4), page size (2; 0 is none) and records to skip (3) in base64, then
# Klaviyo's own cursor.
_MARK = "k~"
_HEADER = 18
_LARGEST_SKIP = 2**24 - 1
_RAW = re.compile(r"[!-~]+")


def fingerprint(query: Mapping[str, Any]) -> bytes:
    """A short digest of all that must stay the same from one answer to the next: operation, ids, filter, sort …"""
    text = json.dumps(query, sort_keys=True, separators=(",", ":"), default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4, person=b"cursor").digest()


def encode_cursor(position: Position, query: bytes) -> str:
    """The cursor text of a position in this query: URL-safe, 20 characters longer than Klaviyo's own."""
    tail = quote(position.cursor or "", safe="=")
    numbers = (position.size or 0).to_bytes(2, "big") + min(position.skip, _LARGEST_SKIP).to_bytes(3, "big")
    header = query + _checksum(query + numbers, tail) + numbers
    return f"{_MARK}{urlsafe_b64encode(header).decode().rstrip('=')}{tail}"


def decode_cursor(text: str, query: bytes) -> Position:
    """The position that a cursor text stands for in this query. A cursor of Klaviyo's own is taken as it is.

    Raises CursorError for a cursor of another query, and for one that was damaged on its way.
    """
    text = text.strip().strip("\"'`").removeprefix("cursor=")
    if not text.startswith(_MARK):
        if len(text) > CURSOR_CHARACTERS or not _RAW.fullmatch(text) or text.lower().startswith(("http:", "https:")):
            raise CursorError("this is not a cursor: copy it whole from the last answer, or start again without cursor")
        return Position(text)
    head, tail = text[len(_MARK) : len(_MARK) + _HEADER], text[len(_MARK) + _HEADER :]
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
