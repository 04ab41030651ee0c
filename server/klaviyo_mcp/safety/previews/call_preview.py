"""The preview of one call, as a value: the lines that a person reads, and the facts behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from klaviyo_mcp.answers.wording import one_line
from klaviyo_mcp.safety.stake import CANNOT_BE_UNDONE, Stake

LINE_CHARACTERS = 1_200
"""Characters of a line: room for some dozen names, each of them cut by itself."""
UNDONE = "This cannot be undone."
MAX_LINES = 40
"""Lines that are shown. Previews put first what starts flows, leaves the account or changes consent."""


@dataclass(frozen=True, slots=True)
class CallPreview:
    """What a call is about to do.

    Attributes:
        lines: The text for a person; the first line says what the call does.
        facts: Name -> value that was read in the account and stays until somebody changes it. Counts and estimates are
            no facts: they change by themselves.
        account: The account that the call acts on, as the first line begins.
        reason: The second line: why a person is asked; empty for none.
        consequence: The last line, such as that the call cannot be undone; empty for none.
    """

    lines: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    account: str = ""
    reason: str = ""
    consequence: str = ""

    def ended(self, account: str, consequence: str) -> CallPreview:
        """The same preview of a call on this account, with this consequence."""
        return replace(self, account=account, consequence=consequence)

    def with_stake(self, stake: Stake) -> CallPreview:
        """The same preview with what is at stake: the reason, unless the consequence says it, and the facts."""
        facts = {**self.facts, "stake": stake.facts} if stake.facts else self.facts
        if stake.reasons != (CANNOT_BE_UNDONE,):
            return replace(self, facts=facts, reason=stake.line)
        return replace(self, facts=facts, consequence=self.consequence or UNDONE)

    def with_fact(self, name: str, value: Any) -> CallPreview:
        """The same preview with one more fact."""
        return replace(self, facts={**self.facts, name: value})

    @property
    def digest(self) -> str:
        """Digest of the facts: two previews with the same digest are about the same state of the account."""
        text = json.dumps(self.facts, sort_keys=True, separators=(",", ":"), default=str)
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def text(self) -> str:
        """The preview as text: each line is cleaned, kept to one line and cut."""
        first, *others = self.lines
        rest = len(others) - (MAX_LINES - 1)
        lines = [f"{self.account}: {first}" if self.account else first, *([self.reason] if self.reason else [])]
        lines += others[: MAX_LINES - 1]
        lines += [f"And {rest} more lines."] if rest > 0 else []
        lines += [self.consequence] if self.consequence else []
        return "\n".join(one_line(line, LINE_CHARACTERS) for line in lines)
