"""What an update changes: the rule by which the attributes of a PATCH are laid over the stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MERGED = frozenset({
    ("profile", "location"),
    ("profile", "properties"),
    ("campaign", "audiences"),
    ("campaign-message", "definition"),
    ("campaign-message", "definition", "content"),
})  # fmt: skip
"""Objects that an update merges key by key: the resource type, then the path below its attributes.

Any other object in an update replaces the stored one as a whole. Klaviyo's documents do not say which objects an update
merges, so this table is an assumption.
"""


def apply_patch(type_: str, attributes: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Lay the changes of an update over a record's attributes."""
    _apply((type_,), attributes, changes)


def _apply(path: tuple[str, ...], attributes: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, Mapping) and (*path, name) in MERGED:
            # A new object: records of the seeded account share nested ones.
            merged = dict(attributes.get(name) or {})
            _apply((*path, name), merged, value)
            attributes[name] = merged
        else:
            attributes[name] = value
