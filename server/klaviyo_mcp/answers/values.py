"""One JSON value as text: in a cell of a table, as compact JSON, cut to a size with what was cut told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.untrusted import clean, clean_value

CELL_CHARACTERS = 160
"""Characters of a cell in a summary; what is longer is cut and its rest told."""
NAMED_CELL_CHARACTERS = 800
"""Characters of a cell whose column was asked for by name."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
# What JSON writes for characters that are removed: C0 controls but tab and line feed.
_ESCAPED = re.compile(r"\\(?:u00|u[dD][89a-fA-F]|[bfr])")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_PLAIN = str.maketrans({"\n": "⏎", "\t": " "})
_DEEPEST = 8
_MEASURE = 60
"""Levels of nesting that are shown; no property that anyone means to send has as many."""
TOO_DEEP = "(nested too deeply to show)"
_MARKER = 24
"""Bytes that tell what was cut, quotes included: `…(+1,234,567 more)`."""


def value_at(value: Any, path: Sequence[str]) -> Any:
    """The value at a path of attribute names, None where there is none; in an array, the values of its elements.

    The rest of a path may be one name (a custom property called `size.eu`).
    """
    for depth, key in enumerate(path):
        if isinstance(value, dict):
            inner = value.get(key)
            if inner is None and key not in value:
                return value.get(".".join(path[depth:])) if depth + 1 < len(path) else None
            value = inner
        elif isinstance(value, list):
            rest = path[depth:]
            return [found for item in value if (found := value_at(item, rest)) is not None] or None
        else:
            return None
    return value


def is_empty(value: Any) -> bool:
    """Whether there is nothing to show: null, an empty string, array or object; zero and false are something."""
    return not value and not isinstance(value, bool | int | float)


def timestamp(text: str) -> str | None:
    """A timestamp to the second, in UTC where its zone is told (`2026-01-05T09:00:00Z`); None for any other text."""
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    day, time, zone = found.groups()
    if zone in (None, "Z", "+00:00", "+0000"):
        return f"{day}T{time}{'Z' if zone else ''}"
    try:
        return f"{datetime.fromisoformat(f'{day}T{time}{zone}').astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError):
        return None


def to_json(value: Any) -> str:
    """Compact JSON in one line, cleaned of what cannot be seen."""
    try:
        text = _encode(value)
        if text.isprintable() and text.isascii() and not _ESCAPED.search(text):
            return text
        if clean(text) == text and not _ESCAPED.search(text):
            return text
        return _encode(clean_value(value))
    except RecursionError:
        return _encode(TOO_DEEP)


def cell(value: Any, limit: int = CELL_CHARACTERS) -> str:
    """The value as one line of text of about `limit` characters at most."""
    if value is None:
        return ""
    if isinstance(value, str):
        if len(value) <= limit and value.isascii() and value.isprintable():
            if len(value) >= 19 and value[0].isdigit():
                return timestamp(value) or value
            return value
        return shorten(value, limit)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return shorten(_encode(value), limit)
    if not value:
        return ""
    if isinstance(value, list | tuple) and not any(isinstance(item, dict | list) for item in value):
        return join_cells([cell(item, limit) for item in value[: limit + 1]], limit, len(value))
    return shorten(to_json(value), limit)


def shorten(text: str, limit: int) -> str:
    """The text in one line, cleaned, its first `limit` characters and the number of the others: `Dear …(+1,234)`."""
    head = text[: 4 * limit]
    seen = clean(head)
    if len(seen) <= limit and len(head) == len(text):
        return seen.translate(_PLAIN)
    shown = seen[:limit].translate(_PLAIN)
    return f"{shown}…(+{len(text) - len(head) + len(seen) - len(shown):,})"


def join_cells(parts: Sequence[str], limit: int, count: int | None = None) -> str:
    """Values of one cell, `; ` between them, cut between two of them: `a; b …(+12 more)`."""
    count = len(parts) if count is None else count
    text = "; ".join(parts)
    if len(text) <= limit and len(parts) == count:
        return text
    shown, length = 0, 0
    for part in parts:
        length += len(part) + 2
        if length > limit and shown:
            break
        shown += 1
    rest = count - shown
    return "; ".join(parts[:shown]) + (f" …(+{rest:,} more)" if rest else "")


def without_empties(value: Any, depth: int = 0) -> Any:
    """The value without the nulls and empties in its objects; what is nested beyond measure is told as such."""
    if depth > _MEASURE:
        return TOO_DEEP if isinstance(value, dict | list) else value
    if isinstance(value, dict):
        members = {}
        for key, item in value.items():
            if isinstance(item, dict | list):
                item = without_empties(item, depth + 1)
            if item or (item is not None and item != "" and isinstance(item, int | float)):
                members[key] = item
        return members
    if isinstance(value, list):
        return [without_empties(item, depth + 1) for item in value]
    return value


def json_bytes(value: Any) -> int:
    """Bytes of the value as compact JSON."""
    return len(to_json(value).encode())


def fit(value: Any, room: int, depth: int = 0) -> Any:
    """The value with its longest parts cut so that its JSON takes at most `room` bytes (for rooms above some 60 bytes).

    Strings keep their beginning, arrays their first elements, objects all their short members; each tells what it lost.
    """
    text = to_json(value)
    if len(text.encode()) <= room:
        return value
    if isinstance(value, str):
        return _fit_text(clean(value), room)
    if isinstance(value, dict) and depth < _DEEPEST:
        return fit_members({clean(str(key)): item for key, item in value.items()}, room, depth)
    if isinstance(value, list) and depth < _DEEPEST:
        return _fit_list(value, room, depth)
    return _fit_text(text, room)


def fit_members(members: Mapping[str, Any], room: int, depth: int = 0) -> dict[str, Any]:
    """`fit` for an object: room is shared so that only the longest members are cut; those without room are counted."""
    least = _MARKER + 8
    entries: dict[str, Any] = {}
    for key, item in members.items():
        name = _fit_text(key, 64) if len(key) > 40 and json_bytes(key) > 64 else key
        entries[name if name not in entries else f"{name}~{len(entries)}"] = item
    keys = [json_bytes(key) + 2 for key in entries]
    sizes = [json_bytes(item) for item in entries.values()]
    left, shown = room - 2 - least - 8, 0
    for key_size, item_size in zip(keys, sizes, strict=True):
        left -= key_size + min(item_size, least)
        if left < 0:
            break
        shown += 1
    left_out = len(entries) - shown
    level = _level(sizes[:shown], room - 2 - least - 8 - sum(keys[:shown]))
    fitted = {
        key: item if length <= level else fit(item, level, depth + 1)
        for (key, item), length in zip(list(entries.items())[:shown], sizes, strict=False)
    }
    if left_out:
        fitted["…"] = f"(+{left_out:,} more)"
    return fitted


def _level(sizes: Sequence[int], room: int) -> int:
    """The size down to which the largest must be cut so that all together take `room`."""
    left, count = room, len(sizes)
    for length in sorted(sizes):
        if length * count > left:
            return left // count
        left -= length
        count -= 1
    return max(sizes, default=room)


def _fit_text(text: str, room: int) -> str:
    room -= _MARKER
    shown = text[: max(room, 0)]
    while shown and (length := json_bytes(shown)) > room:
        shown = shown[: min(len(shown) - 1, len(shown) * room // length)]
    return f"{shown}…(+{len(text) - len(shown):,})"


def _fit_list(items: Sequence[Any], room: int, depth: int) -> list[Any]:
    left = room - _MARKER - 3
    shown: list[Any] = []
    for item in items:
        length = json_bytes(item) + 1
        if length > left:
            break
        shown.append(item)
        left -= length
    if not shown and left > 2 * _MARKER:
        shown.append(fit(items[0], left - 1, depth + 1))
    rest = len(items) - len(shown)
    return [*shown, f"…(+{rest:,} more)"] if rest else shown
