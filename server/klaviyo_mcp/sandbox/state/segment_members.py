"""The members of segments, evaluated when they are read and something that decides on them has changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.segments.account import Account
from klaviyo_mcp.sandbox.segments.definition import Definition, read_definition

_SECONDS_BETWEEN_EVALUATIONS = 60
"""How often a definition with relative dates is evaluated where only the time has passed."""


class VersionedAccount(Account, Protocol):
    """An account that tells when records of a type have changed."""

    def version(self, type_: str, /) -> int: ...


class _Evaluation(NamedTuple):
    """A definition as it stands in the record, as it was read (None where it cannot be), and what it was based on."""

    document: Any
    definition: Definition | None
    stamp: tuple[int, ...]


class SegmentMembers:
    """Evaluates the segments of an account, each at most once for the same state of the account."""

    def __init__(self, account: VersionedAccount) -> None:
        self._account = account
        self._evaluations: dict[str, _Evaluation] = {}
        self._open: set[str] = set()

    def evaluate(self, id_: str) -> list[str] | None:
        """The profiles of a segment, in the order of the account; None where they are what they were.

        A segment without a definition that can be evaluated keeps the members that it has.
        """
        segment = self._account.get("segment", id_)
        document = segment.attributes.get("definition") if segment else None
        if not document or id_ in self._open:
            return None
        known = self._evaluations.get(id_)
        definition = known.definition if known and known.document is document else self._read(document)
        self._open.add(id_)
        try:
            stamp = self._stamp(definition)
            if known is not None and known.document is document and known.stamp == stamp:
                return None
            self._evaluations[id_] = _Evaluation(document, definition, stamp)
            return definition.profile_ids(self._account) if definition else None
        finally:
            self._open.remove(id_)

    def settle(self, id_: str) -> None:
        """Note that the change of a segment's members, which is a change of the account, was its own."""
        known = self._evaluations[id_]
        self._evaluations[id_] = known._replace(stamp=self._stamp(known.definition))

    def _read(self, document: Mapping[str, Any]) -> Definition | None:
        try:
            return read_definition(document, self._account)
        except (KlaviyoError, LookupError, TypeError, AttributeError):
            return None

    def _stamp(self, definition: Definition | None) -> tuple[int, ...]:
        if definition is None:
            return ()
        for id_ in definition.group_ids:
            self._account.members("segment", id_)
        versions = [self._account.version(type_) for type_ in definition.types]
        passed = self._account.now().timestamp() // _SECONDS_BETWEEN_EVALUATIONS if definition.is_relative else 0
        return (*versions, int(passed))
