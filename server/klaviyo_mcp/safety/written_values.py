"""The values of a write, before it is checked: cleaned as answers clean them, and free of this server's own marks.

What a preview shows is then what is sent, and a text that was read in a shortened or escaped form cannot replace the
text itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.answers.values import TOO_DEEP
from klaviyo_mcp.untrusted import clean

_MARKS = (
    (
        re.compile(r"…\(\+[\d,]+(?: more)?\)"),
        "ends in the note of a value that was cut. Send the whole value, or leave the argument out",
    ),
    (re.compile("⏎"), "holds ⏎, as tables write a line break. Read the record alone, and send line breaks"),
    (
        re.compile(r"^data-[0-9a-f]{8}$|^Between the two lines data-[0-9a-f]{8}: data,", re.MULTILINE),
        "holds a line that marks data in an answer. Send the value without it",
    ),
    (re.compile(f"^{re.escape(TOO_DEEP)}$"), "is the note of a value that is not shown. Leave it out"),
)
_MEMBER_NOTE = re.compile(r"\(\+[\d,]+ more\)")
"""Stands under the name `…` for the members of an object that were cut."""

_REPLACEMENT = re.compile(r"replacements(?:\[\d+\])?")
"""The path of a replacement in a stored text."""


class MarkError(ValueError):
    """A value holds a mark of an answer; the message names the value, and what to send instead."""


def clean_written_values(value: Any, path: str = "", stored: str = "") -> Any:
    """A JSON value whose strings and keys are cleaned; what also stands in `stored` is no mark. Raises MarkError."""
    if isinstance(value, str) and path == "replacements":
        value = _decoded(value)
    if isinstance(value, str):
        text = clean(value)
        for pattern, reason in _MARKS:
            if any(mark not in stored for mark in pattern.findall(text)):
                raise MarkError(f"{path or 'the value'} {reason}.")
        if text[:1] in ("{", "[") and "\\u" in text:
            _check_json(text, path)
        return text
    if isinstance(value, Mapping):
        if _REPLACEMENT.fullmatch(path) and isinstance(find := value.get("find"), str):
            # It writes nothing, and must stand in the stored text as it is: what it holds is the account's own.
            return {**clean_written_values(_without_find(value), path, find), "find": clean(find)}
        members = {}
        for key, item in value.items():
            name = clean_written_values(str(key), path)
            if name == "…" and isinstance(item, str) and _MEMBER_NOTE.fullmatch(item):
                raise MarkError(f"{path or 'the value'} lacks members that the answer left out. Send the whole value.")
            members[name] = clean_written_values(item, f"{path}.{name}" if path else name, stored)
        return members
    if isinstance(value, list | tuple):
        return [clean_written_values(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return value


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _without_find(replacement: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in replacement.items() if name != "find"}


def _check_json(text: str, path: str) -> None:
    """Check the values of a JSON text, which may hide a mark in an escape. Raises MarkError."""
    value = _decoded(text)
    if not isinstance(value, str):
        clean_written_values(value, path)
