"""What a model wrote as a filter -> the filter to send, checked against the operation's fields."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from klaviyo_tools.filters.check import check_filter
from klaviyo_tools.filters.coercion import coerce_condition
from klaviyo_tools.filters.conditions import join_conditions, read_conditions
from klaviyo_tools.filters.examples import example_filter
from klaviyo_tools.filters.fields import FilterFields
from klaviyo_tools.filters.operators import OPERATOR_WORDS, find_operator
from klaviyo_tools.filters.reader import parse_filter
from klaviyo_tools.filters.tree import And, Comparison, FilterError, UnknownOperator, render_filter

_MAX_SEARCHED_CHARACTERS, _MAX_SEARCHED_PARTS, _MAX_SEARCHED_PART_CHARACTERS = 2000, 20, 200
"""How much of a wrong filter is searched for the field that was meant."""


def accept_filter(
    source: str | list[Any] | dict[str, Any], fields: FilterFields, *, required: Sequence[str] = ()
) -> str:
    """The filter to send, checked; not yet percent-encoded.

    Takes Klaviyo's language and its near misses (`email = 'x'`, `created > 2026-01-01`), a list of filters (all must
    hold), or an object (`{"email": "x"}`, `{"created": {"greater-than": "2026-01-01"}}`). A time without an offset is
    UTC. One of the fields in `required` must be in it. Raises FilterError, with a correct filter.
    """
    conditions = _accept(source, fields, required, keep_local_times=False)
    return render_filter(conditions[0] if len(conditions) == 1 else And(conditions))


def accept_conditions(
    source: str | list[Any] | dict[str, Any], fields: FilterFields, *, required: Sequence[str] = ()
) -> list[str]:
    """As `accept_filter`, for metric aggregates: one string for each condition.

    Times without an offset stay as they are, because that operation reads them in its own `timezone`.
    """
    return [render_filter(one) for one in _accept(source, fields, required, keep_local_times=True)]


def conditions_of(text: str) -> list[Comparison]:
    """The conditions of a filter in the form in which it is sent."""
    return join_conditions(parse_filter(text))


def fields_of(text: str) -> list[str]:
    """The fields in the conditions of a filter in the form in which it is sent."""
    return [condition.field for condition in conditions_of(text)]


def _accept(
    source: object, fields: FilterFields, required: Sequence[str], *, keep_local_times: bool
) -> tuple[Comparison, ...]:
    try:
        written = read_conditions(source)
    except FilterError as error:
        raise _with_advice(error, source, fields, required) from None
    conditions = tuple(coerce_condition(one, fields, keep_local_times=keep_local_times) for one in written)
    for condition in conditions:
        check_filter(condition, fields)
    if required and not any(condition.field in required for condition in conditions):
        example = example_filter(fields, required)
        raise FilterError(f"a condition on {' or '.join(required)} is needed: for example {example}")
    return conditions


def _with_advice(error: FilterError, source: object, fields: FilterFields, required: Sequence[str]) -> FilterError:
    """The same error with a correct filter to copy, on a field that the wrong one names where it names one."""
    advice = "."
    if isinstance(error, UnknownOperator):
        close = difflib.get_close_matches(error.word.lower(), OPERATOR_WORDS, 3, 0.6)
        nearest = dict.fromkeys(meaning[0] for word in close if (meaning := find_operator(word)))
        valid = dict.fromkeys(operator for operators in fields.values() for operator in operators.split())
        advice = f"; did you mean {' or '.join(nearest)}?" if nearest else f"; there are {', '.join(valid)}."
    words = set(re.findall(r"[\w.]+", _searched_text(source)))
    named = [field for field in fields if field in words]
    example = example_filter(fields, [*named, *required])
    return FilterError(error.reason, error.position, f"{advice} For example {example}")


def _searched_text(source: object) -> str:
    """The text, or the names at the top of a list or an object, where a field may be named."""
    if isinstance(source, str):
        return source[:_MAX_SEARCHED_CHARACTERS]
    parts = list(source)[:_MAX_SEARCHED_PARTS] if isinstance(source, list | tuple | Mapping) else []
    return " ".join(part[:_MAX_SEARCHED_PART_CHARACTERS] for part in parts if isinstance(part, str))
