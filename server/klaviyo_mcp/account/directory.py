"""What an account is called and holds: its own facts, its metrics, and the names of its records.

One directory serves the whole process: reports, completion, and writes that name their account. Everything is read once
and kept for some minutes. Previews read names anew instead: a person agrees to what is true now.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import anyio

from klaviyo_mcp.account.names import NamedRecord, Names, read_all, read_names
from klaviyo_mcp.answers.values import value_at
from klaviyo_mcp.answers.wording import quote, quote_words
from klaviyo_mcp.cache import Clock, ExpiringCache
from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.registry import resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.account.reads import AccountReads

CACHE_SECONDS = 600.0
"""Seconds for which names and metrics are kept, and that an id has no name."""
ACCOUNT_CACHE_SECONDS = 3_600.0
"""Seconds for which the account's own facts are kept. Klaviyo allows 15 reads of them a minute."""
RECORDS_CACHE_SECONDS = 300.0
"""Seconds for which the list of all records of a type is kept: shorter, because new records are missed in it."""
RECORDS_READ_SECONDS = 3.0
"""Seconds for which the records of a type are read; those of later pages are left out."""
FAILURE_CACHE_SECONDS = 30.0
"""Seconds after which a read that failed is tried again."""
MAX_NAMES = 20_000
MAX_ACCOUNTS = 16
MAX_TYPES = 32


class Account(NamedTuple):
    """The facts of the account that others need; a text is empty where Klaviyo has none or it could not be read."""

    name: str = ""
    timezone: str = ""
    currency: str = ""


class Metric(NamedTuple):
    """A metric; its name is shared where several integrations have it."""

    id: str
    name: str
    integration: str


class Directory:
    """The names of one account.

    Args:
        reads: Reads the account.
        account_key: Tells one account from another; empty while that is unknown.
        clock: Tells the time in seconds.
    """

    def __init__(
        self, reads: AccountReads, account_key: Callable[[], str] = str, clock: Clock = time.monotonic
    ) -> None:
        self.reads = reads
        self.account_key = account_key
        self.clock = clock
        self._key = ""
        self._account: ExpiringCache[str, Account] = ExpiringCache(max_entries=MAX_ACCOUNTS, clock=self._now)
        """Id of the connection, empty while that is unknown -> the account it leads to."""
        self._metrics: ExpiringCache[None, Sequence[Metric]] = ExpiringCache(max_entries=1, clock=self._now)
        self._names: ExpiringCache[tuple[str, str], str] = ExpiringCache(max_entries=MAX_NAMES, clock=self._now)
        """Kind and id -> name, empty where it has none."""
        self._records: ExpiringCache[str, Sequence[NamedRecord]] = ExpiringCache(max_entries=MAX_TYPES, clock=self._now)
        """Type -> its records."""

    async def account(self, connection: str = "") -> Account:
        """The facts of the account that a connection leads to; without one, of the only account. Never fails."""
        self._check_account()
        key = connection or self.account_key()
        try:
            return await self._account.load(
                key,
                partial(self._read_account, key),
                seconds=ACCOUNT_CACHE_SECONDS,
                failure_seconds=FAILURE_CACHE_SECONDS,
            )
        except KlaviyoMcpError:
            return Account()

    def account_name(self, connection: str) -> str:
        """The name of the account that a connection leads to, as far as it was read by now."""
        self._check_account()
        account = self._account.get(connection)
        return account.name if account else ""

    async def metrics(self) -> Sequence[Metric]:
        """All metrics. Raises KlaviyoMcpError where they cannot be read."""
        self._check_account()
        return await self._metrics.load(None, self._read_metrics, seconds=CACHE_SECONDS)

    async def metric_id(self, name: str, argument: str) -> str:
        """The id of the metric with this id or exact name. Raises ArgumentsError where there is none, or several."""
        text = name.strip()
        self._check_account()
        if _is_id(text) and self._metrics.get(None) is None:
            return text
        try:
            metrics = await self.metrics()
        except KlaviyoMcpError:
            if _may_be_id(text):
                return text
            raise
        if any(metric.id == text for metric in metrics):
            return text
        same = [metric for metric in metrics if metric.name == text]
        same = same or [metric for metric in metrics if metric.name.casefold() == text.casefold()]
        if len(same) == 1:
            return same[0].id
        if same:
            ids = ", ".join(f"{metric.id} ({self._integration_words(metric)})" for metric in same[:8])
            raise ArgumentsError(f"{argument}: {len(same)} metrics are called {text[:60]!r}: give one's id, {ids}")
        if _may_be_id(text):
            return text
        close = nearest(text, {metric.name for metric in metrics if self._may_show(metric.name)})
        hint = f"did you mean {' or '.join(map(quote, close))}?" if close else "get_metrics lists them"
        raise ArgumentsError(f"{argument}: no metric is called {text[:60]!r}; {hint}")

    async def metric_name(self, id_: str) -> str:
        """The name of a metric, empty where it is unknown or hidden. Never fails."""
        try:
            name = next((metric.name for metric in await self.metrics() if metric.id == id_), "")
        except KlaviyoMcpError:
            return ""
        return name if self._may_show(name) else ""

    def _may_show(self, name: str) -> bool:
        """Whether a name or an integration of a metric may be shown: strangers make metrics."""
        return not self.reads.hide or name in resource_type("metric").trusted_values

    def _integration_words(self, metric: Metric) -> str:
        if not metric.integration:
            return "no integration"
        return quote_words(metric.integration, 40) if self._may_show(metric.integration) else "another integration"

    async def names(self, kind: str, ids: Iterable[str], channels: Collection[str] = ()) -> Mapping[str, str]:
        """The names of these ids, as far as there are any. Never fails.

        Args:
            kind: As `account.names.read_names` takes it.
            ids: Ids of that kind; empty ones are passed over.
            channels: The channels that campaigns are known to use, as reports name them.
        """
        self._check_account()
        names = {id_: self._names.get((kind, id_)) for id_ in ids if id_}
        missing = [id_ for id_, name in names.items() if name is None]
        if missing:
            new: Names = {}
            seconds = CACHE_SECONDS
            try:
                await read_names(self.reads, kind, missing, new, channels)
            except KlaviyoMcpError:
                seconds = FAILURE_CACHE_SECONDS
            for id_ in (*new, *missing):
                name = new.get(id_, "")
                self._names.put((kind, id_), name, CACHE_SECONDS if name else seconds)
            names |= {id_: new.get(id_, "") for id_ in missing}
        return {id_: name for id_, name in names.items() if name}

    async def records(self, kind: str) -> Sequence[NamedRecord]:
        """The records of a type, or the account's metrics, by name. Raises KlaviyoMcpError.

        Of many records these are the ones that can be read in a few seconds, most of them the newest.
        """
        if kind == "metric":
            metrics = await self.metrics()
            return [NamedRecord(metric.id, metric.name if self._may_show(metric.name) else "") for metric in metrics]
        self._check_account()
        return await self._records.load(
            kind,
            partial(self._read_records, kind),
            seconds=RECORDS_CACHE_SECONDS,
            failure_seconds=FAILURE_CACHE_SECONDS,
        )

    def forget(self) -> None:
        """The account may be another now: read everything anew."""
        for cache in (self._account, self._metrics, self._names, self._records):
            cache.clear()

    def _now(self) -> float:
        return self.clock()

    def _check_account(self) -> None:
        """Forget everything where the account is another than before."""
        key = self.account_key()
        if key != self._key:
            if self._key:
                self.forget()
            self._key = key

    async def _read_account(self, key: str) -> Account:
        reads = self.reads.on_connection(key) if key and "," not in key else self.reads
        page = await reads.page("get_accounts", fields=("timezone", "preferred_currency"))
        facts = page.records[0].attributes if page.records else {}
        name = value_at(facts, ("contact_information", "organization_name"))
        return Account(_text(name), _text(facts.get("timezone")), _text(facts.get("preferred_currency")))

    async def _read_metrics(self) -> Sequence[Metric]:
        return [
            Metric(record.id, _text(record.attributes.get("name")), _text(value_at(record.attributes, _INTEGRATION)))
            async for record in self.reads.records("get_metrics", fields=("integration.name",))
        ]

    async def _read_records(self, type_: str) -> Sequence[NamedRecord]:
        records: list[NamedRecord] = []
        with anyio.move_on_after(RECORDS_READ_SECONDS):
            await read_all(self.reads, type_, records)
        return records


_INTEGRATION = ("integration", "name")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _may_be_id(text: str) -> bool:
    """Ids of metrics are six letters and digits; those of custom metrics are longer, with digits among them."""
    return text.isascii() and text.isalnum() and (len(text) == 6 or any(c.isdigit() for c in text))


def _is_id(text: str) -> bool:
    """Whether a text is an id for certain: `TxVpCr` is no name, `Signup` may be one."""
    is_word = text.isalpha() and (text[1:].islower() or text.isupper())
    return _may_be_id(text) and not is_word
