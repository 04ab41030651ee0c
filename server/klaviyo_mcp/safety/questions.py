"""Questions that a call puts to a person, and what the call still knows when it comes back with the answer.

Some clients end a call with a question and send the same call again with the answer. What the first attempt did must
not be done twice, so the session hands it to the second attempt as a `Resumption`.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol


class ShownPreview(NamedTuple):
    """The first attempt asked a person to confirm the call.

    Attributes:
        question: The question with the preview that they were shown.
        facts: The digest of the facts behind that preview.
        connection: Id of the connection that the preview was read through.
    """

    question: str
    facts: str
    connection: str


class CreatedConnection(NamedTuple):
    """The first attempt created this Maton connection and asked a person to open its `url`."""

    id: str
    url: str


Resumption = ShownPreview | CreatedConnection


class QuestionFailedError(Exception):
    """A question that the client said it can ask led to neither yes nor no."""


class AsksPerson(Protocol):
    """The part of a call's context that can ask a person to confirm."""

    @property
    def principal(self) -> str:
        """Who calls: the token or the subject that authenticated, else the user of the operating system."""

    @property
    def can_ask(self) -> bool:
        """Whether the client can put a question to a person."""

    @property
    def resumption(self) -> Resumption | None:
        """What this call's last attempt had done when a question ended it; None on the first attempt."""

    async def ask(self, question: str, resumption: Resumption | None = None) -> bool:
        """Whether a person confirms. `resumption` is what the context of the next attempt holds, where there is one.

        Raises:
            QuestionFailedError: The client could not ask, or its answer is neither yes nor no.
            Exception: The session ends the call with the question; let this pass.
        """
