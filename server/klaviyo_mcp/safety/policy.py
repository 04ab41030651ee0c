"""What may run, and how a tool's effect is told to clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import mcp_types

from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service

Confirm = Literal["never", "default", "writes"]

_DEFAULT = frozenset({Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE})
_GATED: Mapping[Confirm, frozenset[Effect]] = {
    "never": frozenset(),
    "default": _DEFAULT,
    "writes": _DEFAULT | {Effect.WRITE},
}
_IDEMPOTENT = ("GET", "PATCH", "PUT", "DELETE")


def tool_annotations(operation: Operation) -> mcp_types.ToolAnnotations:
    """All four hints of MCP and a title; what reaches people counts as destructive, for it cannot be taken back."""
    reads = operation.effect is Effect.READ
    return mcp_types.ToolAnnotations(
        title=operation.title,
        read_only_hint=reads,
        destructive_hint=operation.effect in (Effect.DELETE, Effect.IRREVERSIBLE, Effect.REACHES_PEOPLE),
        idempotent_hint=reads or operation.method in _IDEMPOTENT,
        open_world_hint=operation.service is Service.KLAVIYO,
    )


def allowed(operations: Iterable[Operation], *, read_only: bool) -> list[Operation]:
    """What is listed and runs: under read-only the reads alone, those by POST among them."""
    return [operation for operation in operations if not read_only or operation.effect is Effect.READ]


def needs_confirmation(effect: Effect, confirm: Confirm) -> bool:
    """Whether a call of this effect waits for a confirmation."""
    return effect in _GATED[confirm]


def may_need_confirmation(operation: Operation, confirm: Confirm) -> bool:
    """Whether an operation waits for a confirmation with any arguments: then it takes a code."""
    effects = {operation.effect, operation.lesser_effect.effect if operation.lesser_effect else operation.effect}
    return not effects.isdisjoint(_GATED[confirm])
