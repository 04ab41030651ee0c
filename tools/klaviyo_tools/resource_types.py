"""A JSON:API resource type: its fields, the columns of a summary, its label, and which of its text strangers write.

An area declares its types by `Area.resource_type`; the registry holds them all. Source of the fields: the `fields[…]`
parameters and response schemas of Klaviyo's OpenAPI documents, revisions 2026-01-15 and 2026-07-15, taken together.
Which columns matter most is our choice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypedDict, Unpack

ID_SINCE = "2026-07-15"
"""The revision from which on Klaviyo takes `id` in the sparse fields of every type."""


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource type. Attribute paths are dotted (`location.city`), as Klaviyo writes them."""

    type: str
    columns: tuple[str, ...]
    """Attributes of a summary, the most important first; `id` is always the first column and is not listed.

    A relationship's name stands for the label of the related record.
    """
    fields: tuple[str, ...]
    """Every value of `fields[type]` in any revision. One operation may take fewer."""
    label: tuple[str, ...]
    """Attributes that name a record to a person: the first that is not empty is the label, and otherwise the id."""
    facet: str | None
    """The attribute or relationship whose counts (`12 Sent, 3 Draft`) stand above the rows."""
    date: str | None
    """The attribute whose earliest and latest value stand above the rows."""
    relationships: Mapping[str, str]
    """Relationship name -> resource type."""
    untrusted: tuple[str, ...]
    """Attributes that people outside the account can write, with all below each; `*` is every attribute.

    An attribute that is not declared at all counts as one of them: see `declares`.
    """
    additional_columns: tuple[str, ...] = ()
    """Columns of attributes that Klaviyo answers only for `additional_fields`."""
    default_includes: tuple[str, ...] = ()
    """Relationships that a collection always includes: a row without their labels says little."""
    additional_fields: tuple[str, ...] = ()
    """Attributes that Klaviyo answers only in operations that offer them."""
    stable_attributes: tuple[str, ...] = ()
    """Attributes that only a change by somebody moves: by them a confirmation tells whether the record was changed.

    Klaviyo itself moves the `updated` of a list or a profile when people join it or act, and a catalog's when its feed
    is read: these would make every confirmation fail. A type without any is known by what its preview shows.
    """
    fields_since: Mapping[str, str] = field(default_factory=dict)
    """Field, with all below it -> the revision from which on Klaviyo takes it."""
    trusted_values: frozenset[str] = frozenset()
    """Values of untrusted attributes that are shown even where strangers' text is hidden: a stranger who writes one of
    them has said nothing of their own."""

    def declares(self, path: str) -> bool:
        """Whether an attribute is declared, or lies in one that is; a type without fields says nothing of its own.

        A younger revision may answer with attributes that are not.
        """
        if not self.fields:
            return True
        head = path.partition(".")[0]
        declared = (self.fields, self.columns, self.additional_columns, self.label)
        return any(one.partition(".")[0] == head for paths in declared for one in paths)

    def __hash__(self) -> int:
        return hash(self.type)  # the mappings of its facts have no hash

    def columns_with(self, additional_fields: Collection[str]) -> tuple[str, ...]:
        """The columns of a summary for a call with these `additional_fields`."""
        more = (path for path in self.additional_columns if path.partition(".")[0] in additional_fields)
        return (*self.columns, *more)

    def fields_at(self, revision: str) -> tuple[str, ...]:
        """The sparse fields that a revision takes."""
        late = {name: since for name, since in {"id": ID_SINCE, **self.fields_since}.items() if since > revision}
        return tuple(path for path in self.fields if not any(_is_under(path, name) for name in late))


def _is_under(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")


class TypeFacts(TypedDict, total=False):
    """How an area writes the facts of a type: names separated by spaces. `ResourceType` says what each means."""

    label: str
    facet: str
    date: str
    relationships: str
    """`name:type`, or the name alone where both are the same word."""
    untrusted: str
    additional_columns: str
    default_includes: str
    additional_fields: str
    stable_attributes: str
    fields_since: Mapping[str, str]
    """Revision -> the fields that it brought."""
    trusted_values: Collection[str]


def build_resource_type(type_: str, columns: str = "", fields: str = "", **facts: Unpack[TypeFacts]) -> ResourceType:
    """The type that an area writes; `fields` in the notation of `expand_paths`."""
    pairs = (relationship.partition(":") for relationship in facts.get("relationships", "").split())
    since = facts.get("fields_since", {})
    return ResourceType(
        type=type_,
        columns=tuple(columns.split()),
        fields=("id", *expand_paths(fields)),
        label=tuple(facts.get("label", "").split()),
        facet=facts.get("facet"),
        date=facts.get("date"),
        relationships=MappingProxyType({name: target or name for name, _, target in pairs}),
        untrusted=tuple(facts.get("untrusted", "").split()),
        additional_columns=tuple(facts.get("additional_columns", "").split()),
        default_includes=tuple(facts.get("default_includes", "").split()),
        additional_fields=tuple(facts.get("additional_fields", "").split()),
        stable_attributes=tuple(facts.get("stable_attributes", "").split()),
        fields_since=MappingProxyType({name: revision for revision, names in since.items() for name in names.split()}),
        trusted_values=frozenset(facts.get("trusted_values", ())),
    )


def build_job_type(
    type_: str, relationships: str, counts: str = "completed_count failed_count", more_fields: str = ""
) -> ResourceType:
    """The type of a job over many records: its status, and how many of the records succeeded and failed."""
    columns = f"status total_count {counts} created_at completed_at"
    fields = f"{columns} {more_fields}"
    return build_resource_type(
        type_,
        columns,
        fields,
        facet="status",
        date="created_at",
        relationships=relationships,
        # They repeat what was sent: for a job over people, their text.
        untrusted="errors" if "errors" in more_fields.split() else "",
    )


def unknown_resource_type(type_: str) -> ResourceType:
    """A type that no area declares: its records are shown whole, and none of their text is trusted."""
    return build_resource_type(type_, label="name title", untrusted="*")


def expand_paths(text: str) -> list[str]:
    """Dotted paths from a short notation: `a(b c(d))` is a, a.b, a.c, a.c.d; `a|b(c)` is a, b, a.c, b.c."""
    paths: list[str] = []
    prefixes, names = [[""]], [""]
    for token in text.replace("(", " ( ").replace(")", " ) ").split():
        if token == "(":
            prefixes.append([f"{name}." for name in names])
        elif token == ")":
            prefixes.pop()
        else:
            names = [prefix + name for prefix in prefixes[-1] for name in token.split("|")]
            paths += names
    return paths
