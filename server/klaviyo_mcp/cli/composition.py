"""Puts the parts together: from settings to the gateway's client, to a sender of requests, to the tools."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klaviyo_mcp.calls.inventory import Inventory
    from klaviyo_mcp.calls.service import CallService
    from klaviyo_mcp.gateway.client import GatewayClient
    from klaviyo_mcp.gateway.operations import OperationSender
    from klaviyo_mcp.protocol.tools import ServedTools
    from klaviyo_mcp.settings import Settings

SANDBOX_KEY = "sandbox"
"""The API key that the sandbox accepts."""


def create_tools(settings: Settings) -> ServedTools:
    """The tools of these settings, for a server. Raises UnknownName where a toolset is unknown."""
    from klaviyo_mcp.calls.inventory import Inventory
    from klaviyo_mcp.protocol.tools import ServedTools
    from klaviyo_tools.registry import registry

    inventory = Inventory(settings, registry())
    return ServedTools(inventory, partial(create_service, settings, inventory))


def create_service(settings: Settings, inventory: Inventory | None = None) -> CallService:
    """The service that answers calls of these tools. Raises UnknownName where a toolset is unknown."""
    from klaviyo_mcp.calls.service import CallService

    return CallService(settings, partial(create_client, settings), inventory)


def create_sender(settings: Settings) -> OperationSender:
    """A sender for commands that call no tool."""
    from klaviyo_mcp.gateway.operations import OperationSender
    from klaviyo_tools.registry import registry

    return OperationSender(
        partial(create_client, settings), revision=settings.revision, verify_with=registry().verify_with
    )


def create_client(settings: Settings) -> GatewayClient:
    """The client of Maton's gateway, or of a sandbox in this process."""
    from klaviyo_mcp.gateway.client import GatewayClient
    from klaviyo_mcp.gateway.pacing import Pacer

    if settings.sandbox:
        import httpx

        from klaviyo_mcp.sandbox.app import create_sandbox

        embedded = create_sandbox(profiles=settings.sandbox_profiles, key=SANDBOX_KEY)
        return GatewayClient(
            key=SANDBOX_KEY,
            base_url="http://127.0.0.1",
            revision=settings.revision,
            transport=httpx.ASGITransport(embedded),
            pacer=Pacer(enabled=False),
            deadline_seconds=settings.deadline,
        )
    return GatewayClient(
        key=settings.key.get_secret_value() if settings.key else None,
        base_url=settings.base_url,
        revision=settings.revision,
        connection=settings.connection,
        pacer=Pacer(enabled=settings.pacing),
        deadline_seconds=settings.deadline,
    )
