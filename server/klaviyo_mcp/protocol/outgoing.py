"""The edge of the protocol: each result, error, question and progress message passes here before a client reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from mcp.server.caching import CacheableMethod
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.edge import Redactor
from klaviyo_mcp.errors import MAX_BYTES, cut

if TYPE_CHECKING:
    from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
    from mcp.server.session import ServerSession

CONSTANT_LISTS: tuple[CacheableMethod, ...] = (
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
)
"""Lists that never change while the server runs. They hold no text of the gateway, and need no redaction."""


class OutgoingEdge:
    """Middleware of a server that redacts all that it sends, and keeps its errors short."""

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method in CONSTANT_LISTS:
            return await call_next(ctx)
        session = cast("ServerSession", RedactedSession(ctx.session, self._redact))
        try:
            result = await call_next(replace(ctx, session=session))
        except MCPError as error:
            fault = error.error
            message = cut(self._redact(fault.message), MAX_BYTES)
            raise MCPError(fault.code, message, _short(self._redact.value(fault.data))) from None
        return cast("HandlerResult", self._redact.value(result))


def _short(data: Any) -> Any:
    """The data of an error: texts in it, such as an address that the client asked for, are cut as its message is."""
    if isinstance(data, str):
        return cut(data, MAX_BYTES)
    return {name: _short(value) for name, value in data.items()} if isinstance(data, dict) else data


class RedactedSession:
    """A session whose questions and progress messages are redacted."""

    def __init__(self, session: ServerSession, redact: Redactor) -> None:
        self._session, self._redact = session, redact

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def report_progress(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """As the session does."""
        await self._session.report_progress(progress, total, self._redact(message) if message else message)

    async def elicit_form(self, message: str, *arguments: Any) -> Any:
        """As the session does."""
        return await self._session.elicit_form(self._redact(message), *arguments)

    async def elicit_url(self, message: str, url: str, *arguments: Any) -> Any:
        """As the session does."""
        return await self._session.elicit_url(self._redact(message), self._redact(url), *arguments)
