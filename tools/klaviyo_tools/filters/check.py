"""A filter against the fields, operators and kinds of value that an operation takes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from klaviyo_tools.filters.conditions import NO_NOT, NO_OR
from klaviyo_tools.filters.examples import example_condition, example_value
from klaviyo_tools.filters.fields import (
    TIMES_OR_NUMBERS,
    FilterFields,
    Kind,
    describe_fields,
    kind_of,
    operators_of,
)
from klaviyo_tools.filters.tree import (
    LIST_OPERATORS,
    ORDER_OPERATORS,
    TEXT_OPERATORS,
    AbsentValue,
    And,
    Comparison,
    Filter,
    FilterError,
    Moment,
    Not,
    Number,
    Or,
    Scalar,
    plain_text,
    quote_text,
)

_MAX_LISTED_CHARACTERS = 350


def check_filter(filter: Filter, fields: FilterFields) -> None:
    """Raises FilterError unless the operation takes every field, operator and kind of value in the filter."""
    if isinstance(filter, Or):
        raise FilterError(NO_OR)
    if isinstance(filter, Not):
        raise FilterError(NO_NOT)
    if isinstance(filter, And):
        for part in filter.parts:
            check_filter(part, fields)
        return
    operators = operators_of(filter.field, fields)
    if operators is None:
        raise FilterError(_unknown_field(filter.field, fields))
    if filter.operator not in operators:
        raise FilterError(_wrong_operator(filter, operators))
    _check_value(filter, kind_of(filter.field, fields))


def _check_value(condition: Comparison, kind: Kind) -> None:
    field, operator, value = condition.field, condition.operator, condition.value
    if isinstance(value, AbsentValue):
        return
    if isinstance(value, tuple) != (operator in LIST_OPERATORS):
        expected = "a list" if operator in LIST_OPERATORS else "one value, not a list"
        example = f"{operator}({field},{example_value(field, operator, kind)})"
        raise FilterError(f"{operator} takes {expected}: {example}")
    for item in value if isinstance(value, tuple) else (value,):
        if not _fits(item, operator, kind, field):
            raise FilterError(_wrong_value(condition, item, kind))


def _fits(item: Scalar, operator: str, kind: Kind, field: str) -> bool:
    if item is None:
        return operator == "equals"
    if operator in TEXT_OPERATORS:
        return isinstance(item, str)
    if kind == "boolean":
        return isinstance(item, bool)
    if kind == "number":
        return isinstance(item, Number)
    if kind == "time":
        return isinstance(item, Moment) or (field in TIMES_OR_NUMBERS and isinstance(item, Number))
    if operator in ORDER_OPERATORS:
        return isinstance(item, Number | Moment)
    return True


def _wrong_value(condition: Comparison, item: Scalar, kind: Kind) -> str:
    expected = {"boolean": "true or false", "number": "a number", "time": "an ISO 8601 date or time"}.get(kind)
    if condition.operator in TEXT_OPERATORS:
        expected = "text"
    elif expected is None:
        expected = (
            "a number or an ISO 8601 time" if condition.operator in ORDER_OPERATORS else "a value other than null"
        )
    example = example_condition(condition.field, condition.operator, kind)
    return f"{condition.field} takes {expected}, not {plain_text(item)}: {example}"


def _wrong_operator(condition: Comparison, operators: Sequence[str]) -> str:
    close = difflib.get_close_matches(condition.operator, operators, 1, 0.4) or operators[:1]
    kind = kind_of(condition.field, {condition.field: " ".join(operators)})
    example = example_condition(condition.field, close[0], kind)
    names = ", ".join(operators)
    return f"{condition.field} does not take {condition.operator}; it takes {names}: for example {example}"


def _unknown_field(field: str, fields: FilterFields) -> str:
    error = f"unknown filter field {quote_text(field)}"
    if not fields:
        return f"{error}: this tool has no filter fields"
    plain = field.lower().replace("-", "_")
    close = [name for name in fields if name.rsplit(".")[-1] == plain or name.startswith(f"{plain}.")]
    close += difflib.get_close_matches(plain, fields, 3, 0.5)
    close = list(dict.fromkeys(close))[:3]
    if not close:
        listed = describe_fields(fields)
        if len(listed) > _MAX_LISTED_CHARACTERS:
            listed = f"{listed[:_MAX_LISTED_CHARACTERS].rsplit(', ', 1)[0]}, …"
        return f"{error}: there are {listed}"
    offers = "; ".join(f"{name} ({', '.join(fields[name].split())})" for name in close)
    return f"{error}: did you mean {offers}?"
