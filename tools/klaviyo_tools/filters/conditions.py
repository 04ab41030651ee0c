"""A filter in any form that a model writes -> its conditions, all of which must hold.

The forms: Klaviyo's language and its near misses (`email = 'x'`), a list of filters, an object
(`{"email": "x"}`, `{"created": {"greater-than": "2026-01-01"}}`), and the JSON of a list or an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from klaviyo_tools.filters.operators import find_operator
from klaviyo_tools.filters.reader import parse_filter
from klaviyo_tools.filters.tree import (
    ABSENT,
    MAX_NESTING,
    AbsentValue,
    And,
    Comparison,
    Filter,
    FilterError,
    Not,
    Number,
    Or,
    Scalar,
    UnknownOperator,
    Value,
    plain_text,
)

NO_OR = (
    "Klaviyo joins conditions with and only: any(field,[…]) takes several values of one field where it is listed, "
    "otherwise make one call for each alternative"
)
NO_NOT = "Klaviyo's filters cannot negate: ask for the values that you want instead"


def read_conditions(source: object) -> list[Comparison]:
    """The conditions of a filter. Raises FilterError where it is none, or where they are not joined by "and"."""
    return join_conditions(_read(source))


def join_conditions(tree: Filter) -> list[Comparison]:
    """The conditions of a tree; alternatives for one field become one `any`. Raises FilterError for others."""
    if isinstance(tree, And):
        return [condition for part in tree.parts for condition in join_conditions(part)]
    if isinstance(tree, Or):
        return [_any_of(tree)]
    if isinstance(tree, Not):
        raise FilterError(NO_NOT)
    return [tree]


def _any_of(tree: Or) -> Comparison:
    values: list[Scalar] = []
    field = ""
    for part in tree.parts:
        condition = _any_of(part) if isinstance(part, Or) else part
        if not isinstance(condition, Comparison) or condition.operator not in ("equals", "any"):
            raise FilterError(NO_OR)
        if field not in ("", condition.field) or isinstance(condition.value, AbsentValue):
            raise FilterError(NO_OR)
        field = condition.field
        values += condition.value if isinstance(condition.value, tuple) else [condition.value]
    return Comparison("any", field, tuple(values))


def _read(source: object, depth: int = 0) -> Filter:
    if depth > MAX_NESTING:
        raise FilterError("the filter is nested too deep")
    if isinstance(source, str):
        return _read_text(source, depth)
    if isinstance(source, Mapping):
        return _all_of([_read_entry(str(name), value, depth) for name, value in _entries(source)])
    if isinstance(source, list | tuple):
        return _all_of([_read(part, depth + 1) for part in source])
    raise FilterError(f"a filter is text, a list or an object, not {plain_text(source)}")


def _read_text(source: str, depth: int) -> Filter:
    text = re.sub(r"^\s*\??filter\s*=\s*", "", source)
    if text.lstrip()[:1] in ("{", "["):
        try:
            decoded = json.loads(text)
        except (ValueError, RecursionError):
            raise FilterError("the filter begins like JSON and is not valid JSON") from None
        return _read(decoded, depth + 1)
    return parse_filter(text)


def _entries(source: Mapping[Any, Any]) -> Iterable[tuple[object, object]]:
    """Name and value of each entry; `{"field": …, "operator": …, "value": …}` is one condition."""
    if "field" in source and set(source) <= {"field", "operator", "op", "value"}:
        operator = source.get("operator", source.get("op", "equals"))
        return [(source["field"], {operator: source.get("value", True)})]
    return source.items()


def _read_entry(name: str, value: object, depth: int) -> Filter:
    join = name.lstrip("$").lower()
    if join in ("and", "or") and isinstance(value, list):
        parts = tuple(_read(part, depth + 1) for part in value)
        return And(parts) if join == "and" else Or(parts)
    if join == "not":
        return Not(_read(value, depth + 1))
    if not isinstance(value, Mapping):
        return _comparison(name, "any" if isinstance(value, list) else "equals", value)
    return _all_of([_comparison(name, str(operator), operand) for operator, operand in value.items()])


def _comparison(field: str, word: str, operand: object) -> Filter:
    meaning = find_operator(word)
    if meaning is None:
        raise UnknownOperator(word)
    operator, negated = meaning
    value: Value = tuple(_scalar(item) for item in operand) if isinstance(operand, list | tuple) else _scalar(operand)
    if operator == "has" and value is True:
        value = ABSENT
    comparison = Comparison(operator, field, value)
    return Not(comparison) if negated else comparison


def _scalar(source: object) -> Scalar:
    if source is None or isinstance(source, str | bool):
        return source
    if isinstance(source, int):
        if abs(source) >= 10**300:
            raise FilterError("a number of more than 300 digits")
        return Number(str(source))
    if isinstance(source, float) and source == source and abs(source) != float("inf"):
        return Number(format(Decimal(repr(source)), "f"))
    raise FilterError(f"{plain_text(source)} cannot be compared with a field")


def _all_of(parts: list[Filter]) -> Filter:
    if not parts:
        raise FilterError("the filter is empty")
    return parts[0] if len(parts) == 1 else And(tuple(parts))
