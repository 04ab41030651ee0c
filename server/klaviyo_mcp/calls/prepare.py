"""Stage 1 of a call: find its operation, and check its arguments once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from klaviyo_mcp.cache import Clock
from klaviyo_mcp.calls.dispatch import unwrap_call
from klaviyo_mcp.calls.inventory import DISPATCHERS, Inventory
from klaviyo_mcp.errors import ArgumentError
from klaviyo_mcp.safety import confirmation, policy
from klaviyo_mcp.safety.times import check_times
from klaviyo_mcp.safety.written_values import MarkError, clean_written_values
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.facts import AnswerKind, Effect
from klaviyo_tools.operation.operation import Operation

if TYPE_CHECKING:
    from klaviyo_mcp.reports.service import ReportService


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation and its checked arguments; `code` is the confirmation code that came with them."""

    operation: Operation
    arguments: Arguments
    code: str | None = None


def find_operation(
    name: str, arguments: Mapping[str, Any], inventory: Inventory
) -> tuple[Operation, Mapping[str, Any]]:
    """The operation that a call of a tool runs, and its arguments: a dispatcher names another operation.

    Raises:
        UnknownTool: The server lists no tool of this name.
        ArgumentError: A dispatcher does not run the operation that its arguments name.
    """
    if name in DISPATCHERS and name in inventory.discovery_tools:
        return unwrap_call(name, arguments, inventory)
    return inventory.operation_of_tool(name), arguments


async def prepare(
    operation: Operation,
    arguments: Mapping[str, Any],
    inventory: Inventory,
    reports: Callable[[], ReportService],
    clock: Clock = time.time,
) -> Prepared:
    """Check the arguments as a model wrote them; those of a write are cleaned first, as answers are.

    A metric may be given by name: its id is read from the account.

    Args:
        operation: The operation to run.
        arguments: As the model wrote them.
        inventory: Tells the revision, and whether the operation takes a code.
        reports: Returns the service that knows the account's metrics; called only where a metric may be named.
        clock: Tells the time in seconds since 1970.

    Raises:
        ArgumentError: An argument is wrong; nothing was sent.
        KlaviyoMcpError: The account's metrics could not be read.
    """
    code = None
    if policy.may_need_confirmation(operation, inventory.confirm):
        code, arguments = confirmation.split_code(arguments)
    try:
        if operation.effect is not Effect.READ:
            arguments = clean_written_values(arguments)
        if operation.answer is AnswerKind.REPORT:
            arguments = await reports().with_metrics(operation, arguments)
        checked = check_arguments(operation.arguments, arguments, inventory.revision)
        operation.check_size(checked)
        if operation.effect is not Effect.READ:
            check_times(checked, datetime.fromtimestamp(clock(), UTC))
        if "metric_id" in operation.reading.filter and (text := getattr(checked, "filter", None)):
            checked = checked.model_copy(update={"filter": await reports().filter_with_metrics(text)})
    except (ArgumentsError, MarkError) as error:
        raise not_sent(operation, error) from None
    return Prepared(operation, checked, code)


def not_sent(operation: Operation, fault: Exception) -> ArgumentError:
    """The error for a call whose arguments cannot be sent."""
    return ArgumentError(f"{operation.name} was not sent: {fault}")
