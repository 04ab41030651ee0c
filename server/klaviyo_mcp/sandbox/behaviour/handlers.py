"""The operations that do more than the shape of their path says, and their handlers."""

from __future__ import annotations

from collections.abc import Mapping

from klaviyo_mcp.sandbox.api.request import Handler
from klaviyo_mcp.sandbox.behaviour import (
    campaigns,
    catalog,
    consent,
    coupons,
    custom_objects,
    events,
    flows,
    forms,
    groups,
    images,
    integrations,
    profiles,
    reports,
    tags,
    templates,
)

HANDLERS: Mapping[str, Handler] = {
    **campaigns.HANDLERS,
    **catalog.HANDLERS,
    **consent.HANDLERS,
    **coupons.HANDLERS,
    **custom_objects.HANDLERS,
    **events.HANDLERS,
    **flows.HANDLERS,
    **forms.HANDLERS,
    **groups.HANDLERS,
    **images.HANDLERS,
    **integrations.HANDLERS,
    **profiles.HANDLERS,
    **reports.HANDLERS,
    **tags.HANDLERS,
    **templates.HANDLERS,
}
