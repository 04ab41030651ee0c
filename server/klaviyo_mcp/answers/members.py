"""The members of large objects and arrays: no more are looked at than an answer can show, the others are counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from klaviyo_mcp.answers.budget import ANSWER_BYTES

MAX_MEMBERS = ANSWER_BYTES // 6
"""The members of one object or array that are looked at: each takes six bytes at least (`"a":1,`), so that no more fit
into an answer. The others are counted."""
MORE = "…"
"""The name of the member that says how many others were left out."""


class LeftOut(str):
    """The note of how many members were left out: `(+990,000 more)`."""

    members: int

    def __new__(cls, count: int, prefix: str = "") -> LeftOut:
        note = super().__new__(cls, f"{prefix}(+{count:,} more)")
        note.members = count
        return note


def first_members(members: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The members of an object that are looked at."""
    return members.items() if len(members) <= MAX_MEMBERS else islice(members.items(), MAX_MEMBERS)


def first_items(items: Sequence[Any]) -> Sequence[Any]:
    """The items of an array that are looked at."""
    return items if len(items) <= MAX_MEMBERS else items[:MAX_MEMBERS]


def left_out(note: object) -> int:
    """How many members a note says were left out; 0 for any other value."""
    return note.members if isinstance(note, LeftOut) else 0
