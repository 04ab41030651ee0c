"""Invented resource types, records and pages for tests of answers."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.resource_types import ResourceType

CAMPAIGN = ResourceType(
    "campaign",
    columns=("name", "status", "audiences.included", "send_time"),
    fields=("name", "status", "archived", "audiences", "send_time", "options"),
    label=("name",),
    facet="status",
    date="send_time",
    relationships={"tags": "tag", "campaign-messages": "campaign-message", "template": "template"},
    untrusted=(),
)
PROFILE = ResourceType(
    "profile",
    columns=("email", "first_name", "properties"),
    fields=("email", "first_name", "properties"),
    label=("email", "phone_number"),
    facet=None,
    date=None,
    relationships={},
    untrusted=("email", "first_name", "properties"),
)
REVIEW = ResourceType("review", ("rating",), ("rating",), (), "rating", None, {"author": "profile"}, ())
JOB = ResourceType("profile-bulk-import-job", ("status",), ("status",), (), "status", None, {}, ())
REPORT = ResourceType("campaign-values-report", ("results",), (), (), None, None, {"campaigns": "campaign"}, ())


def resources(type_: str) -> ResourceType:
    table = {"campaign": CAMPAIGN, "profile": PROFILE, "review": REVIEW, "campaign-values-report": REPORT}
    return table.get(type_) or ResourceType(type_, (), (), ("name",), None, None, {}, ())


def campaign(number: int, **attributes: Any) -> Record:
    return Record("campaign", f"C{number}", {"name": f"Sale {number}", "status": "Sent", **attributes}, {})


def page(records: list[Record], next_cursor: str | None = None, **members: Any) -> Page:
    return Page(records, members.get("included", {}), next_cursor, False, members.get("total"))


TEXTS = st.one_of(
    st.text(max_size=30),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=8), st.integers(1, 12_000)),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=6,
)
"""JSON values, long and nested ones among them."""
