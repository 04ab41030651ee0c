"""Filters on values of profiles and events, as conditions of segments have them.

Text is compared as it is written, upper case apart from lower case. A negative operator selects whatever its positive
counterpart does not, and so also profiles and events that lack the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.segments.account import Moment
from klaviyo_mcp.sandbox.segments.dates import read_date_filter, read_moment

ValueTest = Callable[[Any, Moment], bool]
_Comparison = Callable[[Any, Any], bool]

_NUMERIC: Mapping[str, _Comparison] = {
    "equals": lambda actual, expected: actual == expected,
    "greater-than": lambda actual, expected: actual > expected,
    "greater-than-or-equal": lambda actual, expected: actual >= expected,
    "less-than": lambda actual, expected: actual < expected,
    "less-than-or-equal": lambda actual, expected: actual <= expected,
}
_TEXT: Mapping[str, _Comparison] = {
    "equals": lambda text, expected: text == expected,
    "contains": lambda text, expected: expected in text,
    "starts-with": lambda text, expected: text.startswith(expected),
    "ends-with": lambda text, expected: text.endswith(expected),
    "in": lambda text, expected: text in expected,
    "regex": lambda text, expected: re.search(expected, text) is not None,
}
_LIST: Mapping[str, _Comparison] = {
    "contains": lambda items, expected: expected in items,
    "contains-any": lambda items, expected: any(value in items for value in expected),
    "contains-all": lambda items, expected: all(value in items for value in expected),
    "contains-substring": lambda items, expected: any(expected in item for item in items if isinstance(item, str)),
}


def read_value_filter(row: Mapping[str, Any], pointer: str) -> ValueTest:
    """The test of a filter of any type. Raises KlaviyoError (400) for one that the sandbox cannot evaluate."""
    return _READERS[row["type"]](row, pointer)


def read_numeric_filter(row: Mapping[str, Any]) -> Callable[[float], bool]:
    """The test of a numeric filter on a number that is always there, such as a count."""
    compare, is_negative = _comparison(_NUMERIC, row["operator"])
    expected = row["value"]
    return lambda number: compare(number, expected) is not is_negative


def _comparison(table: Mapping[str, _Comparison], operator: str) -> tuple[_Comparison, bool]:
    """The positive comparison of an operator, and whether the operator denies it."""
    positive = "regex" if operator == "nregex" else operator.removeprefix("not-")
    return table[positive], positive != operator


def _numeric(row: Mapping[str, Any], pointer: str) -> ValueTest:
    compare, is_negative = _comparison(_NUMERIC, row["operator"])
    expected = row["value"]

    def test(value: Any, _: Moment) -> bool:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return (is_number and compare(value, expected)) is not is_negative

    return test


def _text(row: Mapping[str, Any], pointer: str) -> ValueTest:
    operator, expected = row["operator"], row["value"]
    if operator.startswith("phone-country-code"):
        raise invalid(f"{operator!r} is not evaluated here: no calling codes are known.", pointer=pointer)
    compare, is_negative = _comparison(_TEXT, operator)
    if expected is None:
        if compare is not _TEXT["equals"]:
            raise invalid(f"{operator!r} needs a value.", pointer=f"{pointer}/value")
        return lambda value, _: (value is None) is not is_negative
    if compare is _TEXT["regex"]:
        try:
            re.compile(expected)
        except re.error as error:
            raise invalid(f"Not a regular expression: {error}.", pointer=f"{pointer}/value") from None

    def test(value: Any, _: Moment) -> bool:
        text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        return (isinstance(text, str) and compare(text, expected)) is not is_negative

    return test


def _boolean(row: Mapping[str, Any], pointer: str) -> ValueTest:
    return lambda value, _: value is row["value"]


def _list(row: Mapping[str, Any], pointer: str) -> ValueTest:
    operator, expected = row["operator"], row["value"]
    if operator.startswith("length-"):
        compare_length = _NUMERIC[operator.removeprefix("length-")]
        return lambda value, _: isinstance(value, list) and compare_length(len(value), expected)
    if expected is None and operator.endswith("substring"):
        raise invalid(f"{operator!r} needs a value.", pointer=f"{pointer}/value")
    compare, is_negative = _comparison(_LIST, operator)
    return lambda value, _: (isinstance(value, list) and compare(value, expected)) is not is_negative


def _existence(row: Mapping[str, Any], pointer: str) -> ValueTest:
    is_set = row["operator"] == "is-set"
    return lambda value, _: (value is not None) is is_set


def _date(row: Mapping[str, Any], pointer: str) -> ValueTest:
    date_test = read_date_filter(row)

    def test(value: Any, moment: Moment) -> bool:
        at = read_moment(value, moment)
        return at is not None and date_test(at, moment)

    return test


_READERS: Mapping[str, Callable[[Mapping[str, Any], str], ValueTest]] = {
    "string": _text,
    "numeric": _numeric,
    "boolean": _boolean,
    "list": _list,
    "existence": _existence,
    "date": _date,
}
