"""Examples of correct conditions, which errors show a model."""

from __future__ import annotations

from collections.abc import Sequence

from klaviyo_tools.filters.fields import FilterFields, Kind, kind_of
from klaviyo_tools.filters.tree import LIST_OPERATORS, ORDER_OPERATORS, TEXT_OPERATORS

_TEXTS = {
    "messages.channel": "email",
    "send_channel": "email",
    "email": "ann@example.com",
    "phone_number": "+14155550123",
    "name": "Spring sale",
    "coupon.id": "SPRING10",
    "subscriptions.email.marketing.suppression.reason": "HARD_BOUNCE",
    "status": "draft",
}
_TIME = "2026-01-01T00:00:00Z"


def example_filter(fields: FilterFields, preferred: Sequence[str] = ()) -> str:
    """A correct condition for an operation, on one of the preferred fields where it has them."""
    field = next((name for name in (*preferred, *fields) if name in fields and "*" not in name), None)
    if field is None:
        return 'equals(field,"value")'
    operators = fields[field].split()
    operator = "equals" if "equals" in operators else operators[0]
    return example_condition(field, operator, kind_of(field, fields))


def example_condition(field: str, operator: str, kind: Kind) -> str:
    """A correct condition of this field and operator."""
    return f"has({field})" if operator == "has" else f"{operator}({field},{example_value(field, operator, kind)})"


def example_value(field: str, operator: str, kind: Kind) -> str:
    """A correct value, as the filter language writes it."""
    if kind == "any" and operator in ORDER_OPERATORS:
        kind = "time"
    if operator in TEXT_OPERATORS:
        kind = "text"
    text = _TEXTS.get(field, "Y6nRLr" if field.endswith(("id", "ids")) else "value")
    value = {"boolean": "true", "number": "5", "time": _TIME}.get(kind, f'"{text}"')
    return f"[{value}]" if operator in LIST_OPERATORS else value
