"""Everything the sandbox holds: records by type and id, linked by relationships.

Who belongs to a list or a segment is kept apart from links, once, with the time of joining (`join`, `leave`, `members`,
`groups`): a list's `profiles` and a profile's `lists` and `segments` are read from there and never stand in links.
"""

from __future__ import annotations

import random
import string
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.sandbox.timestamps import format_timestamp

Links = dict[str, str | list[str] | None]

IDENTIFIERS = ("email", "phone_number", "external_id")
"""The attributes by which Klaviyo recognises a profile."""

GROUPS = ("list", "segment")
"""The types that profiles are members of."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SHORT = string.ascii_letters + string.digits
_SHORT_IDS = frozenset({"list", "segment", "flow", "metric", "template", "form", "event"})
_UUID_IDS = frozenset({"tag", "tag-group", "webhook", "review"})
_NUMBER_IDS = frozenset({"image", "flow-action", "form-version"})


@dataclass(slots=True)
class Record:
    """One JSON:API resource. `links` maps a relationship's name to one id, a list of ids, or None."""

    type: str
    id: str
    attributes: dict[str, Any]
    links: Links = field(default_factory=dict)


class Store:
    """Records by type in insertion order. Seeding and handlers write through it, so that it can index.

    After changing a stored record's attributes call `touch`; change its links with `link` only.
    """

    def __init__(self, *, seed: int = 2026, now: datetime | None = None) -> None:
        self._records: dict[str, dict[str, Record]] = defaultdict(dict)
        self._versions: dict[str, int] = defaultdict(int)
        self._identifiers: dict[str, dict[str, str]] = {name: {} for name in IDENTIFIERS}
        self._members: dict[tuple[str, str], dict[str, str]] = {}
        self._sources: dict[str, dict[tuple[str, str], dict[str, None]]] = {}
        self._now = now
        self.random = random.Random(seed)

    def now(self) -> datetime:
        """The sandbox's clock: the time it was told, or the real one (UTC)."""
        return self._now or datetime.now(UTC)

    def stamp(self) -> str:
        """The present time as Klaviyo writes it."""
        return format_timestamp(self.now())

    def new_id(self, type_: str) -> str:
        """An unused id that looks like Klaviyo's for this type."""
        while (id_ := self._invent(type_)) in self._records[type_]:
            continue
        return id_

    def _invent(self, type_: str) -> str:
        if type_ in _SHORT_IDS:
            return "".join(self.random.choices(_SHORT, k=11 if type_ == "event" else 6))
        if type_ in _UUID_IDS:
            return str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        if type_ in _NUMBER_IDS:
            return str(self.random.randrange(10**7, 10**9))
        return "01" + "".join(self.random.choices(_CROCKFORD, k=24))

    def add(self, record: Record) -> Record:
        """Store a record; a second one of the same type and id takes the first one's place."""
        known = self._records[record.type]
        if record.id in known:
            for name in known[record.id].links:
                self._unlink(known[record.id], name)
        known[record.id] = record
        for name in record.links:
            self._index(record, name)
        self.touch(record)
        return record

    def touch(self, record: Record) -> None:
        """Tell that a stored record's attributes were changed in place."""
        self._versions[record.type] += 1
        if record.type == "profile":
            for name, index in self._identifiers.items():
                if value := record.attributes.get(name):
                    index[_folded(name, value)] = record.id

    def profile_by(self, identifier: str, value: str) -> Record | None:
        """The profile with this e-mail address (case ignored), phone number or external id."""
        folded = _folded(identifier, value)
        record = self._records["profile"].get(self._identifiers[identifier].get(folded, ""))
        # The index keeps values that a profile no longer has: what the record says now decides.
        if record is None or _folded(identifier, record.attributes.get(identifier) or "") != folded:
            return None
        return record

    def get(self, type_: str, id_: str) -> Record | None:
        return self._records[type_].get(id_)

    def all(self, type_: str) -> Iterator[Record]:
        return iter(self._records[type_].values())

    def count(self, type_: str) -> int:
        return len(self._records[type_])

    def version(self, type_: str) -> int:
        """A number that changes whenever a record of this type, or who belongs to it, changes."""
        return self._versions[type_]

    def remove(self, type_: str, id_: str) -> Record | None:
        """Take a record out, with its links and memberships; links that name it are `detach`ed by the caller."""
        record = self._records[type_].pop(id_, None)
        if record is None:
            return None
        for name in record.links:
            self._unlink(record, name)
        self._members.pop((type_, id_), None)
        if type_ == "profile":
            for group_type, group_id in list(self._members):
                self.leave(group_type, group_id, id_)
        self._versions[type_] += 1
        return record

    def link(self, record: Record, name: str, target: str | list[str] | None) -> None:
        """Set a relationship of a stored record."""
        self._unlink(record, name)
        record.links[name] = target
        self._index(record, name)
        self._versions[record.type] += 1

    def sources(self, id_: str, source_type: str) -> Mapping[str, Iterable[str]]:
        """The ids of the records of a type that name `id_`, by the name of their relationship."""
        found = self._sources.get(id_, {})
        return {name: ids for (type_, name), ids in found.items() if type_ == source_type}

    def naming(self, id_: str) -> list[tuple[Record, str]]:
        """Every record that names `id_` in a relationship, with the relationship's name."""
        return [
            (self._records[type_][source], name)
            for (type_, name), sources in self._sources.get(id_, {}).items()
            for source in sources
        ]

    def _index(self, record: Record, name: str) -> None:
        for id_ in ids_of(record.links[name]):
            self._sources.setdefault(id_, {}).setdefault((record.type, name), {})[record.id] = None

    def _unlink(self, record: Record, name: str) -> None:
        key = (record.type, name)
        for id_ in ids_of(record.links.get(name)):
            self._sources.get(id_, {}).get(key, {}).pop(record.id, None)

    def join(self, group_type: str, group_id: str, profile_id: str, at: str | None = None) -> None:
        """Put a profile into a list or segment (`at`: when, ISO 8601; now if left out). A member stays as it is."""
        members = self._members.setdefault((group_type, group_id), {})
        if profile_id not in members:
            members[profile_id] = at or self.stamp()
            self._versions[group_type] += 1

    def leave(self, group_type: str, group_id: str, profile_id: str) -> bool:
        """Take a profile out of a list or segment; False when it was not in it."""
        members = self._members.get((group_type, group_id), {})
        if profile_id not in members:
            return False
        del members[profile_id]
        self._versions[group_type] += 1
        return True

    def members(self, group_type: str, group_id: str) -> Mapping[str, str]:
        """The ids of a group's profiles and when each joined."""
        return self._members.get((group_type, group_id), {})

    def groups(self, group_type: str, profile_id: str) -> list[str]:
        """The ids of the lists, or the segments, that a profile is in."""
        return [id_ for (type_, id_), members in self._members.items() if type_ == group_type and profile_id in members]


def ids_of(target: str | list[str] | None) -> list[str]:
    """A link's ids as a list, whatever its arity."""
    return [target] if isinstance(target, str) else target or []


def _folded(identifier: str, value: str) -> str:
    return value.lower() if identifier == "email" else value
