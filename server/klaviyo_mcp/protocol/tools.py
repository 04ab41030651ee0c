"""The tools as MCP lists them, and the answer of a call as MCP returns it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import anyio.to_thread
import mcp_types

from klaviyo_mcp.calls.answer import Answer
from klaviyo_mcp.calls.discovery import DISCOVERY_REQUESTS
from klaviyo_mcp.calls.dispatch import DISPATCH_REQUESTS
from klaviyo_mcp.calls.inventory import (
    CALL_DELETE_TOOL,
    CALL_READ_TOOL,
    CALL_WRITE_TOOL,
    DESCRIBE_TOOL,
    FIND_TOOLS,
    READING_DISCOVERY_TOOLS,
    Inventory,
)
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.schema.input_schema import input_schema

if TYPE_CHECKING:
    from klaviyo_mcp.calls.context import CallContext
    from klaviyo_mcp.calls.service import CallService
    from klaviyo_mcp.protocol.features import Features

_IDEMPOTENT_METHODS = ("GET", "PATCH", "PUT", "DELETE")
_DESTRUCTIVE_EFFECTS = (Effect.DELETE, Effect.IRREVERSIBLE, Effect.REACHES_PEOPLE)


class _DiscoveryTool(NamedTuple):
    """A discovery tool as it is listed; `open_world`: it reaches Klaviyo."""

    description: str
    arguments: type[Arguments]
    open_world: bool = True


_DISCOVERY_TOOLS: Mapping[str, _DiscoveryTool] = {
    FIND_TOOLS: _DiscoveryTool(
        "Find tools, also those not listed here, by what you want to do.",
        DISCOVERY_REQUESTS[FIND_TOOLS],
        open_world=False,
    ),
    DESCRIBE_TOOL: _DiscoveryTool(
        "What a tool does and takes, or a guide: klaviyo://guide/filters …",
        DISCOVERY_REQUESTS[DESCRIBE_TOOL],
        open_world=False,
    ),
    CALL_READ_TOOL: _DiscoveryTool("Run any tool that only reads.", DISPATCH_REQUESTS[CALL_READ_TOOL]),
    CALL_WRITE_TOOL: _DiscoveryTool("Run any tool that creates, changes or sends.", DISPATCH_REQUESTS[CALL_WRITE_TOOL]),
    CALL_DELETE_TOOL: _DiscoveryTool(
        "Run any tool that deletes or cannot be undone.", DISPATCH_REQUESTS[CALL_DELETE_TOOL]
    ),
}


def list_tools(inventory: Inventory) -> list[mcp_types.Tool]:
    """The tools in stable order: the listed operations, then the discovery tools."""
    tools = [
        mcp_types.Tool(
            name=operation.name,
            description=operation.purpose,
            input_schema=inventory.input_schema(operation, brief=True),
            annotations=tool_annotations(operation),
        )
        for operation in inventory.listed_operations.values()
    ]
    return tools + [_discovery_tool(name) for name in inventory.discovery_tools]


def _discovery_tool(name: str) -> mcp_types.Tool:
    tool, reads = _DISCOVERY_TOOLS[name], name in READING_DISCOVERY_TOOLS
    return mcp_types.Tool(
        name=name,
        description=tool.description,
        input_schema=input_schema(tool.arguments),
        annotations=mcp_types.ToolAnnotations(
            title=name.replace("_", " ").capitalize(),
            read_only_hint=reads,
            destructive_hint=not reads,
            idempotent_hint=reads,
            open_world_hint=tool.open_world,
        ),
    )


def tool_annotations(operation: Operation) -> mcp_types.ToolAnnotations:
    """All four hints of MCP and a title. A message cannot be taken back: what reaches people counts as destructive."""
    reads = operation.effect is Effect.READ
    return mcp_types.ToolAnnotations(
        title=operation.title,
        read_only_hint=reads,
        destructive_hint=operation.effect in _DESTRUCTIVE_EFFECTS,
        idempotent_hint=reads or operation.method in _IDEMPOTENT_METHODS,
        open_world_hint=operation.service is Service.KLAVIYO,
    )


def tool_result(answer: Answer) -> mcp_types.CallToolResult:
    """An answer as MCP returns it: text alone, because clients show structured content to the model as well."""
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(text=answer.text)], is_error=answer.is_error)


class ServedTools:
    """The tools of an inventory, as a server lists and calls them.

    Args:
        inventory: The operations that are listed.
        create_calls: Builds the service that answers the calls, with the first of them: its modules take time that
            tools/list does not have.
        on_answer: Sees every answer before it is sent.
    """

    def __init__(
        self,
        inventory: Inventory,
        create_calls: Callable[[], CallService],
        on_answer: Callable[[Answer], object] | None = None,
    ) -> None:
        self.inventory = inventory
        self._create_calls = create_calls
        self._on_answer = on_answer
        self._tools: list[mcp_types.Tool] | None = None
        self._features: Features | None = None
        self._calls: CallService | None = None
        self._creating = anyio.Lock()

    def tools(self) -> list[mcp_types.Tool]:
        """The tools in stable order, built once."""
        if self._tools is None:
            self._tools = list_tools(self.inventory)
        return self._tools

    @property
    def patience_seconds(self) -> float:
        """How long a question to a person waits for its answer."""
        return self.inventory.settings.confirm_patience

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key and the tokens, which no client may read."""
        return self.inventory.settings.secrets()

    def features(self) -> Features:
        """The handlers of prompts, resources and completion, imported when first needed."""
        if self._features is None:
            from klaviyo_mcp.protocol.features import Features

            self._features = Features(self.inventory, self.calls)
        return self._features

    async def calls(self) -> CallService:
        """The service that answers the calls, built in a thread when first needed."""
        if self._calls is None:
            async with self._creating:
                if self._calls is None:
                    self._calls = await anyio.to_thread.run_sync(self._create_calls)
        return self._calls

    async def call(self, name: str, arguments: Mapping[str, Any], context: CallContext) -> mcp_types.CallToolResult:
        """The result of a call. Raises UnknownTool."""
        calls = self._calls or await self.calls()
        answer = await calls.call(name, arguments, context)
        if self._on_answer is not None:
            self._on_answer(answer)
        return tool_result(answer)

    async def warm(self) -> None:
        """Prepare for the first call, where one can succeed: modules, the TLS context, the sandbox's store."""
        settings = self.inventory.settings
        if settings.key is not None or settings.sandbox:
            await (await self.calls()).warm()

    async def aclose(self) -> None:
        """Close the connections to the gateway."""
        if self._calls is not None:
            await self._calls.aclose()
