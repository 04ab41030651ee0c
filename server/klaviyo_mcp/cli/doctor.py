"""Checks the setup: key, gateway, connection, account, revision, clock; one line each, with what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from klaviyo_mcp.answers.wording import describe, quote
from klaviyo_mcp.cli.call import PrintLine
from klaviyo_mcp.cli.composition import create_sender
from klaviyo_mcp.errors import KEY_PAGE, KeyMissingError, KeyRefusedError, KlaviyoMcpError, UnreachableError
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_mcp.gateway.options import Reply
from klaviyo_mcp.settings import Settings
from klaviyo_tools.registry import registry

CLOCK_TOLERANCE_SECONDS = 120
"""Seconds by which this machine's clock may differ: filters on times and report timeframes depend on it."""

Check = Callable[["Diagnosis"], Awaitable[str]]


class Diagnosis:
    """The setup under examination, and what the checks so far have read of it."""

    def __init__(self, settings: Settings, sender: OperationSender) -> None:
        self.settings = settings
        self.sender = sender
        self.active_connections: Sequence[str] = ()
        self.gateway_date = ""
        """The `Date` header of the gateway's answer."""

    async def read(self, name: str, /, **arguments: object) -> Reply:
        """Send the read of that name. Raises KlaviyoMcpError."""
        operation = registry()[name]
        checked = operation.arguments.model_validate(arguments)
        return await self.sender.send(operation, operation.request(checked), arguments=checked)


class CheckFailed(Exception):
    """A check failed; the message says why, and what to do."""


async def run_checks(settings: Settings, print_line: PrintLine) -> int:
    """Run the checks in order and print a line for each; the first failure ends them: the others depend on it.

    Returns:
        The exit code: 0, or 1 where a check failed.
    """
    sender = create_sender(settings)
    diagnosis = Diagnosis(settings, sender)
    try:
        for name, check in CHECKS.items():
            try:
                print_line(f"ok    {name}: {await check(diagnosis)}")
            except (CheckFailed, KlaviyoMcpError) as failure:
                print_line(f"FAIL  {name}: {failure}")
                return 1
    finally:
        await sender.aclose()
    return 0


async def _key(diagnosis: Diagnosis) -> str:
    if diagnosis.settings.sandbox:
        return "none needed for the sandbox"
    if diagnosis.settings.key is None:
        raise CheckFailed(
            f"MATON_API_KEY is not set. Make a key at {KEY_PAGE} and export MATON_API_KEY=…, or try --sandbox, which"
            " needs none."
        )
    return "MATON_API_KEY is set"


async def _gateway(diagnosis: Diagnosis) -> str:
    url = (await diagnosis.sender.client()).base_url
    try:
        reply = await diagnosis.read("list_connections", status="ACTIVE")
    except (KeyMissingError, KeyRefusedError, UnreachableError):
        raise
    except KlaviyoMcpError as error:
        raise CheckFailed(f"{url} answers, but not as Maton would. {error}") from None
    diagnosis.gateway_date = reply.date
    connections: list[dict[str, Any]] = (reply.document or {}).get("connections", [])
    diagnosis.active_connections = [describe(str(each.get("connection_id") or each.get("id"))) for each in connections]
    return f"{url} answers and knows the key"


async def _connection(diagnosis: Diagnosis) -> str:
    chosen, active = (await diagnosis.sender.client()).connection, diagnosis.active_connections
    if not active:
        raise CheckFailed("there is no active Klaviyo connection. Run `klaviyo-mcp connect` to make one.")
    if chosen and chosen not in active:
        raise CheckFailed(
            f"MATON_CONNECTION={chosen} is not active. Set it to one that is: {', '.join(active)}; or run"
            " `klaviyo-mcp connect`."
        )
    if not chosen and len(active) > 1:
        raise CheckFailed(
            f"there are {len(active)} active ones: {', '.join(active)}. Set MATON_CONNECTION to one of them."
        )
    return chosen or active[0]


async def _account(diagnosis: Diagnosis) -> str:
    reply = await diagnosis.read("get_accounts")
    accounts = (reply.document or {}).get("data") or [{}]
    attributes = accounts[0].get("attributes", {})
    name = attributes.get("contact_information", {}).get("organization_name") or "unnamed"
    zone = describe(attributes["timezone"]) if attributes.get("timezone") else "no time zone"
    return f"{quote(str(name))} ({describe(str(accounts[0].get('id')))}), {zone}"


async def _revision(diagnosis: Diagnosis) -> str:
    """Klaviyo refuses a revision that it does not serve, so the read of the account has shown that it serves it."""
    return f"{diagnosis.settings.revision}, as the account was read with"


async def _clock(diagnosis: Diagnosis) -> str:
    now = datetime.now(UTC)
    try:
        gateway_time = parsedate_to_datetime(diagnosis.gateway_date)
    except ValueError:
        return f"{now:%Y-%m-%d %H:%M:%S} UTC; the gateway does not say its own time"
    difference = (now - gateway_time).total_seconds()
    if abs(difference) > CLOCK_TOLERANCE_SECONDS:
        raise CheckFailed(
            f"this machine says {now:%Y-%m-%d %H:%M:%S} UTC, the gateway {gateway_time:%Y-%m-%d %H:%M:%S}. Set"
            " this clock (timedatectl set-ntp true), or times in filters and reports are off."
        )
    return f"{now:%Y-%m-%d %H:%M:%S} UTC, {abs(difference):.0f} s off the gateway's"


CHECKS: dict[str, Check] = {
    "key": _key,
    "gateway": _gateway,
    "connection": _connection,
    "account": _account,
    "revision": _revision,
    "clock": _clock,
}
