"""The session of a call: it shows progress and asks a person, in either era of the protocol.

Before revision 2026-07-28 of the protocol the server asks while the call waits. Since then the server ends the call
with a question, and the client sends the same call again with the answer and with the state that came with the
question. The protocol library seals that state and binds it to tool, arguments, caller and ten minutes. The state names
the question, and it counts once: a person's answer lets exactly the call run that they agreed to, once.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from klaviyo_mcp.cache import ExpiringCache
from klaviyo_mcp.safety.questions import CreatedConnection, QuestionFailedError, Resumption, ShownPreview

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

ANSWER_SECONDS = 600.0
"""Seconds that a person may take to answer, and for which a state is good."""
MAX_USED_STATES = 100_000
"""States remembered as used. Each was a question to a person, so that ten minutes never bring so many."""

_INPUT = "confirm"
_CONSENT_SCHEMA = {
    "type": "object",
    "properties": {_INPUT: {"type": "boolean", "title": "Go ahead"}},
    "required": [_INPUT],
}
_RESUMPTIONS: Mapping[str, type[Resumption]] = {"preview": ShownPreview, "connection": CreatedConnection}
"""What a state calls each kind of resumption."""

UsedStates = ExpiringCache[str, bool]
"""The nonces of the states that came back."""


def create_used_states() -> UsedStates:
    """The memory of used states that all sessions of a process share."""
    return UsedStates(max_entries=MAX_USED_STATES)


class InputNeeded(Exception):
    """The call must end with a question to a person; `result` holds it. Code between must let this pass."""

    def __init__(self, request: mcp_types.ElicitRequest, state: str) -> None:
        super().__init__("a person must answer first")
        self.result = mcp_types.InputRequiredResult(input_requests={_INPUT: request}, request_state=state)


class SessionContext:
    """The context of one call. `used_states` is shared by all calls: a state counts once."""

    def __init__(
        self, ctx: ServerRequestContext[Any], params: mcp_types.CallToolRequestParams, used_states: UsedStates
    ) -> None:
        self._ctx = ctx
        self._modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
        self._progress = 0.0
        state = _parse_state(params.request_state)
        if state and not used_states.put_new(str(state.get("nonce")), True, ANSWER_SECONDS):
            state = {}
        self._question = state.get("question")
        """Digest of the question that `_answer` answers."""
        self._approvals: list[str] = list(state.get("approvals", ()))
        """Digests of the questions that a person agreed to."""
        self.resumption = _unseal(state.get("resumption"))
        """What the last attempt of this call had done when a question ended it; None on the first attempt."""
        self._answer = (params.input_responses or {}).get(_INPUT)

    async def report(self, done: float, total: float | None, message: str) -> None:
        """Show the call's progress. The number sent only grows, because the protocol requires it."""
        self._progress = max(self._progress + 0.001, done)
        await self._ctx.session.report_progress(self._progress, total, message)

    @property
    def can_ask(self) -> bool:
        """Whether the client can put a question to a person."""
        capability = self._elicitation
        return capability is not None and (capability.form is not None or capability.url is None)

    @property
    def can_open(self) -> bool:
        """Whether the client can send a person to a web address."""
        capability = self._elicitation
        return capability is not None and capability.url is not None

    async def ask(self, question: str, resumption: Resumption | None = None) -> bool:
        """Whether a person confirms; without an answer in time, they do not.

        Raises:
            InputNeeded: The call must come again with the answer; its context then holds `resumption`.
            QuestionFailedError: The client could not ask.
        """
        params = mcp_types.ElicitRequestFormParams(message=question, requested_schema=_CONSENT_SCHEMA)
        return await self._elicit(question, params, resumption, needs_tick=True)

    async def open(self, message: str, url: str, resumption: Resumption | None = None) -> bool:
        """Whether a person opens an address. Raises as `ask` does."""
        reference = None if self._modern else secrets.token_hex(8)
        params = mcp_types.ElicitRequestURLParams(message=message, url=url, elicitation_id=reference)
        return await self._elicit(f"{message}\n{url}", params, resumption, needs_tick=False)

    @property
    def _elicitation(self) -> mcp_types.ElicitationCapability | None:
        session = self._ctx.session
        capabilities = session.client_capabilities
        reachable = self._modern or session.can_send_request
        return capabilities.elicitation if capabilities is not None and reachable else None

    async def _elicit(
        self, question: str, params: mcp_types.ElicitRequestParams, resumption: Resumption | None, *, needs_tick: bool
    ) -> bool:
        if not self._modern:
            return await self._wait_for_answer(params, needs_tick)
        digest = blake2b(question.encode(), digest_size=12).hexdigest()
        if digest in self._approvals:
            return True
        if digest != self._question or not isinstance(self._answer, mcp_types.ElicitResult):
            raise InputNeeded(mcp_types.ElicitRequest(params=params), self._state(digest, resumption))
        agreed = _is_consent(self._answer, needs_tick)
        if agreed:
            self._approvals.append(digest)
        return agreed

    def _state(self, question: str, resumption: Resumption | None) -> str:
        """What the client sends back with the answer; the protocol library seals it."""
        state = {
            "nonce": secrets.token_hex(8),
            "question": question,
            "approvals": self._approvals,
            "resumption": _seal(resumption),
        }
        return json.dumps(state)

    async def _wait_for_answer(self, params: mcp_types.ElicitRequestParams, needs_tick: bool) -> bool:
        session, id_ = self._ctx.session, self._ctx.request_id
        try:
            with anyio.move_on_after(ANSWER_SECONDS):
                if isinstance(params, mcp_types.ElicitRequestFormParams):
                    answer = await session.elicit_form(params.message, params.requested_schema, id_)
                else:
                    answer = await session.elicit_url(params.message, params.url, params.elicitation_id or "", id_)
                return _is_consent(answer, needs_tick)
        except MCPError as error:
            raise QuestionFailedError(str(error)) from None
        return False


def _is_consent(answer: mcp_types.ElicitResult, needs_tick: bool) -> bool:
    ticked = (answer.content or {}).get(_INPUT) is True
    return answer.action == "accept" and (ticked or not needs_tick)


def _parse_state(text: str | None) -> dict[str, Any]:
    """The state that this server sent; the protocol library has checked its seal."""
    state = json.loads(text) if text else {}
    return state if isinstance(state, dict) else {}


def _seal(resumption: Resumption | None) -> dict[str, str] | None:
    """A resumption as JSON."""
    if resumption is None:
        return None
    kind = next(name for name, type_ in _RESUMPTIONS.items() if isinstance(resumption, type_))
    return {"kind": kind, **resumption._asdict()}


def _unseal(sealed: dict[str, str] | None) -> Resumption | None:
    """The resumption that `_seal` wrote."""
    if sealed is None:
        return None
    values = {name: value for name, value in sealed.items() if name != "kind"}
    return _RESUMPTIONS[sealed["kind"]](**values)
