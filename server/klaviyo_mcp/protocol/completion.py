"""Completes arguments of prompts and resource templates with the names in the account. It never fails.

A client asks at every key: the directory of the account reads names once and keeps them for some minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import anyio
import mcp_types

from klaviyo_mcp.answers.wording import one_line
from klaviyo_mcp.calls.guides.guide import GUIDES
from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_mcp.protocol import prompts, resources
from klaviyo_tools.areas.reporting import KEYS

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from klaviyo_mcp.account.names import NamedRecord
    from klaviyo_mcp.calls.service import CallService

logger = logging.getLogger(__name__)

MAX_COMPLETIONS = 100
"""Values in one answer, as the protocol has it."""
READ_SECONDS = 4.0
"""Seconds for which somebody who types is kept waiting."""
NAME_CHARACTERS = 120
RECORD_KINDS: Mapping[str, tuple[str, ...]] = {
    **{
        kind: (kind,)
        for kind in ("campaign", "list", "segment", "flow", "form", "template", "metric", "coupon", "webhook")
    },
    "audience": ("list", "segment"),
}
"""Kind of an argument -> the types of the records that complete it: neither people nor what they did."""


class Completion:
    """The handler of completion."""

    def __init__(self, calls: CallService) -> None:
        self._calls = calls

    async def complete(
        self, ctx: ServerRequestContext[Any], params: mcp_types.CompleteRequestParams
    ) -> mcp_types.CompleteResult:
        """What fits the text typed so far, the best first: beginnings, then words, then anywhere."""
        found: Sequence[str] = ()
        try:
            with anyio.move_on_after(READ_SECONDS):
                found = await self._fitting(params)
        except KlaviyoMcpError as error:
            logger.debug("nothing to complete from: %s", error)
        except Exception:
            logger.warning("completion failed", exc_info=True)
        shown = list(found[:MAX_COMPLETIONS])
        completion = mcp_types.Completion(values=shown, total=len(found), has_more=len(found) > len(shown))
        return mcp_types.CompleteResult(completion=completion)

    async def _fitting(self, params: mcp_types.CompleteRequestParams) -> Sequence[str]:
        typed, ref = params.argument.value, params.ref
        if isinstance(ref, mcp_types.PromptReference):
            prompt = prompts.PROMPTS.get(ref.name)
            known = {argument.name: argument.kind for argument in prompt.arguments} if prompt else {}
            kind = known.get(params.argument.name, "")
            if kind == "timeframe":
                return _ranked([(key, key) for key in KEYS], typed)
            names = [one_line(record.name, NAME_CHARACTERS) for record in await self._records(kind)]
            return _ranked([(name, name) for name in names], typed)
        kind = ref.uri.removeprefix(resources.SCHEME).partition("/")[0]
        if kind == "guide":
            return _ranked([(name, name) for name in GUIDES], typed)
        records = await self._records(kind) if kind in resources.RECORDS else ()
        return _ranked(
            [(record.id, f"{one_line(record.name, NAME_CHARACTERS)} {record.id}") for record in records], typed
        )

    async def _records(self, kind: str) -> Sequence[NamedRecord]:
        """The records of a kind. Raises KlaviyoMcpError, also where several connections leave the account open."""
        settings, accounts = self._calls.settings, self._calls.accounts
        if kind not in RECORD_KINDS or (settings.key is None and not settings.sandbox):
            return ()
        await accounts.connection_for_write()
        return [record for type_ in RECORD_KINDS[kind] for record in await accounts.directory.records(type_)]


def _ranked(values: Sequence[tuple[str, str]], typed: str) -> list[str]:
    """The values whose text holds what was typed, each once."""
    sought = typed.strip().casefold()
    ranks: list[tuple[int, str]] = []
    for value, text in values:
        folded = text.casefold()
        if not value or sought not in folded:
            continue
        ranks.append((0 if folded.startswith(sought) else 1 if f" {sought}" in folded else 2, value))
    return list(dict.fromkeys(value for _, value in sorted(ranks, key=lambda rank: rank[0])))
