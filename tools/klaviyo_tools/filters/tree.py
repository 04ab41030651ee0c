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
"""Operators that match a part of a text."""
MAX_NESTING = 16
OPERATORS = ("equals", *LIST_OPERATORS, *TEXT_OPERATORS, *ORDER_OPERATORS, "has")

NAME = r"(?:[^\W\d][\w$-]*|\$[\w$-]+)"
"""One step of a field's path."""
# Plain strings: `re` compiles and caches them with the first filter, so that the server starts without them.
_KEY = r"""\[("(?:[^"\\]|\\.)*")\]"""
_FIELD = rf"{NAME}(?:[. ]{NAME}|{_KEY})*"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?"
_TIME = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]\s*([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]+)?)?\s*([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


class FilterError(ValueError):
    """A filter that cannot be sent. The message says what is wrong and how to write it.

    `position` is the place of the error in the text, counted from 0.
    """

    def __init__(self, reason: str, position: int | None = None, advice: str = "") -> None:
        where = "" if position is None else f" at character {position + 1}"
        super().__init__(f"{reason}{where}{advice}")
        self.reason = reason
        self.position = position


class UnknownOperator(FilterError):
    """A word where an operator should stand."""

    def __init__(self, word: str, position: int | None = None) -> None:
        super().__init__(f"unknown operator {quote_text(word, 40)}", position)
        self.word = word


class AbsentValue(Enum):
    """The value of an operator that takes none (`has`)."""

    ABSENT = "absent"


ABSENT = AbsentValue.ABSENT


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the text of the filter has it, so that `1.10` stays `1.10`."""

    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(_NUMBER, self.text):
            raise FilterError(f"{quote_text(self.text)} is not a number")


@dataclass(frozen=True, slots=True)
class Moment:
    """An ISO 8601 date or time, which Klaviyo takes without quotes. `source_text` is what a model wrote for it."""

    text: str
    source_text: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if parse_moment(self.text) != self.text:
            raise FilterError(f"{quote_text(self.text)} is not a time such as 2026-03-01T09:00:00Z")

    @property
    def is_local(self) -> bool:
        """Whether it is a time of day without an offset."""
        return "T" in self.text and not re.search(r"(?:Z|[+-][0-9:]{5})$", self.text)


Scalar = str | bool | Number | Moment | None
Value = Scalar | tuple[Scalar, ...] | AbsentValue


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operator(field,value)`. Raises FilterError for parts that `render_filter` could not write unambiguously."""

    operator: str
    field: str
    value: Value = ABSENT

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise FilterError(f"{quote_text(self.operator)} is not an operator of Klaviyo's")
        if not _is_field(self.field):
            raise FilterError(f"{quote_text(self.field)} is not a field name")
        if self.value == ():
            raise FilterError(f"the list of {self.operator}({self.field},[…]) is empty")
        if self.operator == "has" and self.value is not ABSENT:
            raise FilterError("has(field) takes no value")
        if self.operator != "has" and self.value is ABSENT:
            raise FilterError(f"{self.operator} needs a value")
        for item in self.value if isinstance(self.value, tuple) else (self.value,):
            _check_encodable(item)
        _check_encodable(self.field)


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_not_empty(self.parts, "and")


@dataclass(frozen=True, slots=True)
class Or:
    """One of the parts holds. Klaviyo's operations do not take it: it is rewritten as `any` or refused."""

    parts: tuple[Filter, ...]

    def __post_init__(self) -> None:
        _check_not_empty(self.parts, "or")


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold. Klaviyo's operations do not take it: it is refused."""

    part: Filter


Filter = Comparison | And | Or | Not


def render_filter(filter: Filter) -> str:
    """The filter as Klaviyo reads it, not yet percent-encoded; `parse_filter` reads it back as the same tree."""
    if isinstance(filter, And | Or):
        return f"{type(filter).__name__.lower()}({','.join(render_filter(part) for part in filter.parts)})"
    if isinstance(filter, Not):
        return f"not({render_filter(filter.part)})"
    if isinstance(filter.value, AbsentValue):
        return f"{filter.operator}({filter.field})"
    if isinstance(filter.value, tuple):
        return f"{filter.operator}({filter.field},[{','.join(_render_value(item) for item in filter.value)}])"
    return f"{filter.operator}({filter.field},{_render_value(filter.value)})"


def parse_moment(text: str) -> str | None:
    """A date or time in the form that Klaviyo reads (`T`, seconds, `Z` or `+00:00`); None where the text is neither.

    A time without an offset stays without one.
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
        # Python checks the calendar only: it takes fewer decimals of a second than Klaviyo may.
        datetime.fromisoformat(re.sub(r"\.[0-9]+", "", exact))
    except ValueError:
        return None
    return exact


def parse_literal(text: str) -> Scalar:
    """The value of a text without quotes: true, false, null, a number, a time, or else the text."""
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
        raise FilterError(f"{quote_text(text)} is not a valid date and time")
    return text


def quote_text(text: str, max_characters: int = 60) -> str:
    """A text as an error quotes it: on one line, at most `max_characters` long, without lone surrogates."""
    whole = text[:max_characters].encode("utf-8", "replace").decode()
    quoted = json.dumps(whole, ensure_ascii=False)
    return quoted if len(text) <= max_characters else f'{quoted[:-1]}…"'


def plain_text(value: object) -> str:
    """A value of a filter as an error names it: text in quotes, a list or an object by its kind."""
    if isinstance(value, Number | Moment):
        return value.text[:60]
    if isinstance(value, str):
        return quote_text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return "a number"
    kinds = {"list": "a list", "tuple": "a list", "dict": "an object"}
    return kinds.get(type(value).__name__, f"a {type(value).__name__}")


def _render_value(value: Scalar) -> str:
    if isinstance(value, Number | Moment):
        return value.text
    # Klaviyo's own libraries write JSON's escapes too.
    return json.dumps(value, ensure_ascii=False)


def _is_field(text: str) -> bool:
    if not re.fullmatch(_FIELD, text):
        return False
    try:
        return all(json.dumps(json.loads(key), ensure_ascii=False) == key for key in re.findall(_KEY, text))
    except ValueError:
        return False


def _check_not_empty(parts: tuple[Filter, ...], name: str) -> None:
    if not parts:
        raise FilterError(f"{name}() holds no condition")


def _check_encodable(value: Value) -> None:
    if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
        raise FilterError(f"{quote_text(value)} contains half a character (a lone surrogate)")
