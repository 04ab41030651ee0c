"""Asking a person, and telling how far a call has come, in whichever era of the protocol its session speaks.

Before 2026-07-28 the server asks while the call waits. Since then it ends the call with what it needs to know, and the
client sends the same call again with the answer and with the state that came with the question. That state says which
question was asked, is sealed by the protocol library (tool, arguments, caller, ten minutes), and counts once: what a
person agreed to is what runs, and it runs once.
"""

from __future__ import annotations

import json
import secrets
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

ANSWER_SECONDS = 600.0
"""Seconds that a person may take to answer."""

_KEY = "confirm"
_YES = {"type": "object", "properties": {"confirm": {"type": "boolean", "title": "Go ahead"}}, "required": ["confirm"]}


class InputNeeded(Exception):
    """A person must answer before the call goes on; `result` is what the client is told. Let it pass."""

    def __init__(self, request: mcp_types.ElicitRequest, state: str) -> None:
        super().__init__("a person must answer first")
        self.result = mcp_types.InputRequiredResult(input_requests={_KEY: request}, request_state=state)


class UsedStates:
    """The states that were used, for as long as they could be sent again."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def spend(self, nonce: str) -> bool:
        """Use a nonce; False where it was used before."""
        now = time.monotonic()
        while self._until and (oldest := next(iter(self._until))) and self._until[oldest] < now:
            del self._until[oldest]
        if nonce in self._until:
            return False
        self._until[nonce] = now + ANSWER_SECONDS
        return True


class SessionContext:
    """What a call may ask of the session it came from."""

    def __init__(
        self, ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams, spent: UsedStates | None = None
    ) -> None:
        self._ctx = ctx
        self._modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        self._done = 0.0
        state = _parsed(params.request_state)
        fresh = bool(state) and (spent or UsedStates()).spend(str(state.get("nonce")))
        self._agreed: list[str] = list(state.get("agreed", ())) if fresh else []
        self._asked = str(state.get("asked")) if fresh else ""
        self.note = str(state.get("note", "")) if fresh else ""
        """What was noted when a question ended this call's last attempt; empty on a first."""
        self._answer = (params.input_responses or {}).get(_KEY)

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Tell how far the call has come; what is told only ever grows, as the protocol wants it."""
        self._done = max(self._done + 0.001, done)
        await self._ctx.session.report_progress(self._done, total, message)

    @property
    def can_ask(self) -> bool:
        """Whether the client can put a question to a person."""
        offered = self._elicitation
        return offered is not None and (offered.form is not None or offered.url is None)

    @property
    def can_open(self) -> bool:
        """Whether the client can send a person to a web address."""
        offered = self._elicitation
        return offered is not None and offered.url is not None

    async def ask(self, question: str, note: str = "") -> bool:
        """Have a person confirm; no answer in time counts as no. Raises InputNeeded where the call must come again.

        `note` is found in the context of the call that comes again.
        """
        params = mcp_types.ElicitRequestFormParams(message=question, requested_schema=_YES)
        return await self._put(question, params, note, needs_tick=True)

    async def open(self, message: str, url: str, note: str = "") -> bool:
        """Have a person open an address; True once they agreed to. Raises InputNeeded as `ask` does."""
        reference = None if self._modern else secrets.token_hex(8)
        params = mcp_types.ElicitRequestURLParams(message=message, url=url, elicitation_id=reference)
        return await self._put(f"{message}\n{url}", params, note, needs_tick=False)

    @property
    def _elicitation(self) -> mcp_types.ElicitationCapability | None:
        session = self._ctx.session
        capabilities = session.client_capabilities
        reachable = self._modern or session.can_send_request
        return capabilities.elicitation if capabilities is not None and reachable else None

    async def _put(self, question: str, params: mcp_types.ElicitRequestParams, note: str, *, needs_tick: bool) -> bool:
        digest = blake2b(question.encode(), digest_size=12).hexdigest()
        if not self._modern:
            return await self._wait(params, needs_tick)
        if digest in self._agreed:
            return True
        if digest != self._asked or not isinstance(self._answer, mcp_types.ElicitResult):
            state = {"nonce": secrets.token_hex(8), "asked": digest, "agreed": self._agreed, "note": note}
            raise InputNeeded(mcp_types.ElicitRequest(params=params), json.dumps(state))
        agreed = _agreed(self._answer, needs_tick)
        self._agreed += [digest] if agreed else []
        return agreed

    async def _wait(self, params: mcp_types.ElicitRequestParams, needs_tick: bool) -> bool:
        session, id_ = self._ctx.session, self._ctx.request_id
        with anyio.move_on_after(ANSWER_SECONDS):
            if isinstance(params, mcp_types.ElicitRequestFormParams):
                return _agreed(await session.elicit_form(params.message, params.requested_schema, id_), needs_tick)
            reference = params.elicitation_id or ""
            return _agreed(await session.elicit_url(params.message, params.url, reference, id_), needs_tick)
        return False


def _agreed(answer: mcp_types.ElicitResult, needs_tick: bool) -> bool:
    ticked = (answer.content or {}).get("confirm") is True
    return answer.action == "accept" and (ticked or not needs_tick)


def _parsed(state: str | None) -> dict[str, Any]:
    """The state that this server gave out; the protocol library has unsealed and checked it."""
    parsed = json.loads(state) if state else {}
    return parsed if isinstance(parsed, dict) else {}
