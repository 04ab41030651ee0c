"""One JSON value as text: a cell of a table, or compact JSON; where it is cut, it says how much was."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from klaviyo_mcp.answers.cuts import cut_position
from klaviyo_mcp.answers.members import MAX_MEMBERS, MORE, LeftOut, first_items, first_members, left_out
from klaviyo_mcp.untrusted import clean, clean_value

CELL_CHARACTERS = 160
"""Characters of a cell in a summary; a longer value is cut."""
FIELD_CELL_CHARACTERS = 800
"""Characters of a cell where the call chose the columns."""
MAX_DEPTH = 60
"""Levels of nesting that are shown; no property that a person sends has as many."""
TOO_DEEP = "(nested too deeply to show)"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
# JSON escapes of the characters that `clean` removes: C0 controls but tab and line feed, and half surrogate pairs.
_INVISIBLE_ESCAPE = re.compile(r"\\(?:u00|u[dD][89a-fA-F]|[bfr])")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_ONE_LINE = str.maketrans({"\n": "⏎", "\t": " "})
_CUT_NOTE = re.compile(r"…\(\+[\d,]+\)\Z")
_MAX_CUT_DEPTH = 8
"""Levels of nesting whose members are cut one by one; deeper ones are cut as text."""
_CUT_NOTE_BYTES = 24
"""Bytes of the note on how much was cut, quotes included: `…(+1,234,567 more)`."""


def value_at(value: Any, path: Sequence[str]) -> Any:
    """The value at a path of attribute names, None where there is none; in an array, the values of its elements.

    The last names of a path may be one name with dots, such as a custom property called `size.eu`.
    """
    for depth, key in enumerate(path):
        if isinstance(value, dict):
            member = value.get(key)
            if member is None and key not in value:
                return value.get(".".join(path[depth:])) if depth + 1 < len(path) else None
            value = member
        elif isinstance(value, list):
            rest = path[depth:]
            return [inner for item in value if (inner := value_at(item, rest)) is not None] or None
        else:
            return None
    return value


def is_empty(value: Any) -> bool:
    """Whether a value is null or an empty string, array or object; zero and false are not empty."""
    return not value and not isinstance(value, bool | int | float)


@lru_cache(256)  # an answer shows most timestamps twice: in a column, and as the span above the rows
def timestamp(text: str) -> str | None:
    """A timestamp to the second, in UTC where it has an offset (`2026-01-05T09:00:00Z`); None for any other text."""
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    zone, local = match[1], f"{text[:10]}T{text[11:19]}"
    if zone in (None, "Z", "+00:00", "+0000"):
        return f"{local}Z" if zone else local
    try:
        return f"{datetime.fromisoformat(f'{local}{zone}').astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError):
        return None


def to_json(value: Any) -> str:
    """A value as compact JSON in one line, without invisible characters."""
    try:
        text = _encode(value)
        if text.isprintable() and text.isascii() and not _INVISIBLE_ESCAPE.search(text):
            return text
        if clean(text) == text and not _INVISIBLE_ESCAPE.search(text):
            return text
        return _encode(clean_value(value))
    except RecursionError:
        return _encode(TOO_DEEP)


def cell(value: Any, limit: int = CELL_CHARACTERS) -> str:
    """A value as one line of text: about `limit` characters at most, cut with a note of how many more there are.

    A timestamp is written to the second, an array as `a; b; c`, an object as compact JSON; null and empty are "".
    """
    if isinstance(value, str):
        if len(value) <= limit and value.isascii() and value.isprintable():
            if len(value) >= 19 and value[4] == "-":
                return timestamp(value) or value
            return value
        return shorten(value, limit)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return shorten(_encode(value), limit)
    if not value:
        return ""
    if isinstance(value, list | tuple) and not any(isinstance(item, dict | list) for item in value):
        return join_cells([cell(item, limit) for item in value[: limit + 1]], limit, len(value))
    return shorten(to_json(_beginning(value)), limit)


def _beginning(value: Any) -> Any:
    """What a cell can show of an array or object: the cut is by characters, and each member has one at least."""
    if isinstance(value, dict) and len(value) > MAX_MEMBERS:
        return dict(first_members(value))
    return first_items(value) if isinstance(value, list) else value


def shorten(text: str, limit: int) -> str:
    """A text in one line, cleaned: its first `limit` characters and the number of the others, `Dear …(+1,234)`."""
    beginning = text[: 4 * limit]  # cleaning removes characters, and a long text need not be cleaned whole
    visible = clean(beginning)
    if len(visible) <= limit and len(beginning) == len(text):
        return visible.translate(_ONE_LINE)
    position = cut_position(visible, limit)
    head = visible[:position].translate(_ONE_LINE)
    return f"{head}…(+{len(text) - len(beginning) + len(visible) - position:,})"


def join_cells(parts: Sequence[str], limit: int, count: int | None = None) -> str:
    """Values of one cell, `; ` between them; beyond `limit` characters cut between two of them: `a; b …(+12 more)`.

    `count` is the number of values where `parts` are the first of them alone.
    """
    count = len(parts) if count is None else count
    text = "; ".join(parts)
    if len(text) <= limit and len(parts) == count:
        return text
    fitting, length = 0, 0
    for part in parts:
        length += len(part) + 2
        if length > limit and fitting:
            break
        fitting += 1
    rest = count - fitting
    return "; ".join(parts[:fitting]) + (f" …(+{rest:,} more)" if rest else "")


def without_empties(value: Any, depth: int = 0, *, nulls: bool = False) -> Any:
    """A value without the nulls and empties in its objects; below `MAX_DEPTH` levels stands a note instead.

    Of an object or array, `MAX_MEMBERS` members are looked at; a note counts the others. `nulls` keeps the nulls, where
    the names in the objects say something by themselves.
    """
    if depth > MAX_DEPTH:
        return TOO_DEEP if isinstance(value, dict | list) else value
    if isinstance(value, dict):
        members = {}
        for key, item in first_members(value):
            if isinstance(item, dict | list):
                item = without_empties(item, depth + 1, nulls=nulls)
            if item or (item is None and nulls) or isinstance(item, int | float):
                members[key] = item
        if len(value) > MAX_MEMBERS:
            members[MORE] = LeftOut(len(value) - MAX_MEMBERS)
        return members
    if isinstance(value, list):
        items = [without_empties(item, depth + 1, nulls=nulls) for item in first_items(value)]
        return [*items, LeftOut(len(value) - MAX_MEMBERS, MORE)] if len(value) > MAX_MEMBERS else items
    return value


def json_bytes(value: Any) -> int:
    """The bytes (UTF-8) of a value as compact JSON."""
    return len(to_json(value).encode())


def fit(value: Any, room: int, depth: int = 0) -> Any:
    """A value whose JSON takes at most `room` bytes (of 60 or more): its longest parts are cut.

    Strings keep their beginning, arrays their first elements, objects all short members; each says how much was cut.
    """
    text = to_json(value)
    if len(text.encode()) <= room:
        return value
    if isinstance(value, str):
        return _fit_text(clean(value), room)
    if isinstance(value, dict) and depth < _MAX_CUT_DEPTH:
        return fit_members({clean(str(key)): item for key, item in value.items()}, room, depth)
    if isinstance(value, list) and depth < _MAX_CUT_DEPTH:
        return _fit_list(value, room, depth)
    return _fit_text(text, room)


def fit_members(members: Mapping[str, Any], room: int, depth: int = 0) -> dict[str, Any]:
    """`fit` for an object: only the longest members are cut; those for which there is no room are counted."""
    smallest = _CUT_NOTE_BYTES + 8
    uncounted = left_out(members.get(MORE))
    entries = _short_names({name: item for name, item in members.items() if not left_out(item)})
    key_sizes = [json_bytes(key) + 2 for key in entries]
    sizes = [json_bytes(item) for item in entries.values()]
    room -= 2 + smallest + 8
    remaining, count = room, 0
    for key_size, size in zip(key_sizes, sizes, strict=True):
        remaining -= key_size + min(size, smallest)
        if remaining < 0:
            break
        count += 1
    largest = _largest_size(sizes[:count], room - sum(key_sizes[:count]))
    cut = {
        key: item if size <= largest else fit(item, largest, depth + 1)
        for (key, item), size in zip(list(entries.items())[:count], sizes, strict=False)
    }
    if rest := len(entries) - count + uncounted:
        cut[MORE] = LeftOut(rest)
    return cut


def _short_names(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members with their names cut to 64 bytes; names that are the same then are numbered."""
    entries: dict[str, Any] = {}
    for key, item in members.items():
        name = _fit_text(key, 64) if len(key) > 40 and json_bytes(key) > 64 else key
        entries[name if name not in entries else f"{name}~{len(entries)}"] = item
    return entries


def _largest_size(sizes: Sequence[int], room: int) -> int:
    """The size to which the largest parts must be cut so that all together take `room`."""
    remaining, count = room, len(sizes)
    for size in sorted(sizes):
        if size * count > remaining:
            return remaining // count
        remaining -= size
        count -= 1
    return max(sizes, default=room)


def _fit_text(text: str, room: int) -> str:
    room -= _CUT_NOTE_BYTES
    head = text[: max(room, 0)]
    while head and (size := json_bytes(head)) > room:
        head = head[: min(len(head) - 1, len(head) * room // size)]
    head = text[: cut_position(text, len(head))]
    return f"{head}…(+{len(text) - len(head):,})"


def without_cut_note(text: str) -> str:
    """A text that `fit` may have cut, without the note on how much it cut."""
    return _CUT_NOTE.sub("", text)


def _fit_list(items: Sequence[Any], room: int, depth: int) -> list[Any]:
    remaining = room - _CUT_NOTE_BYTES - 3
    head: list[Any] = []
    for item in items:
        size = json_bytes(item) + 1
        if size > remaining:
            break
        head.append(item)
        remaining -= size
    if not head and remaining > 2 * _CUT_NOTE_BYTES:
        head.append(fit(items[0], remaining - 1, depth + 1))
    rest = len(items) - len(head)
    if uncounted := left_out(items[-1]):
        rest += uncounted - 1
    return [*head, LeftOut(rest, MORE)] if rest else head
