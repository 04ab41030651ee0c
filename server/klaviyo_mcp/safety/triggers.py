"""The flows that a list, a segment or a metric starts, as they are joined to its record."""

from __future__ import annotations

from klaviyo_tools.jsonapi.records import Page, Record

TRIGGERS = "flow-triggers"
"""The relationship of a list, segment or metric to the flows that it starts."""


def joined_flows(page: Page, record: Record) -> list[Record]:
    """The flows that a record starts. They were included, so that a record without any has none."""
    related = record.related.get(TRIGGERS)
    ids = related.ids if related is not None else ()
    return [page.included.get(("flow", id_)) or Record("flow", id_, {}, {}) for id_ in ids]


def is_live(flow: Record) -> bool:
    """Whether a flow messages people; one whose status is unknown does."""
    return str(flow.attributes.get("status") or "live").lower() == "live"
