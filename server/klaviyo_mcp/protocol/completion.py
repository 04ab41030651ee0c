"""Completes arguments of prompts and resource templates with the names in the account. It never fails.

A client asks at every key: the directory of the account reads names once and keeps them for some minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types

from klaviyo_mcp.answers.wording import one_line
from klaviyo_mcp.calls.guides.guide import GUIDES
from klaviyo_mcp.calls.inventory import Inventory
from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_mcp.protocol import prompts, resources
from klaviyo_tools.areas.reporting import TIMEFRAME_DAYS

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from klaviyo_mcp.account.names import NamedRecord
    from klaviyo_mcp.calls.service import CallService

logger = logging.getLogger(__name__)

MAX_COMPLETIONS = 100
"""The most values in one answer that the protocol allows."""
READ_SECONDS = 4.0
"""Seconds for which a person who types is kept waiting."""
NAME_CHARACTERS = 120
AUDIENCE = ("list", "segment")
"""The types of the records that complete an argument of the kind `audience`."""


class Completion:
    """The handler of completion."""

    def __init__(self, inventory: Inventory, load_calls: Callable[[], Awaitable[CallService]]) -> None:
        self._inventory = inventory
        self._load_calls = load_calls

    async def complete(
        self, ctx: ServerRequestContext[Any], params: mcp_types.CompleteRequestParams
    ) -> mcp_types.CompleteResult:
        """The values that hold the text typed so far: first those that begin with it, then those with such a word."""
        values: Sequence[str] = ()
        try:
            with anyio.move_on_after(READ_SECONDS):
                values = await self._values(params)
        except KlaviyoMcpError as error:
            logger.debug("no names to complete from: %s", error)
        except Exception:
            logger.warning("completion failed", exc_info=True)
        shown = list(values[:MAX_COMPLETIONS])
        completion = mcp_types.Completion(values=shown, total=len(values), has_more=len(values) > len(shown))
        return mcp_types.CompleteResult(completion=completion)

    async def _values(self, params: mcp_types.CompleteRequestParams) -> Sequence[str]:
        typed, ref = params.argument.value, params.ref
        if isinstance(ref, mcp_types.PromptReference):
            prompt = prompts.PROMPTS.get(ref.name)
            kinds = {argument.name: argument.kind for argument in prompt.arguments} if prompt else {}
            kind = kinds.get(params.argument.name, "")
            if kind == "timeframe":
                return _ranked([(key, key) for key in TIMEFRAME_DAYS], typed)
            names = [one_line(record.name, NAME_CHARACTERS) for record in await self._records(kind)]
            return _ranked([(name, name) for name in names], typed)
        kind = ref.uri.removeprefix(resources.SCHEME).partition("/")[0]
        if kind == "guide":
            return _ranked([(name, name) for name in GUIDES], typed)
        records = await self._records(kind)
        return _ranked(
            [(record.id, f"{one_line(record.name, NAME_CHARACTERS)} {record.id}") for record in records], typed
        )

    async def _records(self, kind: str) -> Sequence[NamedRecord]:
        """The records of a kind. Raises KlaviyoMcpError, also where it is not certain which account is meant."""
        settings, addresses = self._inventory.settings, self._inventory.registry.addresses
        types = AUDIENCE if kind == "audience" else (kind,)
        if not all(type_ in addresses and addresses[type_][1].completes_ids for type_ in types):
            return ()
        if settings.key is None and not settings.sandbox:
            return ()
        accounts = (await self._load_calls()).accounts
        await accounts.connection_for_write()
        return [record for type_ in types for record in await accounts.directory.records(type_)]


def _ranked(choices: Sequence[tuple[str, str]], typed: str) -> list[str]:
    """The values of those choices whose text holds what was typed, each once.

    Args:
        choices: Pairs of a value and its text.
        typed: The text typed so far.
    """
    text = typed.strip().casefold()
    ranks: list[tuple[int, str]] = []
    for value, choice in choices:
        folded = choice.casefold()
        if not value or text not in folded:
            continue
        ranks.append((0 if folded.startswith(text) else 1 if f" {text}" in folded else 2, value))
    return list(dict.fromkeys(value for _, value in sorted(ranks, key=lambda rank: rank[0])))
