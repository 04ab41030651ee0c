"""What may run, and what a person may have to confirm first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from klaviyo_mcp.safety import stake
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation

CODE_ARGUMENT = "confirmation"
"""The argument in which a call brings its confirmation code."""
CODE_SCHEMA = {"type": "string"}

Confirm = Literal["never", "default", "writes"]
"""The values of the setting KLAVIYO_MCP_CONFIRM: nothing, what is at stake, or every write is confirmed."""


def allowed_operations(operations: Iterable[Operation], *, read_only: bool) -> list[Operation]:
    """The operations that may run: under read-only those that read, by POST too."""
    return [operation for operation in operations if not read_only or operation.effect is Effect.READ]


def may_need_confirmation(operation: Operation, confirm: Confirm) -> bool:
    """Whether some calls of the operation wait for a confirmation: then it takes a code."""
    if operation.effect is Effect.READ or confirm == "never":
        return False
    return confirm == "writes" or stake.rule_of(operation).may_ask
