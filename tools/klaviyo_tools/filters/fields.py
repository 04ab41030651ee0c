"""The filter fields that an operation takes: their operators, their kind of value, their description in one line.

Each operation declares its fields and operators (`{"email": "equals any", "created": "greater-than"}`). Their source
is the description of the filter parameter in Klaviyo's OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from klaviyo_tools.filters.tree import ORDER_OPERATORS

FilterFields = Mapping[str, str]
"""Field -> its operators, separated by spaces. `properties.*` is any field below `properties`, `*` any field at all."""

Kind = Literal["boolean", "number", "time", "text", "any"]

# Klaviyo's document does not say these, and the operators do not show them. They are the same in every operation.
_BOOLEANS = frozenset({"ab_test", "archived", "default", "edited", "exclusive", "hidden", "incentivized"}) | frozenset(
    {"is_active", "is_starred", "published", "verified"}
)
_NUMBERS = frozenset({"rating", "size", "lat", "lng"})
TIMES_OR_NUMBERS = frozenset({"timestamp"})
"""Fields that Klaviyo compares with Unix seconds; a time is converted."""

_SIGNS = {"equals": "=", "greater-than": ">", "greater-or-equal": ">=", "less-than": "<", "less-or-equal": "<="}


def declared_name(field: str, fields: FilterFields) -> str:
    """The field as the operation declares it (case, hyphen and underscore alike), or unchanged where it does not."""
    if field in fields:
        return field
    plain = field.lower().replace("-", "_")
    same = [name for name in fields if name.lower().replace("-", "_") == plain]
    return same[0] if len(same) == 1 else field


def operators_of(field: str, fields: FilterFields) -> list[str] | None:
    """The operators that a field takes; None where the operation does not have the field."""
    declared = fields.get(field)
    if declared is None:
        declared = next((fields[name] for name in fields if _is_pattern_of(name, field)), None)
    return None if declared is None else declared.split()


def _is_pattern_of(name: str, field: str) -> bool:
    return name == "*" or (name.endswith(".*") and field.startswith((name[:-1], f"{name[:-2]}[")))


def kind_of(field: str, fields: FilterFields) -> Kind:
    """The kind of value that a field takes."""
    if field not in fields:
        return "any"
    if field in _BOOLEANS:
        return "boolean"
    if field in _NUMBERS:
        return "number"
    return "time" if any(operator in ORDER_OPERATORS for operator in fields[field].split()) else "text"


def describe_fields(fields: FilterFields) -> str:
    """The fields and operators in one line for a model: fields with the same operators stand together.

    Comparisons are written as signs, which the reader takes as well: every session pays for a tool's description.
    """
    groups: dict[frozenset[str], tuple[str, list[str]]] = {}
    for field, declared in fields.items():
        operators = sorted(declared.split(), key=lambda name: (name != "equals", _SIGNS.get(name, ""), name))
        signs = " ".join(_SIGNS.get(name, name) for name in operators)
        groups.setdefault(frozenset(operators), (signs, []))[1].append(field)
    return "; ".join(f"{fold_names(names)}: {signs}" for signs, names in groups.values())


def fold_names(names: Iterable[str]) -> str:
    """Names joined by commas; names with a long common beginning share it: `a.long.{beginning, end}`."""
    endings: dict[str, list[str]] = {}
    for name in names:
        head = ".".join(name.split(".")[:3]) if name.count(".") > 2 else ""
        endings.setdefault(head or name, []).append(name.removeprefix(f"{head}.") if head else "")
    return ", ".join(
        head if not rest[0] else f"{head}.{rest[0]}" if len(rest) == 1 else f"{head}.{{{', '.join(rest)}}}"
        for head, rest in endings.items()
    )
