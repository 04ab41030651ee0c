"""Query parameters are checked against the operation."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, refused_parameter

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "parameter", "value", "detail"),
    [
        ("profiles", "nope", "1", "'nope'"),
        ("profiles", "filter", 'equals(emial,"x")', "'emial'"),
        ("profiles", "filter", 'contains(email,"x")', "'contains'"),
        ("profiles", "filter", 'greater-than(created,"2026-01-01")', "date-time"),
        ("profiles", "filter", 'any(email,"x")', "a list"),
        ("profiles", "filter", "equals(email,5)", "string"),
        ("profiles", "fields[profile]", "email,mail", "'mail'"),
        ("profiles", "include", "lists", "'lists'"),
        ("profiles", "sort", "name", "'name'"),
        *(("profiles", "page[size]", size, "1 and 100") for size in ("0", "101", "-1", "x", "1.5", "")),
        ("profiles", "page[cursor]", "nonsense", "cursor"),
        ("campaigns", "filter", None, "required"),
        ("campaigns", "filter", 'equals(status,"Draft")', "channel"),
        ("coupon-codes", "filter", 'equals(status,"USED")', "coupon.id"),
        ("lists", "page[size]", "5", "page[size]"),
    ],
)
async def test_a_wrong_parameter_is_refused_by_name(
    api: Api, path: str, parameter: str, value: str | None, detail: str
) -> None:
    query = {} if value is None else {parameter: value}
    assert detail in await refused_parameter(api, path, parameter, **query)
