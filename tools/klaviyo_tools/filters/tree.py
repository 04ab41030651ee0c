"""The tree of a filter in Klaviyo's language, and its exact text.

Source: https://developers.klaviyo.com/en/docs/filtering_ and the filter parameters of Klaviyo's OpenAPI document.
Strings are escaped as JSON, which is what Klaviyo's own client libraries write.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

LIST_OPERATORS = ("any", "contains-any", "contains-all")
"""Operators whose value is a list."""
ORDER_OPERATORS = ("greater-than", "greater-or-equal", "less-than", "less-or-equal")
"""Operators that compare times or numbers."""
TEXT_OPERATORS = ("contains", "starts-with", "ends-with")
"""Operators that look inside a text."""
MAX_NESTING = 16
OPERATORS = ("equals", *LIST_OPERATORS, *TEXT_OPERATORS, *ORDER_OPERATORS, "has")

NAME = r"(?:[^\W\d][\w$-]*|\$[\w$-]+)"
"""One step of a field's path."""
# Plain strings, which `re` compiles and keeps when a filter is first read: the server's start does not wait for them.
_KEY = r"""\[("(?:[^"\\]|\\.)*")\]"""
_FIELD = rf"{NAME}(?:[. ]{NAME}|{_KEY})*"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_TIME = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]\s*([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?\s*([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


class FilterError(ValueError):
    """A filter that cannot be sent. The message says what is wrong and how to write it; `position` counts from 0."""

    def __init__(self, reason: str, position: int | None = None, advice: str = "") -> None:
        place = "" if position is None else f" at character {position + 1}"
        super().__init__(f"{reason}{place}{advice}")
        self.reason = reason
        self.position = position


class UnknownOperator(FilterError):
    """A word where an operator should stand."""

    def __init__(self, word: str, position: int | None = None) -> None:
        super().__init__(f"unknown operator {value_text(word, 40)}", position)
        self.word = word


class AbsentValue(Enum):
    """The value of an operator that takes none (`has`)."""

    ABSENT = "absent"


ABSENT = AbsentValue.ABSENT


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written, so that `1.10` stays `1.10`."""

    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(_NUMBER, self.text):
            raise FilterError(f"{value_text(self.text)} is not a number")


@dataclass(frozen=True, slots=True)
class Moment:
    """An ISO 8601 date or time, which Klaviyo wants without quotes. `written` is how it was given."""

    text: str
    written: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if parse_moment(self.text) != self.text:
            raise FilterError(f"{value_text(self.text)} is not a time such as 2026-03-01T09:00:00Z")

    @property
    def is_local(self) -> bool:
        """Whether it is a time of day without an offset."""
        return "T" in self.text and not re.search(r"(?:Z|[+-][0-9:]{5})$", self.text)


Scalar = str | bool | Number | Moment | None
Value = Scalar | tuple[Scalar, ...] | AbsentValue


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator(field,value)`; nothing that would not survive being written and read again can be made."""

    operator: str
    field: str
    value: Value = ABSENT

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise FilterError(f"{value_text(self.operator)} is not an operator of Klaviyo's")
        if not _is_field(self.field):
            raise FilterError(f"{value_text(self.field)} is not a field name")
        if self.value == ():
            raise FilterError(f"the list of {self.operator}({self.field},[…]) is empty")
        if self.operator == "has" and self.value is not ABSENT:
            raise FilterError("has(field) takes no value")
        if self.operator != "has" and self.value is ABSENT:
            raise FilterError(f"{self.operator} needs a value")
        for item in self.value if isinstance(self.value, tuple) else (self.value,):
            _sendable(item)
        _sendable(self.field)


@dataclass(frozen=True, slots=True)
class And:
    """All of them hold."""

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _not_empty(self.parts, "and")


@dataclass(frozen=True, slots=True)
class Or:
    """One of them holds. Klaviyo's operations do not take it; it is read so that it can be rewritten or refused."""

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _not_empty(self.parts, "or")


@dataclass(frozen=True, slots=True)
class Not:
    """It does not hold. Read only to be refused, as Or."""

    part: Filter


Filter = Comparison | And | Or | Not


def render_filter(filter: Filter) -> str:
    """The filter as Klaviyo reads it, not yet percent-encoded; `parse` gives back the same tree."""
    if isinstance(filter, And | Or):
        return f"{type(filter).__name__.lower()}({','.join(render_filter(part) for part in filter.parts)})"
    if isinstance(filter, Not):
        return f"not({render_filter(filter.part)})"
    if isinstance(filter.value, AbsentValue):
        return f"{filter.operator}({filter.field})"
    if isinstance(filter.value, tuple):
        return f"{filter.operator}({filter.field},[{','.join(_written(item) for item in filter.value)}])"
    return f"{filter.operator}({filter.field},{_written(filter.value)})"


def parse_moment(text: str) -> str | None:
    """A date or time in the form that Klaviyo reads (`T`, seconds, `Z` or `+00:00`), None if it is none.

    An offset that is missing stays missing.
    """
    shape = re.fullmatch(_TIME, text)
    if shape is None:
        return None
    day, minute, second, offset = shape.groups()
    offset = (offset or "").upper()
    if offset not in ("", "Z"):
        digits = offset[1:].replace(":", "").ljust(4, "0")
        offset = f"{offset[0]}{digits[:2]}:{digits[2:]}"
    exact = day if minute is None else f"{day}T{minute}{second or ':00'}{offset}"
    try:
        # Only the calendar is asked here: how many decimals of a second there are is Klaviyo's affair.
        datetime.fromisoformat(re.sub(r"\.[0-9]+", "", exact))
    except ValueError:
        return None
    return exact


def render_literal(text: str) -> Scalar:
    """What a value without quotes means: true, false, null, a number, a time, or else text."""
    word = {"true": True, "false": False}.get(text.lower())
    if word is not None:
        return word
    if text.lower() == "null":
        return None
    if re.fullmatch(_NUMBER, text):
        return Number(text)
    exact = parse_moment(text)
    if exact is not None:
        return Moment(exact, text)
    if re.fullmatch(_TIME, text):
        raise FilterError(f"{value_text(text)} is not a day and time that exist")
    return text


def value_text(text: str, most: int = 60) -> str:
    """A text as an error quotes it: one line, cut, always encodable."""
    whole = text[:most].encode("utf-8", "replace").decode()
    quoted = json.dumps(whole, ensure_ascii=False)
    return quoted if len(text) <= most else f'{quoted[:-1]}…"'


def _written(value: Scalar) -> str:
    if isinstance(value, Number | Moment):
        return value.text
    # JSON's escapes are what Klaviyo's own libraries write.
    return json.dumps(value, ensure_ascii=False)


def _is_field(text: str) -> bool:
    if not re.fullmatch(_FIELD, text):
        return False
    try:
        return all(json.dumps(json.loads(key), ensure_ascii=False) == key for key in re.findall(_KEY, text))
    except ValueError:
        return False


def _not_empty(parts: tuple[Filter, ...], name: str) -> None:
    if not parts:
        raise FilterError(f"{name}() holds no condition")


def _sendable(value: Value) -> None:
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        raise FilterError(f"{value_text(value)} holds half a character (a lone surrogate)")
