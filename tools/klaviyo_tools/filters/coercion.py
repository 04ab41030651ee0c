"""A condition as a model wrote it -> the same condition as the operation takes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil, floor

from klaviyo_tools.filters.fields import TIMES_OR_NUMBERS, FilterFields, Kind, declared_name, kind_of, operators_of
from klaviyo_tools.filters.tree import (
    ABSENT,
    LIST_OPERATORS,
    ORDER_OPERATORS,
    AbsentValue,
    Comparison,
    FilterError,
    Moment,
    Number,
    Scalar,
    Value,
    parse_moment,
)

_SUPPRESSION_REASONS = ("HARD_BOUNCE", "INVALID_EMAIL", "SPAM_COMPLAINT", "UNSUBSCRIBE", "USER_SUPPRESSED")
"""Why Klaviyo suppresses an address (source: the profile's subscriptions in its OpenAPI document)."""

_DECIMALS = re.compile(r"\.[0-9]+")


def coerce_condition(condition: Comparison, fields: FilterFields, *, keep_local_times: bool) -> Comparison:
    """The condition with the field's declared name, its kind of value and an operator that it takes.

    Where that cannot be, the condition stays as it is, for `check` to refuse. A time without an offset becomes UTC
    unless `keep_local_times`.
    """
    field = declared_name(condition.field, fields)
    operators = operators_of(field, fields)
    if operators is None:
        return condition
    kind = kind_of(field, fields)
    if kind == "any" and condition.operator in ORDER_OPERATORS:
        kind = "time"
    value: Value
    if isinstance(condition.value, AbsentValue):
        value = ABSENT
    elif isinstance(condition.value, tuple):
        value = tuple(_coerce_value(item, kind, keep_local_times) for item in condition.value)
    else:
        value = _coerce_value(condition.value, kind, keep_local_times)
    if isinstance(value, Moment) and field in TIMES_OR_NUMBERS:
        value = _unix_seconds(value, condition.operator)
    if isinstance(value, str) and field.endswith("suppression.reason"):
        value = _suppression_reason(value)
    return _with_operator(Comparison(condition.operator, field, value), operators)


def _unix_seconds(moment: Moment, operator: str) -> Number:
    """A time as the whole seconds that Klaviyo compares with; a time without an offset is UTC."""
    exact = datetime.fromisoformat(_DECIMALS.sub(lambda match: f"{match[0][:7]:0<7}", moment.text))
    seconds = (exact if exact.tzinfo else exact.replace(tzinfo=UTC)).timestamp()
    return Number(str(ceil(seconds) if operator in ("greater-or-equal", "less-than") else floor(seconds)))


def _suppression_reason(value: str) -> str:
    """`hard bounce` as Klaviyo spells it: for another spelling it answers with no profiles and no error."""
    plain = value.strip().upper().replace(" ", "_").replace("-", "_")
    return plain if plain in _SUPPRESSION_REASONS else value


def _with_operator(condition: Comparison, operators: Sequence[str]) -> Comparison:
    operator, value = condition.operator, condition.value
    if isinstance(value, AbsentValue):
        return condition
    items = value if isinstance(value, tuple) else (value,)
    if operator in ("equals", "any"):
        if len(items) == 1 and "equals" in operators and (operator == "equals" or "any" not in operators):
            operator = "equals"
        elif "any" in operators:
            operator = "any"
        elif "contains-any" in operators:
            operator = "contains-any"
    if operator in LIST_OPERATORS:
        return Comparison(operator, condition.field, items)
    return Comparison(operator, condition.field, items[0]) if len(items) == 1 else condition


def _coerce_value(value: Scalar, kind: Kind, keep_local_times: bool) -> Scalar:
    written = _as_written(value)
    if kind == "text":
        return written
    if not isinstance(written, str):
        return value
    if kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(written.strip().lower(), value)
    if kind == "number":
        return _number(written.strip()) or value
    if kind == "time" and not isinstance(value, Number):
        exact = parse_moment(written.strip())
        value = Moment(exact, written) if exact is not None else value
    if isinstance(value, Moment) and value.is_local and not keep_local_times:
        return Moment(value.text + "Z")
    # A value of an ordered field that is no time can only be a number; `check` knows whether the field takes one.
    return _number(value.strip()) or value if kind == "time" and isinstance(value, str) else value


def _as_written(value: Scalar) -> str | bool | None:
    if isinstance(value, Moment):
        return value.source_text or value.text
    return value.text if isinstance(value, Number) else value


def _number(text: str) -> Number | None:
    try:
        return Number(text)
    except FilterError:
        return None
