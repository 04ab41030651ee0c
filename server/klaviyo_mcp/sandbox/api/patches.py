"""What an update changes: the rule by which the attributes of a PATCH are laid over the stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MERGED = frozenset({
    # ProfileMetaPatchProperties.unset: "Remove a key or keys (and their values) completely from properties".
    ("profile", "properties"),
})  # fmt: skip
"""Objects that an update merges key by key: the resource type, then the path below its attributes.

Only those of which Klaviyo's documents say so. Any other object in an update replaces the stored one as a whole: either
the documents say that (the definitions of templates and universal content), or they say nothing, and this is the harder
case for a caller.
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
