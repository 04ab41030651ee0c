"""The records of the sandbox's account, by type and id, and the links between them.

Members of lists and segments are stored apart from links, with the time of joining (`join`, `leave`, `members`,
`groups`): the `profiles` of a list and the `lists` and `segments` of a profile never stand in `Record.links`. The
members of a segment follow from its definition: `members` and `groups` evaluate it where something has changed.
"""

from __future__ import annotations

import random
import string
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from klaviyo_mcp.sandbox.state.segment_members import SegmentMembers
from klaviyo_mcp.sandbox.timestamps import format_timestamp

Link = str | list[str] | None
Links = dict[str, Link]

IDENTIFIERS = ("email", "phone_number", "external_id")
"""The attributes by which Klaviyo recognises a profile."""

GROUPS = ("list", "segment")
"""The types that profiles are members of."""

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_TYPES_WITH_SHORT_IDS = frozenset({"list", "segment", "flow", "metric", "template", "form", "event"})
_TYPES_WITH_UUIDS = frozenset({"tag", "tag-group", "webhook", "review"})
_TYPES_WITH_NUMBERS = frozenset({"image", "flow-action", "form-version"})


@dataclass(slots=True)
class Record:
    """One JSON:API resource. `links` maps a relationship's name to one id, a list of ids, or None."""

    type: str
    id: str
    attributes: dict[str, Any]
    links: Links = field(default_factory=dict)


class Departure(NamedTuple):
    """A profile that is no longer a member of a group: when it had joined, and when it left (ISO 8601)."""

    profile_id: str
    joined_at: str
    left_at: str


class Store:
    """Records by type, in the order in which they were added, with indexes.

    Whoever changes a stored record's attributes calls `touch` afterwards; its links change through `link` alone.
    """

    def __init__(self, *, seed: int = 2026, now: datetime | None = None) -> None:
        self._records: dict[str, dict[str, Record]] = defaultdict(dict)
        self._versions: dict[str, int] = defaultdict(int)
        self._profile_ids: dict[str, dict[str, str]] = {name: {} for name in IDENTIFIERS}
        self._members: dict[tuple[str, str], dict[str, str]] = {}
        self._departures: dict[tuple[str, str], list[Departure]] = {}
        self._segment_members = SegmentMembers(self)
        self._referring_ids: dict[str, dict[tuple[str, str], dict[str, None]]] = {}
        self._now = now
        self.random = random.Random(seed)

    def now(self) -> datetime:
        """The sandbox's clock: the time that it was created with, or the real one (UTC)."""
        return self._now or datetime.now(UTC)

    def timestamp(self) -> str:
        """The present time as Klaviyo writes it."""
        return format_timestamp(self.now())

    def new_id(self, type_: str) -> str:
        """An unused id that looks like Klaviyo's ids of this type."""
        while (id_ := self._random_id(type_)) in self._records[type_]:
            continue
        return id_

    def _random_id(self, type_: str) -> str:
        if type_ in _TYPES_WITH_SHORT_IDS:
            return "".join(self.random.choices(_LETTERS_AND_DIGITS, k=11 if type_ == "event" else 6))
        if type_ in _TYPES_WITH_UUIDS:
            return str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        if type_ in _TYPES_WITH_NUMBERS:
            return str(self.random.randrange(10**7, 10**9))
        return "01" + "".join(self.random.choices(_CROCKFORD, k=24))

    def add(self, record: Record) -> Record:
        """Store a record, in place of any other of the same type and id."""
        records = self._records[record.type]
        if record.id in records:
            for name in records[record.id].links:
                self._unindex(records[record.id], name)
        records[record.id] = record
        for name in record.links:
            self._index(record, name)
        self.touch(record)
        return record

    def touch(self, record: Record) -> None:
        """Note that a stored record's attributes have changed."""
        self._versions[record.type] += 1
        if record.type == "profile":
            for name, index in self._profile_ids.items():
                if value := record.attributes.get(name):
                    index[_normalized(name, value)] = record.id

    def find_profile(self, identifier: str, value: str) -> Record | None:
        """The profile with this e-mail address (whatever its case), phone number or external id."""
        normalized = _normalized(identifier, value)
        record = self._records["profile"].get(self._profile_ids[identifier].get(normalized, ""))
        # The index keeps values that a profile no longer has, so the record itself decides.
        if record is None or _normalized(identifier, record.attributes.get(identifier) or "") != normalized:
            return None
        return record

    def get(self, type_: str, id_: str) -> Record | None:
        return self._records[type_].get(id_)

    def all(self, type_: str) -> Iterator[Record]:
        return iter(self._records[type_].values())

    def count(self, type_: str) -> int:
        return len(self._records[type_])

    def version(self, type_: str) -> int:
        """A number that changes whenever a record of this type, or its membership, changes."""
        return self._versions[type_]

    def remove(self, type_: str, id_: str) -> Record | None:
        """Remove a record with its links and memberships. Links of other records that name it stay."""
        record = self._records[type_].pop(id_, None)
        if record is None:
            return None
        for name in record.links:
            self._unindex(record, name)
        self._members.pop((type_, id_), None)
        self._departures.pop((type_, id_), None)
        if type_ == "profile":
            for group_type, group_id in list(self._members):
                self.leave(group_type, group_id, id_)
        self._versions[type_] += 1
        return record

    def link(self, record: Record, name: str, target: Link) -> None:
        """Set a relationship of a stored record."""
        self._unindex(record, name)
        record.links[name] = target
        self._index(record, name)
        self._versions[record.type] += 1

    def referring_ids(self, id_: str, type_: str) -> Mapping[str, Iterable[str]]:
        """The ids of a type's records that link to `id_`, by the name of their relationship."""
        references = self._referring_ids.get(id_, {})
        return {name: ids for (referring_type, name), ids in references.items() if referring_type == type_}

    def referring(self, id_: str, type_: str, relationship: str) -> Iterator[Record]:
        """The records of a type that link to `id_` through a relationship: the events of a metric or a profile."""
        for referring_id in self._referring_ids.get(id_, {}).get((type_, relationship), ()):
            record = self.get(type_, referring_id)
            if record is not None:
                yield record

    def references(self, id_: str) -> list[tuple[Record, str]]:
        """Every record that links to `id_`, with the name of its relationship."""
        return [
            (self._records[type_][referring_id], name)
            for (type_, name), referring_ids in self._referring_ids.get(id_, {}).items()
            for referring_id in referring_ids
        ]

    def _index(self, record: Record, name: str) -> None:
        for id_ in linked_ids(record.links[name]):
            self._referring_ids.setdefault(id_, {}).setdefault((record.type, name), {})[record.id] = None

    def _unindex(self, record: Record, name: str) -> None:
        key = (record.type, name)
        for id_ in linked_ids(record.links.get(name)):
            self._referring_ids.get(id_, {}).get(key, {}).pop(record.id, None)

    def join(self, group_type: str, group_id: str, profile_id: str, at: str | None = None) -> None:
        """Make a profile a member of a list or segment, now or `at` a time (ISO 8601). A member stays as it is."""
        members = self._members.setdefault((group_type, group_id), {})
        if profile_id not in members:
            members[profile_id] = at or self.timestamp()
            self._versions[group_type] += 1

    def leave(self, group_type: str, group_id: str, profile_id: str) -> bool:
        """Remove a member from a list or segment; False where the profile was none."""
        members = self._members.get((group_type, group_id), {})
        if profile_id not in members:
            return False
        departure = Departure(profile_id, members.pop(profile_id), self.timestamp())
        self._departures.setdefault((group_type, group_id), []).append(departure)
        self._versions[group_type] += 1
        return True

    def members(self, group_type: str, group_id: str) -> Mapping[str, str]:
        """The ids of a group's members, each with the time of joining."""
        if group_type == "segment":
            self._evaluate_segment(group_id)
        return self._members.get((group_type, group_id), {})

    def departures(self, group_type: str, group_id: str) -> Sequence[Departure]:
        """The members that a group has lost, in the order of leaving."""
        return self._departures.get((group_type, group_id), ())

    def _evaluate_segment(self, id_: str) -> None:
        profile_ids = self._segment_members.evaluate(id_)
        if profile_ids is None:
            return
        stay = set(profile_ids)
        for profile_id in [one for one in self._members.get(("segment", id_), ()) if one not in stay]:
            self.leave("segment", id_, profile_id)
        for profile_id in profile_ids:
            self.join("segment", id_, profile_id)
        self._segment_members.settle(id_)

    def groups(self, group_type: str, profile_id: str) -> list[str]:
        """The ids of the lists, or of the segments, that a profile is a member of."""
        for segment in self.all("segment") if group_type == "segment" else ():
            self._evaluate_segment(segment.id)
        return [id_ for (type_, id_), members in self._members.items() if type_ == group_type and profile_id in members]


def linked_ids(link: Link) -> list[str]:
    """The ids of a link as a list, be it to-one or to-many."""
    return [link] if isinstance(link, str) else link or []


def _normalized(identifier: str, value: str) -> str:
    return value.lower() if identifier == "email" else value
