"""Finding a tool among all operations: `find_tools` searches, `describe_tool` shows a schema or a guide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import anyio.to_thread
from pydantic import Field

from klaviyo_mcp.calls.guides.guide import GUIDE_PREFIX, find_guide
from klaviyo_mcp.calls.inventory import DESCRIBE_TOOL, FIND_TOOLS, Inventory, dispatcher_of
from klaviyo_mcp.errors import ArgumentError
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.types import Arguments, Text
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.schema.input_schema import input_schema

if TYPE_CHECKING:
    from klaviyo_tools.search.index import Hit, Index

MAX_HITS = 20
_COLLECTION_ARGUMENTS = ("fields", "max_results", "cursor", "count_by", "detail")
"""Arguments that every collection takes: a signature shows them as one ellipsis."""

MAX_QUERY_CHARACTERS = 1_000
"""A longer query of find_tools is read so far: each of its words is looked up with its stems and misspellings."""


class SearchRequest(Arguments):
    """The arguments of `find_tools`."""

    query: Text
    limit: Annotated[int, Field(ge=1, le=MAX_HITS)] = 5


class DescribeRequest(Arguments):
    """The arguments of `describe_tool`: the name of an operation, or the address of a guide."""

    name: Text


DISCOVERY_REQUESTS: Mapping[str, type[SearchRequest | DescribeRequest]] = {
    FIND_TOOLS: SearchRequest,
    DESCRIBE_TOOL: DescribeRequest,
}
"""Tool of this module -> its arguments."""


@cache
def signature(operation: Operation, revision: str) -> str:
    """Name and arguments in short: `get_lists(filter?, sort?, include?, …)`. Kept: the schema takes half a search."""
    schema = input_schema(operation.arguments, revision)
    required = schema.get("required", ())
    is_collection = operation.answer is AnswerKind.COLLECTION and operation.method == "GET"
    hidden = _COLLECTION_ARGUMENTS if is_collection else ()
    names = [name for name in schema["properties"] if name not in hidden]
    parameters = [name if name in required else f"{name}?" for name in names]
    return f"{operation.name}({', '.join([*parameters, '…'] if is_collection else parameters)})"


class Discovery:
    """The answers of `find_tools` and `describe_tool`. The first search builds the index."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._index: Index | None = None
        self._building = anyio.Lock()

    async def answer(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The answer of one of the two tools. Raises ArgumentError."""
        try:
            request = check_arguments(DISCOVERY_REQUESTS[name], arguments)
        except ArgumentsError as error:
            raise ArgumentError(f"{name} did nothing: {error}") from None
        if isinstance(request, SearchRequest):
            return await self._search(request)
        return self._describe(request.name)

    async def _search(self, request: SearchRequest) -> str:
        index, query = await self._built_index(), request.query[:MAX_QUERY_CHARACTERS]
        hits = index.search(query, request.limit)
        if not hits:
            areas = dict.fromkeys(operation.area for operation in self._inventory.runnable_operations.values())
            return f"No tool fits these words. Try a thing and what to do with it; there are {', '.join(areas)}."
        lines = [*index.absences(query), *(self._line(hit) for hit in hits)]
        if any("…)" in line for line in lines):
            lines.append(f"… stands for {', '.join(_COLLECTION_ARGUMENTS)}.")
        lines.append('describe_tool(name) has the details. "via" names the tool to call it through: (name, arguments).')
        return "\n".join(lines)

    def _line(self, hit: Hit) -> str:
        operation = hit.operation
        via = "" if operation.name in self._inventory.listed_operations else f", via {dispatcher_of(operation)}"
        short = signature(operation, self._inventory.revision)
        return f"{short} [{operation.effect.value}{via}] {operation.purpose}"

    def _describe(self, name: str) -> str:
        """The schema of an operation, or a guide: many clients give a model no way to read a resource."""
        if name.startswith(GUIDE_PREFIX):
            try:
                return find_guide(name).text
            except LookupError as error:
                raise ArgumentError(str(error.args[0])) from None
        operation = self._inventory.operation(name)
        is_listed = operation.name in self._inventory.listed_operations
        how = "call it directly" if is_listed else f"call it through {dispatcher_of(operation)}"
        schema = json.dumps(self._inventory.input_schema(operation), ensure_ascii=False, separators=(",", ":"))
        return f"{operation.name} [{operation.effect.value}; {how}] {operation.purpose}\n{schema}"

    async def _built_index(self) -> Index:
        """The search index, built in a thread."""
        async with self._building:
            if self._index is None:
                operations = list(self._inventory.runnable_operations.values())
                self._index = await anyio.to_thread.run_sync(_build_index, operations)
            return self._index


def _build_index(operations: list[Operation]) -> Index:
    from klaviyo_tools.search.index import Index
    from klaviyo_tools.search.phrasebook import stored_phrasebook

    return Index(operations, stored_phrasebook())
