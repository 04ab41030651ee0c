"""The states that clients send back with an answer: a state that cannot be used leads to a new question.

A state of a process that has ended, of other arguments or of nobody, and answers that are malformed, are no reason to
end a call with a protocol error: the person has answered, and their client cannot mend it. Nothing of such a message
counts; the call begins anew and leads to a new question.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import mcp_types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError

from klaviyo_mcp.protocol.session import ANSWER_SECONDS

_METHOD = "tools/call"
_REJECTED = {"reason": "invalid_request_state"}
_ANSWER = ("requestState", "inputResponses")


class AskAgainBoundary(RequestStateBoundary):
    """Verifies and seals states as the library does; a call whose state or answer cannot be used begins anew."""

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method != _METHOD or ctx.params is None or not any(name in ctx.params for name in _ANSWER):
            return await super().__call__(ctx, call_next)
        if not _is_well_formed(ctx.params.get("inputResponses")):
            ctx = _without_answer(ctx)
        try:
            return await super().__call__(ctx, call_next)
        except MCPError as error:  # raised before anything ran
            if error.error.data != _REJECTED:
                raise
        return await super().__call__(_without_answer(ctx), call_next)


def create_boundary() -> AskAgainBoundary:
    """A boundary with a key of this process."""
    security = RequestStateSecurity.ephemeral(ttl=ANSWER_SECONDS)
    return AskAgainBoundary(security, default_audience="klaviyo-mcp")


def _without_answer(ctx: ServerRequestContext[Any, Any]) -> ServerRequestContext[Any, Any]:
    params = {name: value for name, value in (ctx.params or {}).items() if name not in _ANSWER}
    return replace(ctx, params=params)


def _is_well_formed(responses: object) -> bool:
    if responses is None:
        return True
    try:
        _responses_adapter().validate_python(responses)
    except ValidationError:
        return False
    return True


@lru_cache(1)
def _responses_adapter() -> TypeAdapter[Any]:
    return TypeAdapter(mcp_types.InputResponses)
