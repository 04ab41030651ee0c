"""Argument completion for prompts and resource templates, from the account's own names. It never fails.

Names are read once in some minutes, and only when somebody types: a client asks with every key.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import mcp_types

from klaviyo_mcp.answers.wording import one_line
from klaviyo_mcp.calls.guides.guide import GUIDES
from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_mcp.protocol import prompts, resources
from klaviyo_tools.areas.reporting import KEYS

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from klaviyo_mcp.account.directory import Directory
    from klaviyo_mcp.calls.service import CallService

logger = logging.getLogger(__name__)

MAX_COMPLETIONS = 100
"""Values in one answer, as the protocol has it."""
CACHE_SECONDS = 300.0
"""Seconds for which names are kept."""
FAILURE_CACHE_SECONDS = 30.0
"""Seconds after which what could not be read is tried again."""
READ_SECONDS = 4.0
"""Seconds for which somebody who types is kept waiting."""
NAME_CHARACTERS = 120
"""Characters of a name."""

Clock = Callable[[], float]


class NamedRecord(NamedTuple):
    """Something of the account that can be chosen."""

    id: str
    name: str


ReadNames = Callable[["Directory"], Awaitable[list[NamedRecord]]]


async def _listed(operation: str, label: str, names: Directory) -> list[NamedRecord]:
    return [_thing(flat.id, flat.attributes.get(label)) async for flat in names.all(operation, fields=(label,))]


async def _campaigns(names: Directory) -> list[NamedRecord]:
    found: list[NamedRecord] = []
    for channel in ("email", "sms", "mobile_push"):
        newest = names.all("get_campaigns", filter=f'equals(messages.channel,"{channel}")', sort="-updated_at")
        found += [_thing(flat.id, flat.attributes.get("name")) async for flat in newest]
    return found


async def _metrics(names: Directory) -> list[NamedRecord]:
    return [NamedRecord(metric.id, metric.name) for metric in await names.metrics()]


async def _audiences(names: Directory) -> list[NamedRecord]:
    return [*await READERS["list"](names), *await READERS["segment"](names)]


READERS: Mapping[str, ReadNames] = {
    "campaign": _campaigns,
    "list": partial(_listed, "get_lists", "name"),
    "segment": partial(_listed, "get_segments", "name"),
    "flow": partial(_listed, "get_flows", "name"),
    "form": partial(_listed, "get_forms", "name"),
    "template": partial(_listed, "get_templates", "name"),
    "metric": _metrics,
    "coupon": partial(_listed, "get_coupons", "external_id"),
    "webhook": partial(_listed, "get_webhooks", "name"),
    "audience": _audiences,
}
"""What is completed from the account: neither people nor what they did."""


@dataclass
class _Kept:
    things: Sequence[NamedRecord] = ()
    until: float = float("-inf")
    reading: anyio.Lock = field(default_factory=anyio.Lock)


class Completion:
    """The handler of completion. `clock` is in seconds."""

    def __init__(self, calls: CallService, clock: Clock = anyio.current_time) -> None:
        self._calls = calls
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}

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
            return _ranked([(thing.name, thing.name) for thing in await self._things(kind)], typed)
        kind = ref.uri.removeprefix(resources.SCHEME).partition("/")[0]
        if kind == "guide":
            return _ranked([(name, name) for name in GUIDES], typed)
        things = await self._things(kind) if kind in resources.RECORDS else ()
        return _ranked([(thing.id, f"{thing.name} {thing.id}") for thing in things], typed)

    async def _things(self, kind: str) -> Sequence[NamedRecord]:
        """What there is of a kind, read again after some minutes."""
        if kind not in READERS or (self._calls.settings.key is None and not self._calls.settings.sandbox):
            return ()
        account = (
            await self._calls.accounts.connection_for_write()
        )  # several connections and none chosen: complete from none
        kept = self._kept.setdefault((account, kind), _Kept())
        async with kept.reading:
            if self._clock() >= kept.until:
                kept.until = self._clock() + FAILURE_CACHE_SECONDS
                kept.things = await READERS[kind](self._calls.reports.names)
                kept.until = self._clock() + CACHE_SECONDS
        return kept.things


def _thing(id_: str, name: object) -> NamedRecord:
    return NamedRecord(id_, one_line(name, NAME_CHARACTERS) if isinstance(name, str) else "")


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
