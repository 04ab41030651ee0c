"""The answer of a call, before the protocol gives it its form."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """What a call gives back.

    Attributes:
        text: What a model reads.
        is_error: The call failed; the text says why, and what to do.
        held: The call changed nothing: it waits for a second call with the code in the text.
    """

    text: str
    is_error: bool = False
    held: bool = False
