"""What the evaluation of a segment reads: an account's records, the time and the timezone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Stored(Protocol):
    """A stored record."""

    @property
    def id(self) -> str: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...
    @property
    def links(self) -> Mapping[str, Any]: ...


class Account(Protocol):
    """The records of an account."""

    def now(self) -> datetime: ...
    def get(self, type_: str, id_: str, /) -> Stored | None: ...
    def all(self, type_: str, /) -> Iterator[Stored]: ...
    def members(self, group_type: str, group_id: str, /) -> Mapping[str, str]: ...
    def referring(self, id_: str, type_: str, relationship: str, /) -> Iterator[Stored]: ...


@dataclass(frozen=True)
class Moment:
    """The time of an evaluation, and the account's timezone: calendars and dates without an offset are read in it."""

    now: datetime
    zone: ZoneInfo


Predicate = Callable[[Stored], bool]
"""Whether a profile satisfies a condition at the time of one evaluation."""

Condition = Callable[[Account, Moment], Predicate]
"""A condition that was read: begins an evaluation, in which it may read all events once."""


def account_zone(account: Account) -> ZoneInfo:
    """The timezone of the account, UTC where it has none."""
    record = next(account.all("account"), None)
    try:
        return ZoneInfo(record.attributes.get("timezone") or "UTC" if record else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
