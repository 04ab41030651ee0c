"""What may run, and what a person has to confirm first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation

CODE_ARGUMENT = "confirmation"
"""The argument in which a call brings its confirmation code."""
CODE_SCHEMA = {"type": "string"}

Confirm = Literal["never", "default", "writes"]
"""The values of the setting KLAVIYO_MCP_CONFIRM."""

_DEFAULT = frozenset({Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE})
_CONFIRMED_EFFECTS: Mapping[Confirm, frozenset[Effect]] = {
    "never": frozenset(),
    "default": _DEFAULT,
    "writes": _DEFAULT | {Effect.WRITE},
}


def allowed_operations(operations: Iterable[Operation], *, read_only: bool) -> list[Operation]:
    """The operations that may run: under read-only those that read, by POST too."""
    return [operation for operation in operations if not read_only or operation.effect is Effect.READ]


def needs_confirmation(effect: Effect, confirm: Confirm) -> bool:
    """Whether a call of this effect waits for a confirmation."""
    return effect in _CONFIRMED_EFFECTS[confirm]


def may_need_confirmation(operation: Operation, confirm: Confirm) -> bool:
    """Whether some arguments make the operation wait for a confirmation: then it takes a code."""
    effects = {operation.effect, operation.lesser_effect.effect if operation.lesser_effect else operation.effect}
    return not effects.isdisjoint(_CONFIRMED_EFFECTS[confirm])
