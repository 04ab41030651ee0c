"""Campaigns to test with."""

from __future__ import annotations

from typing import Any

from tests.server.sandbox.sandbox_api import Api, create_list, create_profiles

EMAIL = {"channel": "email", "label": "M", "content": {"subject": "Hello"}}
MESSAGES = {"data": [{"type": "campaign-message", "attributes": {"definition": EMAIL}}]}


async def create_audience(api: Api, count: int = 2) -> str:
    """A list with so many members."""
    return await create_list(api, *await create_profiles(api, count))


async def create_campaign(api: Api, list_id: str, **attributes: Any) -> dict[str, Any]:
    audiences = {"included": [list_id]}
    options = {"name": "C", "audiences": audiences, "campaign-messages": MESSAGES, **attributes}
    return dict(await api.create("campaign", "campaigns", **options))
