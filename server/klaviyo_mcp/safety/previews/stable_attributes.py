"""The stable attributes of a record, as its type declares them: by these a change since the preview is noticed."""

from __future__ import annotations

from typing import Any

from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.registry import resource_type


def stable_attributes(record: Record) -> dict[str, Any]:
    """The stable attributes of a record, None where Klaviyo answered none."""
    return {name: record.attributes.get(name) for name in resource_type(record.type).stable_attributes}
