"""Definitions of segments: read, and evaluated over an account.

Every group of conditions must hold, and a group holds where one of its conditions does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.segments.account import Account, Condition, Moment, account_zone
from klaviyo_mcp.sandbox.segments.conditions import read_condition
from klaviyo_mcp.sandbox.segments.dates import RELATIVE_OPERATORS

_READ_TYPES = {"profile-metric": ("event",), "profile-group-membership": ("list", "segment")}
POINTER = "/data/attributes/definition"


@dataclass(frozen=True)
class Definition:
    """The rules of a segment.

    `types` are the types of the records that decide on membership. `is_relative` says that time alone can change it.
    `group_ids` are the lists and segments that it names.
    """

    groups: tuple[tuple[Condition, ...], ...]
    types: tuple[str, ...]
    is_relative: bool
    group_ids: tuple[str, ...]

    def profile_ids(self, account: Account) -> list[str]:
        """The profiles that satisfy the definition now, in the order of the account."""
        moment = Moment(account.now(), account_zone(account))
        profiles = list(account.all("profile"))
        for conditions in self.groups:
            predicates = [begin(account, moment) for begin in conditions]
            if len(predicates) == 1:
                profiles = list(filter(predicates[0], profiles))
            else:
                profiles = [profile for profile in profiles if any(holds(profile) for holds in predicates)]
        return [profile.id for profile in profiles]


def read_definition(document: Mapping[str, Any], account: Account) -> Definition:
    """Read a definition whose shape the contract has checked.

    Raises KlaviyoError (400), with a pointer to the place, for a condition that cannot be evaluated.
    """
    if not document["condition_groups"]:
        raise invalid("A segment needs a condition.", pointer=f"{POINTER}/condition_groups")
    groups = []
    for number, group in enumerate(document["condition_groups"]):
        at = f"{POINTER}/condition_groups/{number}/conditions"
        if not group["conditions"]:
            raise invalid("A group needs a condition.", pointer=at)
        groups.append(
            tuple(read_condition(row, f"{at}/{index}", account) for index, row in enumerate(group["conditions"]))
        )
    types = {"profile", *(type_ for row in _conditions(document) for type_ in _READ_TYPES.get(row["type"], ()))}
    is_relative = any(operator in RELATIVE_OPERATORS for operator in _operators(document))
    return Definition(tuple(groups), tuple(sorted(types)), is_relative, named_groups(document))


def named_groups(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the lists and segments that a definition names."""
    return tuple(id_ for row in _conditions(document) for id_ in row.get("group_ids", ()))


def _conditions(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for group in document["condition_groups"] for row in group["conditions"]]


def _operators(part: Any) -> Iterator[str]:
    """Every operator in a definition, however deep."""
    if isinstance(part, dict):
        if isinstance(operator := part.get("operator"), str):
            yield operator
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from _operators(one)
