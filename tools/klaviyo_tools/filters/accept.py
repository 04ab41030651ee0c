"""Klaviyo's filters against what an operation takes: check, accept what a model wrote, describe.

The fields and operators of each operation are declared with it (`{"email": "equals any", "created": "greater-than"}`);
their source is the filter parameter's description in Klaviyo's OpenAPI document. The language is in `filter_syntax`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

from klaviyo_tools.filters.tree import (
    ABSENT,
    LIST_OPERATORS,
    MAX_NESTING,
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
    UnknownOperator,
    Value,
    parse_moment,
    render_filter,
    value_text,
)

__all__ = [
    "ABSENT",
    "And",
    "Comparison",
    "Filter",
    "FilterError",
    "FilterFields",
    "Moment",
    "Not",
    "Number",
    "Or",
    "accept_conditions",
    "accept_filter",
    "check_filter",
    "describe_filter",
    "parse_any",
    "render_filter",
]

FilterFields = Mapping[str, str]
"""Field -> its operators, separated by spaces. `properties.*` is any field below `properties`, `*` any field at all."""

Kind = Literal["truth", "number", "time", "text", "open"]

# What the document does not say in a form that can be read off the operators; the same in every operation.
_TRUTHS = frozenset({"ab_test", "archived", "default", "edited", "exclusive", "hidden", "incentivized"}) | frozenset(
    {"is_active", "is_starred", "published", "verified"}
)
_NUMBERS = frozenset({"rating", "size", "lat", "lng"})
_TIMES_OR_NUMBERS = frozenset({"timestamp"})
_SAMPLES = {
    "messages.channel": "email",
    "send_channel": "email",
    "email": "ann@example.com",
    "phone_number": "+14155550123",
    "name": "Spring sale",
    "coupon.id": "SPRING10",
    "subscriptions.email.marketing.suppression.reason": "HARD_BOUNCE",
    "status": "draft",
}
_REASONS = ("HARD_BOUNCE", "INVALID_EMAIL", "SPAM_COMPLAINT", "UNSUBSCRIBE", "USER_SUPPRESSED")
"""Why Klaviyo suppresses an address (source: the profile's subscriptions in its OpenAPI document)."""
_SAMPLE_TIME = "2026-01-01T00:00:00Z"
_MOST_LISTED = 350
_NO_OR = (
    "Klaviyo joins conditions with and only: any(field,[…]) takes several values of one field where it is listed, "
    "otherwise ask once for each alternative"
)
_NO_NOT = "Klaviyo's filters cannot negate: ask for the values that are wanted instead"


def parse_any(text: str) -> Filter:
    """The tree of a filter, as Klaviyo writes it or as a model might. Raises FilterError and nothing else."""
    # Imported with the first filter: the reader's tables are no part of the server's start.
    from klaviyo_tools.filters import syntax

    return syntax.parse_filter(text)


def accept_filter(
    given: str | list[Any] | dict[str, Any], fields: FilterFields, *, required: Sequence[str] = ()
) -> str:
    """The filter to send for what a model wrote, checked; not yet percent-encoded.

    Takes Klaviyo's language and its near misses (`email = 'x'`, `created > 2026-01-01`), a list of filters (all must
    hold), or an object (`{"email": "x"}`, `{"created": {"greater-than": "2026-01-01"}}`). A time without an offset is
    UTC. One of the fields named in `required` must be there. Raises FilterError, with how to write it.
    """
    clauses = _clauses(given, fields, required, local_times=False)
    return render_filter(clauses[0] if len(clauses) == 1 else And(clauses))


def accept_conditions(
    given: str | list[Any] | dict[str, Any], fields: FilterFields, *, required: Sequence[str] = ()
) -> list[str]:
    """As `accept`, for metric aggregates: one string for each condition.

    Times without an offset stay so, because that operation reads them in its own `timezone`.
    """
    return [render_filter(clause) for clause in _clauses(given, fields, required, local_times=True)]


def check_filter(filter: Filter, fields: FilterFields) -> None:
    """Raises FilterError unless the operation takes every field, operator and kind of value in the filter."""
    if isinstance(filter, Or):
        raise FilterError(_NO_OR)
    if isinstance(filter, Not):
        raise FilterError(_NO_NOT)
    if isinstance(filter, And):
        for part in filter.parts:
            check_filter(part, fields)
        return
    operators = _operators(filter.field, fields)
    if operators is None:
        raise FilterError(_unknown_field(filter.field, fields))
    if filter.operator not in operators:
        raise FilterError(_refused_operator(filter, operators))
    _check_value(filter, _kind(filter.field, fields))


def filter_fields_in(text: str) -> list[str]:
    """The fields that a filter, as it is sent, asks about."""
    return [clause.field for clause in _flat(parse_any(text))]


def describe_filter(fields: FilterFields) -> str:
    """The fields and operators in one line for a model: fields that share operators stand together.

    Comparisons are told as their signs, which `parse` reads as well: a tool's description is paid for in every session.
    """
    groups: dict[frozenset[str], tuple[str, list[str]]] = {}
    for field, operators in fields.items():
        names = sorted(operators.split(), key=lambda name: (name != "equals", _SIGNS.get(name, ""), name))
        groups.setdefault(frozenset(names), (" ".join(_SIGNS.get(name, name) for name in names), []))[1].append(field)
    return "; ".join(f"{fold_names(members)}: {operators}" for operators, members in groups.values())


def fold_names(names: Iterable[str]) -> str:
    """Names joined by commas; those with a long beginning in common share it: `a.long.{beginning, end}`."""
    told: dict[str, list[str]] = {}
    for name in names:
        head = ".".join(name.split(".")[:3]) if name.count(".") > 2 else ""
        told.setdefault(head or name, []).append(name.removeprefix(f"{head}.") if head else "")
    return ", ".join(
        head if not rest[0] else f"{head}.{rest[0]}" if len(rest) == 1 else f"{head}.{{{', '.join(rest)}}}"
        for head, rest in told.items()
    )


_SIGNS = {"equals": "=", "greater-than": ">", "greater-or-equal": ">=", "less-than": "<", "less-or-equal": "<="}


# From what was given to conditions that all must hold.


def _clauses(
    given: object, fields: FilterFields, required: Sequence[str], *, local_times: bool
) -> tuple[Comparison, ...]:
    try:
        tree = _read(given, fields)
    except FilterError as error:
        raise _advised(error, given, fields, required) from None
    found = tuple(_fitted(clause, fields, local_times=local_times) for clause in _flat(tree))
    for clause in found:
        check_filter(clause, fields)
    if required and not any(clause.field in required for clause in found):
        raise FilterError(f"a condition on {' or '.join(required)} is needed: for example {_example(fields, required)}")
    return found


def _read(given: object, fields: FilterFields, depth: int = 0) -> Filter:
    if depth > MAX_NESTING:
        raise FilterError("the filter is nested too deep")
    if isinstance(given, str):
        return _read_text(given, fields, depth)
    if isinstance(given, Mapping):
        return _all_of([_read_entry(str(name), value, fields, depth) for name, value in _entries(given)])
    if isinstance(given, list | tuple):
        return _all_of([_read(part, fields, depth + 1) for part in given])
    raise FilterError(f"a filter is text, a list or an object, not {_plain(given)}")


def _read_text(given: str, fields: FilterFields, depth: int) -> Filter:
    text = re.sub(r"^\s*\??filter\s*=\s*", "", given)
    if text.lstrip()[:1] in ("{", "["):
        try:
            decoded = json.loads(text)
        except (ValueError, RecursionError):
            raise FilterError("the filter begins like JSON and is not") from None
        return _read(decoded, fields, depth + 1)
    return parse_any(text)


def _entries(given: Mapping[Any, Any]) -> Iterable[tuple[object, object]]:
    """Name and value pairs; `{"field": …, "operator": …, "value": …}` is one condition."""
    if "field" in given and set(given) <= {"field", "operator", "op", "value"}:
        operator = given.get("operator", given.get("op", "equals"))
        return [(given["field"], {operator: given.get("value", True)})]
    return given.items()


def _read_entry(name: str, value: object, fields: FilterFields, depth: int) -> Filter:
    join = name.lstrip("$").lower()
    if join in ("and", "or") and isinstance(value, list):
        parts = tuple(_read(part, fields, depth + 1) for part in value)
        return And(parts) if join == "and" else Or(parts)
    if join == "not":
        return Not(_read(value, fields, depth + 1))
    if not isinstance(value, Mapping):
        return _condition(name, "any" if isinstance(value, list) else "equals", value)
    return _all_of([_condition(name, str(operator), operand) for operator, operand in value.items()])


def _condition(field: str, word: str, operand: object) -> Filter:
    from klaviyo_tools.filters.syntax import operator_named

    meaning = operator_named(word)
    if meaning is None:
        raise UnknownOperator(word)
    operator, negated = meaning
    value: Value = tuple(_scalar(item) for item in operand) if isinstance(operand, list | tuple) else _scalar(operand)
    if operator == "has" and value is True:
        value = ABSENT
    made = Comparison(operator, field, value)
    return Not(made) if negated else made


def _scalar(given: object) -> Scalar:
    if given is None or isinstance(given, str | bool):
        return given
    if isinstance(given, int):
        if abs(given) >= 10**300:
            raise FilterError("a number of more than 300 digits")
        return Number(str(given))
    if isinstance(given, float) and given == given and abs(given) != float("inf"):
        return Number(format(Decimal(repr(given)), "f"))
    raise FilterError(f"{_plain(given)} cannot be compared with a field")


def _all_of(parts: list[Filter]) -> Filter:
    if not parts:
        raise FilterError("the filter is empty")
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _flat(tree: Filter) -> list[Comparison]:
    if isinstance(tree, And):
        return [clause for part in tree.parts for clause in _flat(part)]
    if isinstance(tree, Or):
        return [_either(tree)]
    if isinstance(tree, Not):
        raise FilterError(_NO_NOT)
    return [tree]


def _either(tree: Or) -> Comparison:
    """Several values of one field, written as alternatives, as the `any` that means the same."""
    values: list[Scalar] = []
    field = ""
    for part in tree.parts:
        clause = _either(part) if isinstance(part, Or) else part
        if not isinstance(clause, Comparison) or clause.operator not in ("equals", "any"):
            raise FilterError(_NO_OR)
        if field not in ("", clause.field) or isinstance(clause.value, AbsentValue):
            raise FilterError(_NO_OR)
        field = clause.field
        values += clause.value if isinstance(clause.value, tuple) else [clause.value]
    return Comparison("any", field, tuple(values))


# From what was meant to what the operation takes, where both are the same.


def _fitted(clause: Comparison, fields: FilterFields, *, local_times: bool) -> Comparison:
    field = _field_as_declared(clause.field, fields)
    operators = _operators(field, fields)
    if operators is None:
        return clause
    kind = _kind(field, fields)
    if kind == "open" and clause.operator in ORDER_OPERATORS:
        kind = "time"
    value: Value
    if isinstance(clause.value, AbsentValue):
        value = ABSENT
    elif isinstance(clause.value, tuple):
        value = tuple(_typed(item, kind, field, local_times) for item in clause.value)
    else:
        value = _typed(clause.value, kind, field, local_times)
    if isinstance(value, str) and field.endswith("suppression.reason"):
        value = _spelled(value, _REASONS)
    return _same_in(Comparison(clause.operator, field, value), operators)


def _spelled(value: str, known: Sequence[str]) -> str:
    """`hard bounce` as Klaviyo spells it: otherwise it finds nothing, and says nothing."""
    plain = value.strip().upper().replace(" ", "_").replace("-", "_")
    return plain if plain in known else value


def _same_in(clause: Comparison, operators: Sequence[str]) -> Comparison:
    operator, value = clause.operator, clause.value
    if isinstance(value, AbsentValue):
        return clause
    items = value if isinstance(value, tuple) else (value,)
    if operator in ("equals", "any"):
        if len(items) == 1 and "equals" in operators and (operator == "equals" or "any" not in operators):
            operator = "equals"
        elif "any" in operators:
            operator = "any"
        elif "contains-any" in operators:
            operator = "contains-any"
    if operator in LIST_OPERATORS:
        return Comparison(operator, clause.field, items)
    return Comparison(operator, clause.field, items[0]) if len(items) == 1 else clause


def _typed(value: Scalar, kind: Kind, field: str, local_times: bool) -> Scalar:
    """The value in the form Klaviyo reads for this kind of field; as it was where that cannot be."""
    written = (
        value.written or value.text if isinstance(value, Moment) else value.text if isinstance(value, Number) else value
    )
    if kind == "text":
        return written
    if not isinstance(written, str):
        return value
    if kind == "truth":
        return {"true": True, "1": True, "false": False, "0": False}.get(written.strip().lower(), value)
    if kind == "number":
        return _number(written.strip()) or value
    if kind == "time" and not isinstance(value, Number):
        exact = parse_moment(written.strip())
        value = Moment(exact, written) if exact is not None else value
    if isinstance(value, Moment) and value.is_local and not local_times:
        return Moment(value.text + "Z")
    # What orders and is no time is a number, if anything; `check` knows whether this field has numbers.
    return _number(value.strip()) or value if kind == "time" and isinstance(value, str) else value


def _as_given(value: Scalar) -> str | bool | None:
    if isinstance(value, Moment):
        return value.written or value.text
    return value.text if isinstance(value, Number) else value


def _number(text: str) -> Number | None:
    try:
        return Number(text)
    except FilterError:
        return None


def _field_as_declared(field: str, fields: FilterFields) -> str:
    if field in fields:
        return field
    plain = field.lower().replace("-", "_")
    same = [name for name in fields if name.lower().replace("-", "_") == plain]
    return same[0] if len(same) == 1 else field


def _operators(field: str, fields: FilterFields) -> list[str] | None:
    declared = fields.get(field)
    if declared is None:
        declared = next((fields[name] for name in fields if _covers(name, field)), None)
    return None if declared is None else declared.split()


def _covers(name: str, field: str) -> bool:
    return name == "*" or (name.endswith(".*") and field.startswith((name[:-1], f"{name[:-2]}[")))


def _kind(field: str, fields: FilterFields) -> Kind:
    if field not in fields:
        return "open"
    if field in _TRUTHS:
        return "truth"
    if field in _NUMBERS:
        return "number"
    return "time" if any(operator in ORDER_OPERATORS for operator in fields[field].split()) else "text"


# What is wrong, in words.


def _advised(error: FilterError, given: object, fields: FilterFields, required: Sequence[str]) -> FilterError:
    """The same error with a right condition to copy, on a field that was meant where that can be seen."""
    advice = "."
    if isinstance(error, UnknownOperator):
        from klaviyo_tools.filters.syntax import operator_named, operator_words

        close = difflib.get_close_matches(error.word.lower(), operator_words(), 3, 0.6)
        meant = dict.fromkeys(meaning[0] for word in close if (meaning := operator_named(word)))
        known = ", ".join(_all_operators(fields))
        advice = f"; did you mean {' or '.join(meant)}?" if meant else f"; there are {known}."
    words = set(re.findall(r"[\w.]+", _words_in(given)))
    named = [field for field in fields if field in words]
    return FilterError(error.reason, error.position, f"{advice} For example {_example(fields, [*named, *required])}")


def _words_in(given: object) -> str:
    """The text and the names at the top of what was given, where a field may be named."""
    if isinstance(given, str):
        return given[:2000]
    parts = given if isinstance(given, list | tuple | Mapping) else ()
    return " ".join(part[:200] for part in list(parts)[:20] if isinstance(part, str))


def _check_value(clause: Comparison, kind: Kind) -> None:
    value, operator = clause.value, clause.operator
    if isinstance(value, AbsentValue):
        return
    if isinstance(value, tuple) != (operator in LIST_OPERATORS):
        wants = "a list" if operator in LIST_OPERATORS else "one value, not a list"
        raise FilterError(
            f"{operator} takes {wants}: {operator}({clause.field},{_sample(clause.field, operator, kind)})"
        )
    for item in value if isinstance(value, tuple) else (value,):
        if not _suits(item, operator, kind, clause.field):
            raise FilterError(_refused_value(clause, item, kind))


def _suits(item: Scalar, operator: str, kind: Kind, field: str) -> bool:
    if item is None:
        return operator == "equals"
    if operator in TEXT_OPERATORS:
        return isinstance(item, str)
    if kind == "truth":
        return isinstance(item, bool)
    if kind == "number":
        return isinstance(item, Number)
    if kind == "time":
        return isinstance(item, Moment) or (field in _TIMES_OR_NUMBERS and isinstance(item, Number))
    if operator in ORDER_OPERATORS:
        return isinstance(item, Number | Moment)
    return True


def _refused_value(clause: Comparison, item: Scalar, kind: Kind) -> str:
    wants = {"truth": "true or false", "number": "a number", "time": "an ISO 8601 date or time"}.get(kind)
    if clause.operator in TEXT_OPERATORS:
        wants = "text"
    elif wants is None:
        wants = "a number or an ISO 8601 time" if clause.operator in ORDER_OPERATORS else "a value other than null"
    right = _condition_text(clause.field, clause.operator, kind)
    return f"{clause.field} takes {wants}, not {_plain(item)}: {right}"


def _refused_operator(clause: Comparison, operators: Sequence[str]) -> str:
    close = difflib.get_close_matches(clause.operator, operators, 1, 0.4) or operators[:1]
    kind = _kind(clause.field, {clause.field: " ".join(operators)})
    right = _condition_text(clause.field, close[0], kind)
    return f"{clause.field} does not take {clause.operator}; it takes {', '.join(operators)}: for example {right}"


def _unknown_field(field: str, fields: FilterFields) -> str:
    if not fields:
        return f"unknown filter field {value_text(field)}: there is none to filter by here"
    asked = field.lower().replace("-", "_")
    close = [name for name in fields if name.rsplit(".")[-1] == asked or name.startswith(f"{asked}.")]
    close += difflib.get_close_matches(asked, fields, 3, 0.5)
    close = list(dict.fromkeys(close))[:3]
    if not close:
        known = describe_filter(fields)
        known = known if len(known) <= _MOST_LISTED else f"{known[:_MOST_LISTED].rsplit(', ', 1)[0]}, …"
        return f"unknown filter field {value_text(field)}: there are {known}"
    offers = "; ".join(f"{name} ({', '.join(fields[name].split())})" for name in close)
    return f"unknown filter field {value_text(field)}: did you mean {offers}?"


def _example(fields: FilterFields, required: Sequence[str] = ()) -> str:
    """A right condition that this operation takes."""
    field = next((name for name in (*required, *fields) if name in fields and "*" not in name), None)
    if field is None:
        return 'equals(field,"value")'
    operators = fields[field].split()
    operator = "equals" if "equals" in operators else operators[0]
    return _condition_text(field, operator, _kind(field, fields))


def _condition_text(field: str, operator: str, kind: Kind) -> str:
    return f"has({field})" if operator == "has" else f"{operator}({field},{_sample(field, operator, kind)})"


def _sample(field: str, operator: str, kind: Kind) -> str:
    if kind == "open" and operator in ORDER_OPERATORS:
        kind = "time"
    if operator in TEXT_OPERATORS:
        kind = "text"
    text = _SAMPLES.get(field, "Y6nRLr" if field.endswith(("id", "ids")) else "value")
    one = {"truth": "true", "number": "5", "time": _SAMPLE_TIME}.get(kind, f'"{text}"')
    return f"[{one}]" if operator in LIST_OPERATORS else one


def _all_operators(fields: FilterFields) -> list[str]:
    return list(dict.fromkeys(operator for operators in fields.values() for operator in operators.split()))


def _plain(value: object) -> str:
    if isinstance(value, Number | Moment):
        return value.text[:60]
    if isinstance(value, str):
        return value_text(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return "a number"
    names = {"list": "a list", "tuple": "a list", "dict": "an object"}
    return names.get(type(value).__name__, f"a {type(value).__name__}")
