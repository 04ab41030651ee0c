"""The features of MCP that a person uses in a client: guides, records, prompts, and the completion of arguments.

The first request for one of them imports this module: tools/list comes before it, and does not wait for it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from klaviyo_mcp.calls.inventory import Inventory
from klaviyo_mcp.protocol.completion import Completion
from klaviyo_mcp.protocol.prompts import Prompts
from klaviyo_mcp.protocol.resources import Resources

if TYPE_CHECKING:
    from klaviyo_mcp.calls.service import CallService


class Features:
    """The handlers of resources, prompts and completion.

    Args:
        inventory: The operations behind them.
        load_calls: Returns the service that reads the account.
    """

    def __init__(self, inventory: Inventory, load_calls: Callable[[], Awaitable[CallService]]) -> None:
        self.resources = Resources(inventory, load_calls)
        self.prompts = Prompts(read_only=inventory.settings.read_only)
        self.completion = Completion(inventory, load_calls)
