"""Where an argument stands in the request: marks on the fields of a model.

A field without such a mark is a JSON:API attribute of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from pydantic.fields import FieldInfo

from klaviyo_tools.arguments.annotations import marks_of


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute with another name than the argument; a dotted path leads into objects."""

    name: str


@dataclass(frozen=True, slots=True)
class Relationship:
    """Ids under `data.relationships`, many where the field is a list. `name` defaults to the argument's, hyphenated."""

    type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Plain objects that Klaviyo wants as resources inside an attribute, under its `data`."""

    type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """`data.id`: the record that the operation acts on, where its id is not in the path."""


@dataclass(frozen=True, slots=True)
class Meta:
    """A value under `data.meta`, at this dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class PathId:
    """An id in the operation's path."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter of this name; lists are comma-joined."""

    name: str


@dataclass(frozen=True, slots=True)
class Linkage:
    """The whole of `data`: resource identifiers of this type, a list or one."""

    type: str


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a multipart form."""

    name: str


@dataclass(frozen=True, slots=True)
class AnswerOption:
    """Shapes the answer (`detail`, `max_results` …) and is not sent itself."""


@dataclass(frozen=True, slots=True, eq=False)
class TextEdits:
    """Replacements in texts of the stored record. They are not sent themselves: the texts that they make are.

    Attributes:
        texts: Name of a text, as a replacement gives it under `in` -> its dotted path below the record's attributes.
        default: The text that is meant where a replacement names none; empty for all texts that the record has.
        refusal: Why a text of a record cannot be changed, from its attributes and the name; None where it can.
        facts: The attributes that `refusal` looks at.
    """

    texts: Mapping[str, str]
    default: str = ""
    refusal: Callable[[Mapping[str, Any], str], str | None] | None = None
    facts: tuple[str, ...] = ()


Place = Attribute | Relationship | Embedded | Target | Meta | PathId | Query | Linkage | Part | AnswerOption | TextEdits
PLACES = get_args(Place)


def place_of(field: FieldInfo) -> Place | None:
    """Where the field's value stands in the request; None for an attribute of the same name."""
    return next((cast(Place, mark) for mark in marks_of(field) if isinstance(mark, PLACES)), None)
