"""The MCP server: lists the tools, answers a call, speaks both eras of the protocol."""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import mcp_types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import principal_components
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from klaviyo_mcp import __version__
from klaviyo_mcp.calls.answer import Answer
from klaviyo_mcp.calls.inventory import UnknownTool
from klaviyo_mcp.edge import Redactor
from klaviyo_mcp.protocol.instructions import INSTRUCTIONS
from klaviyo_mcp.protocol.outgoing import CONSTANT_LISTS, OutgoingEdge
from klaviyo_mcp.protocol.request_states import create_boundary
from klaviyo_mcp.protocol.session import InputNeeded, SessionContext, create_used_states
from klaviyo_mcp.protocol.string_arguments import decode_string_arguments
from klaviyo_mcp.protocol.tools import ServedTools, tool_result
from klaviyo_mcp.telemetry import tracing

if TYPE_CHECKING:
    from pydantic import BaseModel

    from klaviyo_mcp.calls.service import CallService
    from klaviyo_mcp.protocol.features import Features

__all__ = ["INSTRUCTIONS", "InputNeeded", "SessionContext", "ToolService", "create_server"]

logger = logging.getLogger(__name__)

_LIST_CACHE_MS = 300_000
"""How long a client may keep a list: a restart with other settings changes it, and nothing tells the client."""
_HEAD_START_SECONDS = 0.05
"""How long the answer to tools/list has the process to itself before the connection to the gateway is prepared."""

Principal = tuple[str, str | None, str | None]
"""An authenticated client: client id, issuer, subject."""
ToolResult = mcp_types.CallToolResult | mcp_types.InputRequiredResult
Handler = Callable[[ServerRequestContext[Any], Any], Awaitable[Any]]
"""Answers a request, from its context and parameters."""


class ToolService(Protocol):
    """What a server serves: `ServedTools`, or the invented tools of a test."""

    @property
    def features(self) -> Callable[[], Features] | None:
        """Returns the handlers of prompts, resources and completion; None for a service of tools alone."""

    @property
    def patience_seconds(self) -> float:
        """How long a question to a person waits for its answer."""

    @property
    def secrets(self) -> Sequence[str]:
        """Texts that no client may read: a gateway could send the key back."""

    def tools(self) -> list[mcp_types.Tool]:
        """The tools in stable order."""

    async def call(self, name: str, arguments: Mapping[str, Any], context: SessionContext) -> mcp_types.CallToolResult:
        """The result of a call. Raises UnknownTool; InputNeeded passes through."""

    async def warm(self) -> None:
        """Prepare for the first call."""

    async def aclose(self) -> None:
        """Close the connections to the gateway."""


class Handlers:
    """The request handlers of one server. They keep nothing of a session: one object serves all sessions.

    Args:
        service: What is served.
        asks: Whether clients may be asked; not where another process may get the answer.
    """

    def __init__(self, service: ToolService, *, asks: bool = True) -> None:
        self.service = service
        self._asks = asks
        self.requests: Counter[Principal | None] = Counter()
        """Requests that read the account and are being answered, by client; None where nobody authenticates."""
        self._used_states = create_used_states()
        self._patience_seconds = service.patience_seconds
        self._tools_result: mcp_types.ListToolsResult | None = None
        self._schemas: dict[str, dict[str, Any]] = {}
        self._tools_sent = anyio.Event()
        self._quiet = anyio.Event()
        self._scopes: set[anyio.CancelScope] = set()

    @property
    def under_way(self) -> int:
        """How many requests that read the account are being answered."""
        return self.requests.total()

    async def list_tools(
        self, ctx: ServerRequestContext[Any], params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListToolsResult:
        """All tools on one page: many clients read no second page."""
        if params is not None and params.cursor:
            raise MCPError(mcp_types.INVALID_PARAMS, "tools/list has one page here: call it without a cursor")
        if self._tools_result is None:
            self._tools_result = mcp_types.ListToolsResult(tools=self.service.tools())
        self._tools_sent.set()
        return self._tools_result

    def input_schema(self, name: str) -> dict[str, Any] | None:
        """The input schema of one tool: without this, the library lists all tools to find one."""
        if not self._schemas:
            self._schemas = {tool.name: tool.input_schema for tool in self.service.tools()}
        return self._schemas.get(name)

    async def call_tool(self, ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams) -> ToolResult:
        """The result of a call. A failure is a result with isError; only an unknown tool is a protocol error."""
        began = time.perf_counter()
        facts: dict[str, Any] = {"tool": _loggable_name(params.name), "status": "cancelled"}
        try:
            with self.answering() as scope, scope, tracing.trace_call() as work:
                try:
                    return await self._answer(ctx, params, facts)
                finally:
                    facts |= work.facts()
            facts["status"] = "stopped"
            return error_result(
                f"The server is shutting down and ended {params.name}. If it changes something, check whether the"
                " change was applied before you send it again."
            )
        finally:
            facts["ms"] = round((time.perf_counter() - began) * 1000, 1)
            tracing.set_attributes({name: value for name, value in facts.items() if name != "tool"})
            logger.info("call", extra={"facts": facts})

    @contextmanager
    def answering(self) -> Iterator[anyio.CancelScope]:
        """A request that is being answered: the end of the input waits for it, and `stop` cancels its scope."""
        scope = anyio.CancelScope()
        token = get_access_token()
        principal = None if token is None else principal_components(token)
        self.requests[principal] += 1
        self._scopes.add(scope)
        try:
            yield scope
        finally:
            self._scopes.discard(scope)
            self.requests[principal] -= 1
            if not self.requests[principal]:
                del self.requests[principal]
            if not self.requests:
                self._quiet.set()

    async def idle(self) -> None:
        """Wait until no request is under way."""
        while self.requests:
            self._quiet = anyio.Event()
            await self._quiet.wait()

    async def stop(self) -> None:
        """End the calls under way; the client of each reads that the server is shutting down."""
        for scope in self._scopes:
            scope.cancel()
        with anyio.move_on_after(1):
            await self.idle()

    async def _answer(
        self, ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams, facts: dict[str, Any]
    ) -> ToolResult:
        try:
            context = SessionContext(ctx, params, self._used_states, self._patience_seconds, asks=self._asks)
            result = await self.service.call(params.name, params.arguments or {}, context)
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
            logger.exception("unexpected failure", extra={"facts": {"tool": _loggable_name(params.name)}})
            return error_result(
                f"{params.name[:64]} failed inside klaviyo-mcp: a fault of the server. Its log has the details."
            )
        facts["status"] = "error" if result.is_error else "ok"
        facts["bytes"] = sum(len(part.text.encode()) for part in result.content if part.type == "text")
        return result

    @asynccontextmanager
    async def lifespan(self, _: Server[Any]) -> AsyncIterator[dict[str, Any]]:
        """Prepares the connection to the gateway while the client reads the list of tools."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._prepare)
            yield {}
            group.cancel_scope.cancel()

    async def _prepare(self) -> None:
        await self._tools_sent.wait()
        await anyio.sleep(_HEAD_START_SECONDS)
        try:
            await self.service.warm()
        except Exception:
            logger.debug("not ready ahead of the first call", exc_info=True)


def _loggable_name(name: str) -> str:
    """A tool's name for the log; any other text may be content, and content is not logged."""
    return name if re.fullmatch(r"[\w.-]{1,64}", name, re.ASCII) else "(no name)"


def error_result(text: str) -> mcp_types.CallToolResult:
    """The result of a call that failed outside the calls: in the server itself, or at its end."""
    return tool_result(Answer(text, is_error=True))


def create_server(calls: CallService, on_answer: Callable[[Answer], object] | None = None) -> Server[Any]:
    """A server over these calls, for any number of sessions. `on_answer` sees every answer before it is sent."""
    return server_of(Handlers(ServedTools(calls.inventory, lambda: calls, on_answer)))


def server_of(handlers: Handlers) -> Server[Any]:
    """The server of these handlers, for any number of sessions."""
    server: Server[Any] = Server(
        "klaviyo-mcp",
        version=__version__,
        title="Klaviyo",
        instructions=INSTRUCTIONS,
        cache_hints=dict.fromkeys(CONSTANT_LISTS, CacheHint(ttl_ms=_LIST_CACHE_MS, scope="private")),
        lifespan=handlers.lifespan,
        get_tool_input_schema=handlers.input_schema,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
    )
    if handlers.service.features is not None:
        _add_features(server, handlers, handlers.service.features)
    server.middleware.append(OutgoingEdge(Redactor(handlers.service.secrets, "[hidden]")))
    server.middleware.append(decode_string_arguments)
    server.middleware.append(create_boundary())
    return server


def _add_features(server: Server[Any], handlers: Handlers, features: Callable[[], Features]) -> None:
    """Add prompts, resources and completion. Each request asks for `features` anew: the first one imports them."""

    def add(method: str, params_type: type[BaseModel], handler_of: Callable[[Features], Handler]) -> None:
        async def handle(ctx: ServerRequestContext[Any], params: Any) -> Any:
            with handlers.answering() as scope, scope:
                return await handler_of(features())(ctx, params)
            raise MCPError(mcp_types.INTERNAL_ERROR, "the server is shutting down")

        server.add_request_handler(method, params_type, handle)

    paged = mcp_types.PaginatedRequestParams
    add("resources/list", paged, lambda features: features.resources.list)
    add("resources/templates/list", paged, lambda features: features.resources.templates)
    add("resources/read", mcp_types.ReadResourceRequestParams, lambda features: features.resources.read)
    add("prompts/list", paged, lambda features: features.prompts.list)
    add("prompts/get", mcp_types.GetPromptRequestParams, lambda features: features.prompts.get)
    add("completion/complete", mcp_types.CompleteRequestParams, lambda features: features.completion.complete)
