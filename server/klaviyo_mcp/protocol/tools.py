"""The tools as MCP lists them, and the answer of a call as MCP returns it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import mcp_types

from klaviyo_mcp.calls.answer import Answer
from klaviyo_mcp.calls.context import CallContext
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
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.edge import Redactor
from klaviyo_mcp.settings import Settings
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.schema.input_schema import input_schema

_IDEMPOTENT_METHODS = ("GET", "PATCH", "PUT", "DELETE")
_DESTRUCTIVE_EFFECTS = (Effect.DELETE, Effect.IRREVERSIBLE, Effect.REACHES_PEOPLE)


@dataclass(frozen=True, slots=True)
class _DiscoveryTool:
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


def redactor_of(settings: Settings) -> Redactor:
    """Removes the secrets of these settings from a text: a gateway could send the key back in an answer."""
    return Redactor(settings.secrets(), "[hidden]")


class ServedTools:
    """The tools of a CallService as a server lists and calls them. `on_answer` sees every answer before it is sent."""

    def __init__(self, calls: CallService, on_answer: Callable[[Answer], object] | None = None) -> None:
        self.calls = calls
        self._on_answer = on_answer
        self._tools: list[mcp_types.Tool] | None = None
        self._redact = redactor_of(calls.settings)

    def tools(self) -> list[mcp_types.Tool]:
        """The tools in stable order, built once."""
        if self._tools is None:
            self._tools = list_tools(self.calls.inventory)
        return self._tools

    async def call(self, name: str, arguments: Mapping[str, Any], context: CallContext) -> mcp_types.CallToolResult:
        """The result of a call. Raises UnknownTool."""
        answer = await self.calls.call(name, arguments, context)
        answer = replace(answer, text=self._redact(answer.text))
        if self._on_answer is not None:
            self._on_answer(answer)
        return tool_result(answer)

    async def warm(self) -> None:
        """Prepare for the first call."""
        await self.calls.warm()

    async def aclose(self) -> None:
        """Close the connections to the gateway."""
        await self.calls.aclose()
