"""The preview of one call, as a value: what a person reads, and the facts it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from klaviyo_mcp.answers.wording import one_line

LINE_CHARACTERS = 400
MAX_LINES = 12


@dataclass(frozen=True, slots=True)
class CallPreview:
    """What a call is about to do.

    Attributes:
        lines: What a person reads; the first says what the call does.
        facts: What was read of the account and stays as it is until somebody changes it, by name. Counts and estimates
            are no facts: they change by themselves.
        account: The account that the call acts on, as the first line begins.
        consequence: What the person should know at the end; empty where there is nothing.
    """

    lines: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    account: str = ""
    consequence: str = ""

    def ended(self, account: str, consequence: str) -> CallPreview:
        """The same preview of a call on this account, with this consequence."""
        return replace(self, account=account, consequence=consequence)

    @property
    def text(self) -> str:
        """The preview as text: each line is cleaned, kept to one line and cut."""
        first, *others = self.lines
        rest = len(others) - (MAX_LINES - 1)
        lines = [f"{self.account}: {first}" if self.account else first, *others[: MAX_LINES - 1]]
        lines += [f"And {rest} more lines."] if rest > 0 else []
        lines += [self.consequence] if self.consequence else []
        return "\n".join(one_line(line, LINE_CHARACTERS) for line in lines)
