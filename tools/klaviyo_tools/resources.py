"""What matters in each JSON:API resource type: the columns of a summary, what names a record, who wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource type. Attribute paths are dotted (`location.city`), as Klaviyo writes them."""

    type: str
    columns: tuple[str, ...]
    """Attributes a summary shows, most telling first; `id` always comes before them and is not listed."""
    fields: tuple[str, ...]
    """Every value that Klaviyo accepts in `fields[type]` (union over the operations)."""
    label: tuple[str, ...]
    """Attributes that name a record to a person: the first that is not empty is shown where the record is joined."""
    facet: str | None
    """The attribute whose split (`12 Sent, 3 Draft`) is told above the rows."""
    date: str | None
    """The attribute whose span is told above the rows."""
    relationships: Mapping[str, str]
    """Relationship name -> resource type."""
    strangers: tuple[str, ...]
    """Attributes whose text people outside the account can write; `*` is all of them."""
