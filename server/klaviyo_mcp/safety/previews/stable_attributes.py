"""The stable attributes of a record, as its type declares them: by these a change since the preview is noticed."""

from __future__ import annotations

from typing import Any

from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.registry import resource_type


def stable_attributes(flat: Record) -> dict[str, Any]:
    """The stable attributes of a record, None where Klaviyo answered none."""
    return {name: flat.attributes.get(name) for name in resource_type(flat.type).stable_attributes}
