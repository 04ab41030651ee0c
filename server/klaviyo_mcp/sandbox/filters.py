"""Klaviyo's filter language as the API reads it: parsed, held against what an operation takes, and evaluated.

Source of the grammar: the filtering section of Klaviyo's API overview; the fields and operators are the contract's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.timestamps import parse_timestamp

Value = str | int | float | bool | datetime | list[Any] | None


@dataclass(frozen=True)
class Comparison:
    """`operator(field,value)`. `quoted` tells a string in quotes from a bare word that reads as a date or number."""

    operator: str
    field: str
    value: Value = None


_TOKEN = re.compile(r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[(),\[\]])|(?P<bare>[^\s"(),\[\]]+))')
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "greater-than": lambda a, b: a > b,
    "greater-or-equal": lambda a, b: a >= b,
    "less-than": lambda a, b: a < b,
    "less-or-equal": lambda a, b: a <= b,
}
OPERATORS = frozenset(
    {"equals", "any", "contains", "contains-any", "contains-all", "starts-with", "ends-with", "has", *_ORDER}
)


def parse(text: str, *, parameter: str | None = "filter", pointer: str | None = None) -> list[Comparison]:
    """The comparisons that must all hold. Raises KlaviyoError (400) where the text breaks the grammar."""
    return _Parser(text, lambda detail: _refused(detail, parameter, pointer)).comparisons()


def _refused(detail: str, parameter: str | None, pointer: str | None) -> KlaviyoError:
    error = invalid(f"Invalid filter provided: {detail}", pointer=pointer, parameter=None if pointer else parameter)
    error.code = "invalid_filter"
    return error


class _Parser:
    def __init__(self, text: str, refuse: Callable[[str], KlaviyoError]) -> None:
        self.refuse = refuse
        self.tokens: list[tuple[str, str]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise refuse(f"unreadable at position {position}: {text[position : position + 20]!r}.")
            self.tokens.append((found.lastgroup or "", found[found.lastgroup or 0]))
            position = found.end()
        self.at = 0

    def comparisons(self) -> list[Comparison]:
        if not self.tokens:
            raise self.refuse("it is empty.")
        found = self.clauses()
        if self.at < len(self.tokens):
            raise self.refuse(f"unexpected {self.tokens[self.at][1]!r}.")
        return found

    def clauses(self) -> list[Comparison]:
        found = self.clause()
        while self.peek() == ",":
            self.at += 1
            found += self.clause()
        return found

    def clause(self) -> list[Comparison]:
        operator = self.take("bare", "an operator")
        self.mark("(")
        if operator == "and":
            inner = self.clauses()
            self.mark(")")
            return inner
        if operator not in OPERATORS:
            raise self.refuse(f"{operator!r} is not a valid operator.")
        field = self.take("bare", "a field")
        value: Value = None
        if operator != "has":
            self.mark(",")
            value = self.value()
        self.mark(")")
        return [Comparison(operator, field, value)]

    def value(self) -> Value:
        if self.peek() != "[":
            return self.scalar()
        self.at += 1
        items: list[Any] = []
        while self.peek() != "]":
            items.append(self.scalar())
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != "]":
                raise self.refuse("a list needs commas between its values and a closing bracket.")
        self.at += 1
        return items

    def scalar(self) -> Value:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "the end")
        self.at += 1
        if kind == "string":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "bare":
            if text in ("true", "false"):
                return text == "true"
            if text == "null":
                return None
            if _NUMBER.fullmatch(text):
                return float(text) if "." in text else int(text)
            moment = parse_timestamp(text)
            if moment is not None:
                return moment
        raise self.refuse(f"{text!r} is not a value: strings stand in double quotes, dates are ISO 8601.")

    def peek(self) -> str | None:
        kind, text = self.tokens[self.at] if self.at < len(self.tokens) else ("", "")
        return text if kind == "mark" else None

    def take(self, kind: str, what: str) -> str:
        found = self.tokens[self.at] if self.at < len(self.tokens) else ("", "the end")
        if found[0] != kind:
            raise self.refuse(f"expected {what}, found {found[1]!r}.")
        self.at += 1
        return found[1]

    def mark(self, mark: str) -> None:
        if self.peek() != mark:
            found = self.tokens[self.at][1] if self.at < len(self.tokens) else "the end"
            raise self.refuse(f"expected {mark!r}, found {found!r}.")
        self.at += 1


def check(comparisons: Sequence[Comparison], fields: Mapping[str, Sequence[str]]) -> None:
    """Refuse a field that the operation does not filter by, or an operator that the field does not take."""
    for one in comparisons:
        if one.field not in fields:
            raise _refused(f"{one.field!r} is not a filterable field; allowed: {', '.join(fields)}.", "filter", None)
        if one.operator not in fields[one.field]:
            allowed = ", ".join(fields[one.field])
            raise _refused(f"{one.operator!r} is not allowed for {one.field!r}; allowed: {allowed}.", "filter", None)
        listed = one.operator in ("any", "contains-any", "contains-all")
        if listed != isinstance(one.value, list) and one.operator != "has":
            expected = "a list" if listed else "a single value"
            raise _refused(f"{one.operator!r} takes {expected}.", "filter", None)


def check_kind(comparison: Comparison, kind: str) -> None:
    """Refuse a value of another kind than the field's (`string`, `boolean`, `number`, `integer`, `date-time`)."""
    expected = {
        "boolean": (bool,),
        "number": (int, float),
        "integer": (int,),
        "date-time": (datetime,),
        "string": (str,),
    }
    values = comparison.value if isinstance(comparison.value, list) else [comparison.value]
    for value in values:
        wrong = not isinstance(value, expected[kind]) or (isinstance(value, bool) and kind != "boolean")
        if wrong and value is not None:
            raise _refused(f"the value of {comparison.field!r} must be a {kind}.", "filter", None)


def matches(comparison: Comparison, held: Any) -> bool:
    """Whether what a record holds (for a field of many values, a list or set) satisfies the comparison."""
    operator, wanted = comparison.operator, comparison.value
    if operator == "has":
        return bool(held)
    if isinstance(held, (list, set, tuple)):
        if operator == "contains-all":
            return all(value in held for value in _list(wanted))
        if operator == "contains-any":
            return any(value in held for value in _list(wanted))
        if operator == "contains":
            return wanted in held
        return any(matches(comparison, one) for one in held)
    if operator == "any":
        return any(_equal(held, value) for value in _list(wanted))
    if operator == "equals":
        return _equal(held, wanted)
    if held is None:
        return False
    if operator in _ORDER:
        left, right = _comparable(held, wanted)
        return left is not None and right is not None and _ORDER[operator](left, right)
    return _text_matches(operator, str(held).lower(), wanted)


def _text_matches(operator: str, held: str, wanted: Value) -> bool:
    if operator == "contains":
        return str(wanted).lower() in held
    if operator == "contains-any":
        return any(str(value).lower() in held for value in _list(wanted))
    if operator == "contains-all":
        return all(str(value).lower() in held for value in _list(wanted))
    return held.startswith(str(wanted).lower()) if operator == "starts-with" else held.endswith(str(wanted).lower())


def _list(value: Value) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _equal(held: Any, wanted: Any) -> bool:
    if isinstance(wanted, datetime):
        return bool(parse_timestamp(held) == wanted)
    if isinstance(held, str) and isinstance(wanted, str):
        return held == wanted or ("@" in wanted and held.lower() == wanted.lower())
    return bool(held == wanted and isinstance(held, bool) == isinstance(wanted, bool))


def _comparable(held: Any, wanted: Any) -> tuple[Any, Any]:
    if isinstance(wanted, datetime):
        return parse_timestamp(held), wanted
    if isinstance(wanted, (int, float)) and isinstance(held, (int, float)):
        return held, wanted
    return (held, wanted) if isinstance(held, str) and isinstance(wanted, str) else (None, None)
