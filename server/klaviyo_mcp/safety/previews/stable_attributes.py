"""The attributes by which a preview tells whether somebody changed a record since a person read it.

Only attributes that a change by somebody moves are here. Klaviyo moves the `updated` of a list or a profile when people
join it or act, and a catalog's when its feed is read: these would make every confirmation fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_tools.jsonapi.records import Record

STABLE_ATTRIBUTES: Mapping[str, tuple[str, ...]] = {
    "campaign": ("status", "audiences", "send_strategy", "send_options", "tracking_options"),
    "campaign-message": ("definition", "updated_at"),
    "flow": ("status", "trigger_type", "updated"),
    "flow-action": ("definition", "updated"),
    "flow-message": ("definition", "updated"),
    "form": ("status", "updated_at"),
    "image": ("updated_at",),
    "list": ("name", "opt_in_process"),
    "segment": ("name", "definition"),
    "template": ("updated",),
    "template-universal-content": ("updated",),
    "web-feed": ("url", "updated"),
    "webhook": ("endpoint_url", "enabled", "updated_at"),
}
"""Type of a record -> its attributes that somebody changes. Other types are known by what their preview shows."""


def stable_attributes(flat: Record) -> dict[str, Any]:
    """The stable attributes of a record, None where Klaviyo answered none."""
    return {name: flat.attributes.get(name) for name in STABLE_ATTRIBUTES.get(flat.type, ())}
