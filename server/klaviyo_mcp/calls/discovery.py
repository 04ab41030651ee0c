"""Finding a tool among all operations, and running one that is not listed: five tools that every toolset has.

What runs here runs as a listed tool would: the same validation, policy, confirmation and answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import anyio.to_thread
import mcp_types
from pydantic import Field

from klaviyo_mcp.calls.guides.guide import GUIDE_PREFIX, find_guide
from klaviyo_mcp.errors import ArgumentError
from klaviyo_mcp.safety import confirmation, policy
from klaviyo_tools.arguments.checking import check
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.arguments.types import Arguments, Open, Text
from klaviyo_tools.operation.facts import Answer, Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.schema.input_schema import input_schema

if TYPE_CHECKING:
    from klaviyo_mcp.calls.service import CallContext, CallService
    from klaviyo_tools.search.index import Hit, Index

MAX_FOUND = 20

_RUNNERS: Mapping[Effect, str] = {
    Effect.READ: "call_read_tool",
    Effect.WRITE: "call_write_tool",
    Effect.REACHES_PEOPLE: "call_write_tool",
    Effect.DELETE: "call_delete_tool",
    Effect.IRREVERSIBLE: "call_delete_tool",
}
_READING = ("fields", "max_results", "cursor", "count_by", "detail")
"""Arguments of collections that a signature tells as one sign."""


class SearchRequest(Arguments):
    """What a tool is searched by."""

    query: Text
    limit: Annotated[int, Field(ge=1, le=MAX_FOUND)] = 5


class NamedTool(Arguments):
    """An operation by name."""

    name: Text


class RunRequest(NamedTool):
    """An operation and what to call it with."""

    arguments: Open = {}


class ConfirmedRunRequest(RunRequest):
    """The same, with the code of a call that was held."""

    confirmation: str | None = None


@dataclass(frozen=True, slots=True)
class _Tool:
    description: str
    takes: type[Arguments]
    reads: bool = True
    destroys: bool = False
    reaches_out: bool = True


_TOOLS: Mapping[str, _Tool] = {
    "find_tools": _Tool(
        "Find tools, also those not listed here, by what you want to do.",
        SearchRequest,
        reaches_out=False,
    ),
    "describe_tool": _Tool(
        "What a tool does and takes, or a guide: klaviyo://guide/filters …", NamedTool, reaches_out=False
    ),
    "call_read_tool": _Tool("Run any tool that only reads.", RunRequest),
    "call_write_tool": _Tool(
        "Run any tool that creates, changes or sends.", ConfirmedRunRequest, reads=False, destroys=True
    ),
    "call_delete_tool": _Tool(
        "Run any tool that deletes or cannot be undone.",
        ConfirmedRunRequest,
        reads=False,
        destroys=True,
    ),
}
DISCOVERY_TOOLS = tuple(_TOOLS)


def discovery_tools(*, read_only: bool) -> list[mcp_types.Tool]:
    """The discovery tools as a client lists them; under read-only those that read."""
    return [
        mcp_types.Tool(
            name=name,
            description=tool.description,
            input_schema=input_schema(tool.takes),
            annotations=mcp_types.ToolAnnotations(
                title=name.replace("_", " ").capitalize(),
                read_only_hint=tool.reads,
                destructive_hint=tool.destroys,
                idempotent_hint=tool.reads,
                open_world_hint=tool.reaches_out,
            ),
        )
        for name, tool in _TOOLS.items()
        if tool.reads or not read_only
    ]


def dispatcher_of(operation: Operation) -> str:
    """The discovery tool that runs an operation."""
    return _RUNNERS[operation.effect]


def signature(operation: Operation, revision: str) -> str:
    """Name and arguments in short: `get_lists(filter?, sort?, include?, …)`."""
    schema = input_schema(operation.arguments, revision)
    required = schema.get("required", ())
    names = list(schema["properties"])
    usual = operation.answer is Answer.COLLECTION and operation.method == "GET"
    told = [name if name in required else f"{name}?" for name in names if not (usual and name in _READING)]
    return f"{operation.name}({', '.join([*told, '…'] if usual else told)})"


class Discovery:
    """The discovery tools of one server. The index is built when something is first searched for."""

    def __init__(self, calls: CallService) -> None:
        self._calls = calls
        settings = calls.settings
        self._revision = settings.revision
        self._tools = discovery_tools(read_only=settings.read_only)
        self._names = frozenset(tool.name for tool in self._tools)
        existing = policy.allowed(calls.catalog.at(settings.revision), read_only=settings.read_only)
        self._operations = {operation.name: operation for operation in existing}
        self._index: Index | None = None
        self._building = anyio.Lock()

    def tools(self) -> list[mcp_types.Tool]:
        """As a client lists them."""
        return self._tools

    def __contains__(self, name: str) -> bool:
        return name in self._names

    async def call(self, name: str, given: Mapping[str, Any], context: CallContext) -> str:
        """Run a discovery tool. Raises KlaviyoMcpError."""
        takes = _TOOLS[name].takes
        try:
            if issubclass(takes, RunRequest):
                _refuse_beside(takes, given)
            arguments = check(takes, given)
        except ArgumentsError as error:
            raise ArgumentError(f"{name} did nothing: {error}") from None
        match arguments:
            case SearchRequest():
                return await self._find(arguments)
            case RunRequest():
                return await self._run(name, arguments, context)
            case NamedTool():
                return self._named(arguments.name)
        raise TypeError(f"no discovery tool takes {type(arguments).__name__}")

    async def _find(self, wanted: SearchRequest) -> str:
        hits = (await self._searched()).search(wanted.query, wanted.limit)
        if not hits:
            areas = dict.fromkeys(operation.area for operation in self._operations.values())
            return f"No tool fits these words. Try a thing and what to do with it; there are {', '.join(areas)}."
        lines = [self._line(hit) for hit in hits]
        if any("…)" in line for line in lines):
            lines.append(f"… stands for {', '.join(_READING)}.")
        lines.append('describe_tool(name) has the details. "via" names the tool to call it through: (name, arguments).')
        return "\n".join(lines)

    def _line(self, hit: Hit) -> str:
        operation = hit.operation
        way = "" if operation.name in self._calls.offered else f", via {dispatcher_of(operation)}"
        return f"{signature(operation, self._revision)} [{operation.effect.value}{way}] {operation.purpose}"

    def _named(self, name: str) -> str:
        """The description of a tool, or a guide: many clients let no model read a resource."""
        if not name.startswith(GUIDE_PREFIX):
            return self._describe(self._operation(name))
        try:
            return find_guide(name).text
        except LookupError as error:
            raise ArgumentError(str(error.args[0])) from None

    def _describe(self, operation: Operation) -> str:
        way = (
            "call it directly"
            if operation.name in self._calls.offered
            else f"call it through {dispatcher_of(operation)}"
        )
        schema = json.dumps(self._calls.schema_of(operation), ensure_ascii=False, separators=(",", ":"))
        return f"{operation.name} [{operation.effect.value}; {way}] {operation.purpose}\n{schema}"

    async def _run(self, name: str, run: RunRequest, context: CallContext) -> str:
        operation = self._operation(run.name)
        if (right := dispatcher_of(operation)) != name:
            kind = operation.effect.value.replace("_", " ")
            raise ArgumentError(f"{operation.name} was not sent: its effect is {kind}, so call it through {right}")
        arguments = dict(run.arguments)
        code = run.confirmation if isinstance(run, ConfirmedRunRequest) else None
        if code is not None and policy.may_need_confirmation(operation, self._calls.settings.confirm):
            arguments.setdefault(confirmation.ARGUMENT, code)
        return await self._calls.answer(operation, arguments, context)

    def _operation(self, given: str) -> Operation:
        name = given.strip().lower().replace("-", "_")
        if name in self._operations:
            return self._operations[name]
        for operation in self._operations.values():
            if name in operation.aliases:
                return operation
        raise ArgumentError(self._unknown(name))

    def _unknown(self, name: str) -> str:
        known = self._calls.catalog.get(name) if name in self._calls.catalog else None
        if known is not None and known.revisions.since > self._revision:
            return f"{name} exists from revision {known.revisions.since} on (KLAVIYO_REVISION)"
        if known is not None:
            return f"{name} changes the account, and this server is read-only (KLAVIYO_MCP_READ_ONLY)"
        if name in self._calls.catalog.argument_operations:
            return f"{name} is {self._calls.catalog.covers(name)}"
        if name in _TOOLS:
            return f"{name} cannot be called through another tool"
        close: Sequence[str] = nearest(name, self._operations)
        hint = f"did you mean {' or '.join(close)}?" if close else "find_tools searches by what you want to do"
        return f"there is no tool {name[:60]!r}; {hint}"

    async def _searched(self) -> Index:
        """The index, built in a thread."""
        async with self._building:
            if self._index is None:
                self._index = await anyio.to_thread.run_sync(_build, list(self._operations.values()))
            return self._index


def _refuse_beside(takes: type[RunRequest], given: Mapping[str, Any]) -> None:
    """Arguments of the tool that is to be run, written beside its name, are told where they belong."""
    beside = [name for name in given if name not in takes.model_fields]
    if beside:
        told = ", ".join(beside[:4])[:80]
        raise ArgumentsError(f'{told} belongs inside arguments: {{"name": …, "arguments": {{"{beside[0][:40]}": …}}}}')


def _build(operations: list[Operation]) -> Index:
    from klaviyo_tools.search.index import Index

    return Index(operations)
