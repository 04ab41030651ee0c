"""Query parameters, checked against the operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from klaviyo_mcp.sandbox import filters
from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.errors import invalid

_DEFAULT_PAGE_SIZES: Mapping[str, int] = {
    "list": 10, "segment": 10, "template": 10, "tag": 50, "tag-group": 50, "metric": 200, "flow": 50,
}  # fmt: skip
_DEFAULT_PAGE_SIZE = 100
_DEFAULT_SORTS = ("-datetime", "-joined_group_at", "-created", "-created_at", "-updated_at")
_MAX_LISTED_CHARACTERS = 400
_UNDOCUMENTED_OPERATORS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"get_campaigns": {"name": ("equals",)}}
"""Operators that Klaviyo's documents do not list, by operation and field. Source: Klaviyo's MCP server 0.4.2."""


@dataclass(frozen=True)
class Query:
    """What a request's parameters ask for. `fields` and `additional_fields` hold attribute names by type."""

    filter: tuple[filters.Comparison, ...] = ()
    filter_text: str = ""
    sort: str = ""
    size: int | None = None
    cursor: str | None = None
    include: tuple[str, ...] = ()
    fields: Mapping[str, frozenset[str]] | None = None
    additional_fields: Mapping[str, frozenset[str]] | None = None


def read_query(contract: Contract, operation: Operation, parameters: Mapping[str, str]) -> Query:
    """Check every parameter against the operation. Raises KlaviyoError (400) that names the one at fault."""
    fields: dict[str, frozenset[str]] = {}
    additional_fields: dict[str, frozenset[str]] = {}
    for name in operation.required:
        if not parameters.get(name):
            raise invalid(f"The query parameter '{name}' is required.", parameter=name)
    for name, text in parameters.items():
        if name not in operation.query:
            raise invalid(f"'{name}' is not a valid query parameter for this endpoint.", parameter=name)
        if name.startswith("fields["):
            fields[name[7:-1]] = frozenset(_names(name, text, contract.fields[operation.query[name]]))
        elif name.startswith("additional-fields["):
            additional_fields[name[18:-1]] = frozenset(_names(name, text, operation.query[name]))
    include = _names("include", parameters["include"], operation.query["include"]) if parameters.get("include") else []
    return Query(
        filter=tuple(_comparisons(contract, operation, parameters["filter"])) if "filter" in parameters else (),
        filter_text=parameters.get("filter", ""),
        sort=_sort(operation, parameters.get("sort")),
        size=_page_size(operation, parameters.get("page[size]")),
        cursor=parameters.get("page[cursor]") or None,
        include=tuple(include),
        fields=fields,
        additional_fields=additional_fields,
    )


def _names(parameter: str, text: str, allowed: Iterable[str]) -> list[str]:
    """The names in a comma-separated parameter."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    for name in names:
        if name not in allowed:
            is_fields = "[" in parameter
            of_what = (
                f"field for the resource '{parameter.partition('[')[2][:-1]}'" if is_fields else f"'{parameter}' value"
            )
            listed = ", ".join(allowed)[:_MAX_LISTED_CHARACTERS]
            raise invalid(f"'{name}' is not a valid {of_what}; allowed: {listed}.", parameter=parameter)
    return names


def _sort(operation: Operation, text: str | None) -> str:
    allowed: Sequence[str] = operation.query.get("sort") or ()
    if text:
        if text not in allowed:
            raise invalid(f"'{text}' is not a valid sort; allowed: {', '.join(allowed)}.", parameter="sort")
        return text
    return next((sort for sort in _DEFAULT_SORTS if sort in allowed), "id")


def _page_size(operation: Operation, text: str | None) -> int | None:
    """The number of records of a page; None for a read without pages."""
    if "page[size]" in operation.query:
        least, most, default = operation.query["page[size]"]
        if text is None:
            return int(default)
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise invalid(f"Page size must be an integer between {least} and {most}.", parameter="page[size]")
        return int(text)
    if "page[cursor]" in operation.query:
        return _DEFAULT_PAGE_SIZES.get(operation.types[0], _DEFAULT_PAGE_SIZE)
    return None


def _comparisons(contract: Contract, operation: Operation, text: str) -> Sequence[filters.Comparison]:
    comparisons = filters.parse_filter(text)
    filters.check_fields(comparisons, _operators(operation))
    for comparison in comparisons:
        kind = _value_type(contract, operation, comparison.field)
        # Klaviyo's own MCP server compares the seconds of events with dates.
        is_date = comparison.field == "timestamp" and isinstance(comparison.value, datetime)
        if kind is not None and not is_date:
            filters.check_value_type(comparison, kind)
    return comparisons


def _operators(operation: Operation) -> Mapping[str, Sequence[str]]:
    documented: Mapping[str, Sequence[str]] = operation.query["filter"]
    more = _UNDOCUMENTED_OPERATORS.get(operation.name, {})
    return {**documented, **{field: (*documented.get(field, ()), *operators) for field, operators in more.items()}}


def _value_type(contract: Contract, operation: Operation, field: str) -> str | None:
    """The type of the values that a field is compared with; None where the contract does not say."""
    if field == "joined_group_at" or field.endswith(".timestamp"):
        return "date-time"
    if field in ("id", "ids") or field.endswith((".id", "_id")):
        return "string"
    shape, _ = contract.resolve(contract.resource_type(operation.types[0]).attributes.get(field, "any"))
    kind = "string" if isinstance(shape, dict) and "enum" in shape else shape
    if kind == "string" and field in ("created", "updated"):
        return "date-time"
    return str(kind) if kind in ("string", "boolean", "integer", "number", "date-time") else None
