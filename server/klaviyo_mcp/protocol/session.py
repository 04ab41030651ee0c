"""The session of a call: it shows progress and asks a person, in either era of the protocol.

Before revision 2026-07-28 of the protocol the server asks while the call waits. Since then the server ends the call
with a question, and the client sends the same call again with the answer and with the state that came with the
question. The protocol library seals that state and binds it to tool, arguments, caller and ten minutes. The state names
the question, and it counts once: a person's answer lets exactly the call run that they agreed to, once.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types
from mcp.server.request_state import authenticated_principal
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from klaviyo_mcp.cache import ExpiringCache
from klaviyo_mcp.safety.questions import CreatedConnection, QuestionFailedError, Resumption, ShownPreview

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

ANSWER_SECONDS = 600.0
"""Seconds for which a state is good, and that a person may take to open an address."""
PATIENCE_SECONDS = 45.0
"""Seconds that a call waits for the answer to a question, unless the settings name others: fewer than the 60 s after
which clients of the TypeScript SDK give a call up, so that they read the code."""
MAX_USED_STATES = 100_000
"""States remembered as used. Each was a question to a person, so that ten minutes never bring so many."""

_INPUT = "confirm"
_CONSENT_SCHEMA = {
    "type": "object",
    "properties": {_INPUT: {"type": "boolean", "title": "Go ahead"}},
    "required": [_INPUT],
}
_RESUMPTIONS: Mapping[str, type[Resumption]] = {"preview": ShownPreview, "connection": CreatedConnection}
"""The name of each kind of resumption inside a state."""

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
    """The context of one call.

    Args:
        ctx: The request.
        params: Its parameters.
        used_states: Shared by all calls: a state counts once.
        patience_seconds: How long a question waits for its answer while the call waits.
        asks: Whether the client may be asked; not where another process may get the answer.
    """

    def __init__(
        self,
        ctx: ServerRequestContext[Any],
        params: mcp_types.CallToolRequestParams,
        used_states: UsedStates,
        patience_seconds: float = PATIENCE_SECONDS,
        *,
        asks: bool = True,
    ) -> None:
        self._ctx = ctx
        self._patience_seconds = patience_seconds
        self._asks = asks
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
    def principal(self) -> str:
        """The token or the subject that authenticated, else the user of the operating system."""
        return authenticated_principal(self._ctx) or local_principal()

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
        """Whether a person confirms.

        Raises:
            InputNeeded: The call must come again with the answer; its context then holds `resumption`.
            QuestionFailedError: The client could not ask, or what it answered is neither yes nor no: it accepted
                without the tick, its answer is malformed, or none came in time.
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
        reachable = self._asks and (self._modern or session.can_send_request)
        return capabilities.elicitation if capabilities is not None and reachable else None

    async def _elicit(
        self, question: str, params: mcp_types.ElicitRequestParams, resumption: Resumption | None, *, needs_tick: bool
    ) -> bool:
        if not self._modern:
            return await self._wait_for_answer(params, needs_tick)
        asked = json.dumps([question, _seal(resumption)])
        digest = blake2b(asked.encode(), digest_size=12).hexdigest()
        if digest in self._approvals:
            return True
        if digest != self._question or not isinstance(self._answer, mcp_types.ElicitResult):
            raise InputNeeded(mcp_types.ElicitRequest(params=params), self._state(digest, resumption))
        agreed = _is_consent(self._answer, needs_tick)
        if agreed:
            self._approvals.append(digest)
        return agreed

    def _state(self, question: str, resumption: Resumption | None) -> str:
        """The state that the client returns with the answer; the protocol library seals it."""
        state = {
            "nonce": secrets.token_hex(8),
            "question": question,
            "approvals": self._approvals,
            "resumption": _seal(resumption),
        }
        return json.dumps(state)

    async def _wait_for_answer(self, params: mcp_types.ElicitRequestParams, needs_tick: bool) -> bool:
        session, id_ = self._ctx.session, self._ctx.request_id
        is_form = isinstance(params, mcp_types.ElicitRequestFormParams)
        try:
            with anyio.move_on_after(self._patience_seconds if is_form else ANSWER_SECONDS):
                if isinstance(params, mcp_types.ElicitRequestFormParams):
                    answer = await session.elicit_form(params.message, params.requested_schema, id_)
                else:
                    answer = await session.elicit_url(params.message, params.url, params.elicitation_id or "", id_)
                return _is_consent(answer, needs_tick)
        except MCPError as error:
            raise QuestionFailedError(str(error)) from None
        except ValidationError:  # its text would repeat what the client sent
            raise QuestionFailedError("the answer is malformed") from None
        if is_form:
            raise QuestionFailedError(f"no answer within {self._patience_seconds:g} s")
        return False


def _is_consent(answer: mcp_types.ElicitResult, needs_tick: bool) -> bool:
    """Whether the answer is a yes. Raises QuestionFailedError where it is accepted without the tick.

    Clients that render no form accept without one: nobody has read the question.
    """
    if answer.action != "accept":
        return False
    if needs_tick and (answer.content or {}).get(_INPUT) is not True:
        raise QuestionFailedError("accepted without the tick")
    return True


def local_principal() -> str:
    """The user of the operating system, who runs this process."""
    return f"uid {os.getuid()}" if hasattr(os, "getuid") else f"user {os.environ.get('USERNAME', '')}"


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
