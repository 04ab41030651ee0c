"""The operations that a server lists and runs, and how a model calls each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.errors import MAX_BYTES, ArgumentError, KlaviyoMcpError
from klaviyo_mcp.safety import policy
from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.schema.input_schema import input_schema
from klaviyo_tools.schema.listed import listed_schema

if TYPE_CHECKING:
    from klaviyo_mcp.settings import Settings
    from klaviyo_tools.registry import Registry

FIND_TOOLS = "find_tools"
DESCRIBE_TOOL = "describe_tool"
CALL_READ_TOOL = "call_read_tool"
CALL_WRITE_TOOL = "call_write_tool"
CALL_DELETE_TOOL = "call_delete_tool"
DISPATCHERS = (CALL_READ_TOOL, CALL_WRITE_TOOL, CALL_DELETE_TOOL)
"""The tools that run an operation by its name."""
DISCOVERY_TOOLS = (FIND_TOOLS, DESCRIBE_TOOL, *DISPATCHERS)
"""The tools that every toolset lists: through them a model reaches the operations that are not listed."""
READING_DISCOVERY_TOOLS = (FIND_TOOLS, DESCRIBE_TOOL, CALL_READ_TOOL)
"""The discovery tools of a read-only server."""

_DISPATCHER_OF_EFFECT: Mapping[Effect, str] = {
    Effect.READ: CALL_READ_TOOL,
    Effect.WRITE: CALL_WRITE_TOOL,
    Effect.REACHES_PEOPLE: CALL_WRITE_TOOL,
    Effect.DELETE: CALL_DELETE_TOOL,
    Effect.IRREVERSIBLE: CALL_DELETE_TOOL,
}


class UnknownTool(LookupError):
    """The server lists no tool of that name; the message names the nearest."""


def dispatcher_of(operation: Operation) -> str:
    """The discovery tool that runs an operation."""
    return _DISPATCHER_OF_EFFECT[operation.effect]


class Inventory:
    """The operations that these settings list and run.

    Attributes:
        settings: The settings that chose them.
        registry: Every operation there is.
        listed_operations: Operations by name, as tools/list has them: those of the chosen toolsets.
        runnable_operations: Operations by name that a dispatcher runs: all that the revision has and the policy allows.
        discovery_tools: The names of the discovery tools that are listed.
    """

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.settings = settings
        self.registry = registry
        self.revision = settings.revision
        self.confirm = settings.confirm
        self._read_only = settings.read_only
        chosen = (one for one in registry.in_toolsets(settings.toolsets) if one.revisions.since <= settings.revision)
        self.listed_operations = _by_name(policy.allowed_operations(chosen, read_only=settings.read_only))
        self.runnable_operations = _by_name(
            policy.allowed_operations(registry.at_revision(settings.revision), read_only=settings.read_only)
        )
        self.discovery_tools = READING_DISCOVERY_TOOLS if settings.read_only else DISCOVERY_TOOLS

    def operation_of_tool(self, name: str) -> Operation:
        """The listed operation of this name. Raises UnknownTool, which says what to call instead."""
        if name in self.listed_operations:
            return self.listed_operations[name]
        if name in self.registry.argument_operations:
            raise UnknownTool(f"there is no tool {name}: call {self.registry.replacement_call(name)}")
        if name not in self.registry:
            raise UnknownTool(_no_such_tool(name, self.listed_operations))
        operation = self.registry[name]
        if self._read_only and operation.effect is not Effect.READ:
            raise UnknownTool(_read_only(name))
        if operation.revisions.since > self.revision:
            raise UnknownTool(_later(operation))
        call = self.how_to_call(operation, {})
        raise UnknownTool(f"{name} is not listed here: call it as {call}, with its arguments")

    def operation(self, name: str) -> Operation:
        """The operation of this name or alias that may run, spelt as a model may spell it. Raises ArgumentError."""
        name = name.strip().lower().replace("-", "_")
        if name in self.runnable_operations:
            return self.runnable_operations[name]
        for operation in self.runnable_operations.values():
            if name in operation.aliases:
                return operation
        if name in self.registry:
            operation = self.registry[name]
            raise ArgumentError(_later(operation) if operation.revisions.since > self.revision else _read_only(name))
        if name in self.registry.argument_operations:
            raise ArgumentError(f"{name} is {self.registry.replacement_call(name)}")
        if name in DISCOVERY_TOOLS:
            raise ArgumentError(f"{name} cannot be called through another tool")
        raise ArgumentError(_no_such_tool(name, self.runnable_operations))

    def how_to_call(self, operation: Operation, arguments: Mapping[str, str]) -> str:
        """The call of an operation as a model writes it: by name, or through a dispatcher where it is not listed."""
        if operation.name in self.listed_operations:
            return f"{operation.name}({', '.join(f'{name}={value}' for name, value in arguments.items())})"
        inner = json.dumps(arguments, ensure_ascii=False)
        return f'{dispatcher_of(operation)}(name="{operation.name}", arguments={inner})'

    def verify_with(self, operation: Operation) -> str | None:
        """The read that shows whether a write was applied, with its dispatcher where it is not listed."""
        name = self.registry.verify_with(operation)
        if not name or name in self.listed_operations:
            return name
        return f"{name} (through {dispatcher_of(self.registry[name])})"

    def error_text(self, error: KlaviyoMcpError) -> str:
        """An error as a model reads it: with how to call the operations that it suggests, where they are not listed."""
        text = str(error)
        for name in error.suggestions:
            if name not in self.listed_operations:
                hint = f"{name} is not listed: call it through {dispatcher_of(self.registry[name])}."
                if len(f"{text} {hint}".encode()) <= MAX_BYTES:
                    text = f"{text} {hint}"
        return text

    def input_schema(self, operation: Operation, *, brief: bool = False) -> dict[str, Any]:
        """The input schema: without arguments of later revisions, with a code where a call may need a confirmation.

        `brief` is the form for tools/list, which every session pays for.
        """
        schema = listed_schema(operation, self.revision) if brief else input_schema(operation.arguments, self.revision)
        if policy.may_need_confirmation(operation, self.confirm):
            schema["properties"] = {**schema["properties"], policy.CODE_ARGUMENT: policy.CODE_SCHEMA}
        return schema


def _by_name(operations: list[Operation]) -> dict[str, Operation]:
    return {operation.name: operation for operation in operations}


def _read_only(name: str) -> str:
    return f"{name} changes the account, and this server is read-only (KLAVIYO_MCP_READ_ONLY)"


def _later(operation: Operation) -> str:
    return f"{operation.name} exists from revision {operation.revisions.since} on (KLAVIYO_REVISION)"


def _no_such_tool(name: str, operations: Mapping[str, Operation]) -> str:
    close = nearest(name, operations)
    hint = f"did you mean {' or '.join(close)}?" if close else f"{FIND_TOOLS} searches by what you want to do"
    return f"there is no tool {name[:60]!r}; {hint}"
