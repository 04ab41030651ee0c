"""Klaviyo's filter language: parsed, checked against the fields that an operation filters by, and evaluated.

Source of the grammar: the filtering section of Klaviyo's API overview. Strings stand in double quotes there; Klaviyo's
OpenAPI documents and its own clients write single quotes, so both are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid_filter
from klaviyo_mcp.sandbox.timestamps import parse_timestamp

Value = str | int | float | bool | datetime | list[Any] | None


@dataclass(frozen=True)
class Comparison:
    """One condition of a filter: `operator(field,value)`, or `has(field)` without a value."""

    operator: str
    field: str
    value: Value = None


_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<mark>[(),\[\]])|(?P<bare>[^\s"'(),\[\]]+))"""
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    "greater-than": lambda a, b: a > b,
    "greater-or-equal": lambda a, b: a >= b,
    "less-than": lambda a, b: a < b,
    "less-or-equal": lambda a, b: a <= b,
}
_OF_LISTS = ("any", "contains-any", "contains-all")
OPERATORS = frozenset({"equals", "contains", "starts-with", "ends-with", "has", *_OF_LISTS, *_ORDERINGS})


def parse_filter(text: str, *, pointer: str | None = None) -> list[Comparison]:
    """Read a filter as comparisons that must all hold.

    Raises KlaviyoError (400) where the text breaks the grammar. The error names the parameter `filter`, or the place
    of the body that `pointer` gives.
    """
    return _Parser(text, pointer).comparisons()


class _Parser:
    def __init__(self, text: str, pointer: str | None) -> None:
        self.pointer = pointer
        self.tokens: list[tuple[str, str]] = []
        self.at = 0
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"unreadable at position {position}: {text[position : position + 20]!r}.")
            self.tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
            position = match.end()

    def error(self, detail: str) -> KlaviyoError:
        return invalid_filter(detail, pointer=self.pointer)

    def comparisons(self) -> list[Comparison]:
        if not self.tokens:
            raise self.error("it is empty.")
        comparisons = self.clauses()
        if self.at < len(self.tokens):
            raise self.error(f"unexpected {self.tokens[self.at][1]!r}.")
        return comparisons

    def clauses(self) -> list[Comparison]:
        comparisons = self.clause()
        while self.peek() == ",":
            self.at += 1
            comparisons += self.clause()
        return comparisons

    def clause(self) -> list[Comparison]:
        operator = self.bare_word("an operator")
        self.mark("(")
        if operator == "and":
            comparisons = self.clauses()
            self.mark(")")
            return comparisons
        if operator not in OPERATORS:
            raise self.error(f"{operator!r} is not a valid operator.")
        field = self.bare_word("a field")
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
                raise self.error("a list needs commas between its values and a closing bracket.")
        self.at += 1
        return items

    def scalar(self) -> Value:
        kind, text = self.token()
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
        raise self.error(f"{text!r} is not a value: strings stand in quotes, dates are ISO 8601.")

    def token(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("", "the end")

    def peek(self) -> str | None:
        """The next token where it is a mark."""
        kind, text = self.token()
        return text if kind == "mark" else None

    def bare_word(self, meaning: str) -> str:
        kind, text = self.token()
        if kind != "bare":
            raise self.error(f"expected {meaning}, found {text!r}.")
        self.at += 1
        return text

    def mark(self, mark: str) -> None:
        if self.peek() != mark:
            raise self.error(f"expected {mark!r}, found {self.token()[1]!r}.")
        self.at += 1


def check_fields(comparisons: Sequence[Comparison], operators: Mapping[str, Sequence[str]]) -> None:
    """Raise KlaviyoError (400) for a field that `operators` lacks, or an operator that the field does not take."""
    for one in comparisons:
        if one.field not in operators:
            raise invalid_filter(f"{one.field!r} is not a filterable field; allowed: {', '.join(operators)}.")
        if one.operator not in operators[one.field]:
            allowed = ", ".join(operators[one.field])
            raise invalid_filter(f"{one.operator!r} is not allowed for {one.field!r}; allowed: {allowed}.")
        takes_list = one.operator in _OF_LISTS
        if takes_list != isinstance(one.value, list) and one.operator != "has":
            raise invalid_filter(f"{one.operator!r} takes {'a list' if takes_list else 'a single value'}.")


def check_value_type(comparison: Comparison, kind: str) -> None:
    """Raise KlaviyoError (400) for a value that is no `kind`: string, boolean, number, integer or date-time."""
    types = {
        "boolean": (bool,),
        "number": (int, float),
        "integer": (int,),
        "date-time": (datetime,),
        "string": (str,),
    }[kind]
    for value in _as_list(comparison.value):
        is_other = not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean")
        if is_other and value is not None:
            raise invalid_filter(f"the value of {comparison.field!r} must be a {kind}.")


def matches(comparison: Comparison, actual: Any) -> bool:
    """Whether a record's value satisfies the comparison. Of a field with many values, `actual` is a list or set."""
    operator, expected = comparison.operator, comparison.value
    if operator == "has":
        return bool(actual)
    if isinstance(actual, (list, set, tuple)):
        return _many_match(comparison, actual)
    if operator == "any":
        return any(_equal(actual, value) for value in _as_list(expected))
    if operator == "equals":
        return _equal(actual, expected)
    if actual is None:
        return False
    if operator in _ORDERINGS:
        left, right = _comparable(actual, expected)
        return left is not None and right is not None and _ORDERINGS[operator](left, right)
    return _text_matches(operator, str(actual).lower(), expected)


def _many_match(comparison: Comparison, actual: list[Any] | set[Any] | tuple[Any, ...]) -> bool:
    if comparison.operator == "contains-all":
        return all(value in actual for value in _as_list(comparison.value))
    if comparison.operator == "contains-any":
        return any(value in actual for value in _as_list(comparison.value))
    if comparison.operator == "contains":
        return comparison.value in actual
    return any(matches(comparison, one) for one in actual)


def _text_matches(operator: str, text: str, expected: Value) -> bool:
    """Compare texts without regard to case; `text` is in lower case already."""
    if operator == "contains":
        return str(expected).lower() in text
    if operator == "contains-any":
        return any(str(value).lower() in text for value in _as_list(expected))
    if operator == "contains-all":
        return all(str(value).lower() in text for value in _as_list(expected))
    part = str(expected).lower()
    return text.startswith(part) if operator == "starts-with" else text.endswith(part)


def _as_list(value: Value) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _equal(actual: Any, expected: Any) -> bool:
    if isinstance(expected, datetime):
        return bool(parse_timestamp(actual) == expected)
    if isinstance(actual, str) and isinstance(expected, str):
        return actual == expected or ("@" in expected and actual.lower() == expected.lower())
    return bool(actual == expected and isinstance(actual, bool) == isinstance(expected, bool))


def _comparable(actual: Any, expected: Any) -> tuple[Any, Any]:
    """Both values in a form in which they have an order; None for both where they have none."""
    if isinstance(expected, datetime):
        return parse_timestamp(actual), expected
    if isinstance(expected, (int, float)) and isinstance(actual, (int, float)):
        return actual, expected
    return (actual, expected) if isinstance(actual, str) and isinstance(expected, str) else (None, None)
