"""Running an operation that is not listed: `call_read_tool`, `call_write_tool` and `call_delete_tool`.

The operation runs as a listed tool does, through the same stages. The dispatcher must be the one of its effect, so
that a client's rules for a dispatcher (allow reads, ask before deletes) hold for what it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.calls.inventory import CALL_DELETE_TOOL, CALL_READ_TOOL, CALL_WRITE_TOOL, Inventory, dispatcher_of
from klaviyo_mcp.errors import ArgumentError
from klaviyo_mcp.safety import policy
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.types import Arguments, OpenObject, Text
from klaviyo_tools.operation.operation import Operation


class DispatchRequest(Arguments):
    """An operation by name, and its arguments."""

    name: Text
    arguments: OpenObject = {}


class ConfirmedDispatchRequest(DispatchRequest):
    """The same, with the code of a call that was held."""

    confirmation: str | None = None


DISPATCH_REQUESTS: Mapping[str, type[DispatchRequest]] = {
    CALL_READ_TOOL: DispatchRequest,
    CALL_WRITE_TOOL: ConfirmedDispatchRequest,
    CALL_DELETE_TOOL: ConfirmedDispatchRequest,
}
"""Dispatcher -> its arguments."""


def unwrap_call(
    dispatcher: str, arguments: Mapping[str, Any], inventory: Inventory
) -> tuple[Operation, Mapping[str, Any]]:
    """The operation that a call of a dispatcher names, and that operation's arguments. Raises ArgumentError."""
    request = _check_request(dispatcher, arguments)
    operation = inventory.operation(request.name)
    if (right := dispatcher_of(operation)) != dispatcher:
        effect = operation.effect.value.replace("_", " ")
        raise ArgumentError(f"{operation.name} was not sent: its effect is {effect}, so call it through {right}")
    inner = dict(request.arguments)
    code = request.confirmation if isinstance(request, ConfirmedDispatchRequest) else None
    if code is not None and policy.may_need_confirmation(operation, inventory.confirm):
        inner.setdefault(policy.CODE_ARGUMENT, code)
    return operation, inner


def _check_request(dispatcher: str, arguments: Mapping[str, Any]) -> DispatchRequest:
    model = DISPATCH_REQUESTS[dispatcher]
    # A model that writes the operation's arguments beside its name reads where they belong.
    misplaced = [name for name in arguments if name not in model.model_fields]
    if misplaced:
        names = ", ".join(misplaced[:4])[:80]
        example = f'{{"name": …, "arguments": {{"{misplaced[0][:40]}": …}}}}'
        raise ArgumentError(f"{dispatcher} did nothing: {names} belongs inside arguments: {example}")
    try:
        return check_arguments(model, arguments)
    except ArgumentsError as error:
        raise ArgumentError(f"{dispatcher} did nothing: {error}") from None
