"""Query parameters are checked against the operation."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, profile, refused_parameter

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


async def test_what_klaviyos_own_clients_send_is_taken(api: Api) -> None:
    campaigns = {"filter": "equals(messages.channel,'email'),equals(name,'Spring')"}
    assert await api.ids("campaigns", params=campaigns) == []
    event = {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Placed Order"}}},
        "profile": {"data": profile(email="a@example.com")},
        "properties": {},
        "time": "2026-05-01T00:00:00+00:00",
    }
    await api.post("events", {"data": {"type": "event", "attributes": event}}, 202)
    for date, count in (("2026-04-30", 1), ("2026-05-02", 0)):
        assert (
            len(await api.ids("events", params={"filter": f"greater-than(timestamp,{date}T00:00:00+00:00)"})) == count
        )
