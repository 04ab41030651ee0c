"""The MCP server: lists the tools, answers a call, speaks both eras of the protocol."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import anyio
import mcp_types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError

from klaviyo_mcp import __version__
from klaviyo_mcp.calls.service import CallService, UnknownTool
from klaviyo_mcp.protocol import prompts, resources
from klaviyo_mcp.protocol.completion import Completion
from klaviyo_mcp.protocol.instructions import INSTRUCTIONS
from klaviyo_mcp.protocol.session import ANSWER_SECONDS, InputNeeded, SessionContext, UsedStates
from klaviyo_mcp.telemetry import tracing

__all__ = ["INSTRUCTIONS", "InputNeeded", "SessionContext", "ToolService", "create_server"]

logger = logging.getLogger(__name__)

_DAY_MS = 86_400_000
_LASTING: tuple[CacheableMethod, ...] = ("tools/list", "prompts/list", "resources/list", "resources/templates/list")
"""What never changes while the server runs."""
_HEAD_START = 0.05
"""Seconds that the answer to tools/list gets before the connection to the gateway is prepared."""

ToolResult = mcp_types.CallToolResult | mcp_types.InputRequiredResult


class ToolService(Protocol):
    """What the server needs of `calls.Calls`."""

    def tools(self) -> list[mcp_types.Tool]:
        """The tools in stable order."""

    async def call(self, name: str, arguments: Mapping[str, Any], context: SessionContext) -> mcp_types.CallToolResult:
        """Run one. Raises UnknownTool; InputNeeded passes through."""

    async def warm(self) -> None:
        """Prepare for the first call."""

    async def aclose(self) -> None:
        """Close the connections to the gateway."""


class Handlers:
    """The handlers of one server. Holds nothing of a session: one serves them all."""

    def __init__(self, calls: ToolService) -> None:
        self.calls = calls
        self.spent = UsedStates()
        self.under_way = 0
        self._listed: mcp_types.ListToolsResult | None = None
        self._schemas: dict[str, dict[str, Any]] = {}
        self._warm = anyio.Event()
        self._quiet = anyio.Event()
        self._scopes: set[anyio.CancelScope] = set()

    async def list_tools(
        self, ctx: ServerRequestContext[Any], params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        """All tools on one page: many clients read no second one."""
        if params is not None and params.cursor:
            raise MCPError(mcp_types.INVALID_PARAMS, "tools/list has one page here: call it without a cursor")
        if self._listed is None:
            self._listed = mcp_types.ListToolsResult(tools=self.calls.tools())
        self._warm.set()
        return self._listed

    def input_schema(self, name: str) -> dict[str, Any] | None:
        """A tool's schema, so that the library need not list all tools to look at one."""
        if not self._schemas:
            self._schemas = {tool.name: tool.input_schema for tool in self.calls.tools()}
        return self._schemas.get(name)

    async def call_tool(self, ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams) -> ToolResult:
        """Answer a call: a fault is a result with isError, only an unknown tool is an error of the protocol."""
        began = time.perf_counter()
        facts: dict[str, Any] = {"tool": _named(params.name), "status": "cancelled"}
        self.under_way += 1
        scope = anyio.CancelScope()
        self._scopes.add(scope)
        try:
            with scope, tracing.trace_call() as work:
                try:
                    return await self._answer(ctx, params, facts)
                finally:
                    facts |= work.facts()
            facts["status"] = "stopped"
            return error_result(
                f"The server is shutting down and ended {params.name}. If it changes something, look whether that was"
                " applied before you send it again."
            )
        finally:
            self._scopes.discard(scope)
            self.under_way -= 1
            if not self.under_way:
                self._quiet.set()
            facts["ms"] = round((time.perf_counter() - began) * 1000, 1)
            tracing.set_attributes({name: value for name, value in facts.items() if name != "tool"})
            logger.info("call", extra={"facts": facts})

    async def idle(self) -> None:
        """Wait until no call is under way."""
        while self.under_way:
            self._quiet = anyio.Event()
            await self._quiet.wait()

    async def stop(self) -> None:
        """End the calls under way; each tells its client."""
        for scope in self._scopes:
            scope.cancel()
        with anyio.move_on_after(1):
            await self.idle()

    async def _answer(
        self, ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams, facts: dict[str, Any]
    ) -> ToolResult:
        try:
            result = await self.calls.call(params.name, params.arguments or {}, SessionContext(ctx, params, self.spent))
        except UnknownTool as error:
            facts["status"] = "unknown tool"
            raise MCPError(mcp_types.INVALID_PARAMS, str(error)) from None
        except InputNeeded as needed:
            facts["status"] = "asked"
            return needed.result
        except MCPError:
            facts["status"] = "refused by the client"
            raise
        except Exception:
            facts["status"] = "failed"
            logger.exception("unexpected failure", extra={"facts": {"tool": _named(params.name)}})
            return error_result(
                f"{params.name[:64]} failed inside klaviyo-mcp: a fault of the server. Its log tells more."
            )
        facts["status"] = "error" if result.is_error else "ok"
        facts["bytes"] = sum(len(part.text.encode()) for part in result.content if part.type == "text")
        return result

    @asynccontextmanager
    async def lifespan(self, _: Server[Any]) -> AsyncIterator[dict[str, Any]]:
        """While the client reads the list of tools, the connection to the gateway is prepared."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._prepare)
            yield {}
            group.cancel_scope.cancel()

    async def _prepare(self) -> None:
        await self._warm.wait()
        await anyio.sleep(_HEAD_START)
        try:
            await self.calls.warm()
        except Exception:
            logger.debug("not ready ahead of the first call", exc_info=True)


def _named(name: str) -> str:
    """A tool's name for the log: what is asked for by another kind of name may be anything, content too."""
    return name if re.fullmatch(r"[\w.-]{1,64}", name, re.ASCII) else "(no name)"


def error_result(text: str) -> mcp_types.CallToolResult:
    """A call that went wrong, in words for a model."""
    return mcp_types.CallToolResult(content=[mcp_types.TextContent(text=text)], is_error=True)


def create_server(calls: ToolService) -> Server[Any]:
    """The server over these calls, for any number of sessions."""
    return server_of(Handlers(calls))


def server_of(shell: Handlers) -> Server[Any]:
    """The server of these handlers."""
    server: Server[Any] = Server(
        "klaviyo-mcp",
        version=__version__,
        title="Klaviyo",
        instructions=INSTRUCTIONS,
        cache_hints=dict.fromkeys(_LASTING, CacheHint(ttl_ms=_DAY_MS, scope="public")),
        lifespan=shell.lifespan,
        get_tool_input_schema=shell.input_schema,
        on_list_tools=shell.list_tools,
        on_call_tool=shell.call_tool,
    )
    if isinstance(shell.calls, CallService):
        _add_pages(server, shell.calls)
    security = RequestStateSecurity.ephemeral(ttl=ANSWER_SECONDS)
    server.middleware.append(RequestStateBoundary(security, default_audience="klaviyo-mcp"))
    return server


def _add_pages(server: Server[Any], calls: CallService) -> None:
    """What a person picks in a client: guides, records, prompts, and the completion of their arguments."""
    shelf = resources.Resources(calls)
    said = prompts.Prompts(read_only=calls.settings.read_only)
    completion = Completion(calls)
    paged = mcp_types.PaginatedRequestParams
    server.add_request_handler("resources/list", paged, shelf.list)
    server.add_request_handler("resources/templates/list", paged, shelf.templates)
    server.add_request_handler("resources/read", mcp_types.ReadResourceRequestParams, shelf.read)
    server.add_request_handler("prompts/list", paged, said.list)
    server.add_request_handler("prompts/get", mcp_types.GetPromptRequestParams, said.get)
    server.add_request_handler("completion/complete", mcp_types.CompleteRequestParams, completion.complete)
