"""Which attributes a call asks for: fields by name, and the sparse fieldsets that spare the bytes at their source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.resource_types import ResourceType

MAX_FIELDS = 40
FIELD_CHARACTERS = 100

ResourceLookup = Callable[[str], ResourceType]
"""Resource type -> what matters in it."""


class FieldError(ValueError):
    """A field that a type does not have. The message names the nearest."""


@dataclass(frozen=True, slots=True)
class View:
    """What of the records is asked for. `additional` are the additional fields that the call asks Klaviyo for."""

    fields: Sequence[str] = ()
    include: Sequence[str] = ()
    detail: Literal["summary", "full"] = "summary"
    additional: Sequence[str] = ()
    hide: bool = False
    """Leave out what strangers can write."""


@lru_cache(4096)
def overlaps(strangers: tuple[str, ...], path: str) -> bool:
    """Whether the attribute at this path is, lies in, or holds one that strangers write."""
    return any(one in ("*", path) or path.startswith(f"{one}.") or one.startswith(f"{path}.") for one in strangers)


def relationship_of(resource: ResourceType, field: str) -> tuple[str, str] | None:
    """`profile.email` -> (`profile`, `email`) and `tags` -> (`tags`, ``) where the type has that relationship."""
    head, _, tail = field.partition(".")
    if head in resource.fields:
        return None
    for name in resource.relationships:
        if _alike(name) == _alike(head):
            return name, tail
    return None


def choose_fields(
    resource: ResourceType, fields: Iterable[str], accepted: Mapping[str, Collection[str]], resources: ResourceLookup
) -> tuple[str, ...]:
    """The fields asked for, as Klaviyo writes them (hyphen or underscore alike), each once.

    Raises FieldError for one that the type does not have, where the type's fields are known.
    """
    chosen: dict[str, None] = {}
    for given in fields:
        name = given.strip()
        if len(name) > FIELD_CHARACTERS:
            raise FieldError(f"field {name[:40]!r}… is longer than {FIELD_CHARACTERS} characters")
        joined = relationship_of(resource, name)
        if joined is None:
            chosen[_known(resource, name, accepted.get(resource.type, ()))] = None
        elif joined[1]:
            kind = resource.relationships[joined[0]]
            chosen[f"{joined[0]}.{_known(resources(kind), joined[1], accepted.get(kind, ()))}"] = None
        else:
            chosen[joined[0]] = None
    chosen.pop("id", None)
    if len(chosen) > MAX_FIELDS:
        raise FieldError(f"{len(chosen)} fields are too many: name at most {MAX_FIELDS}, or ask for detail=full")
    return tuple(chosen)


def needed_includes(resource: ResourceType, fields: Iterable[str]) -> tuple[str, ...]:
    """The relationships that must be included for these fields (`profile.email` needs `profile`)."""
    found = (relationship_of(resource, field) for field in fields)
    return tuple(dict.fromkeys(pair[0] for pair in found if pair and pair[1]))


def needed_additional_fields(fields: Iterable[str], offered: Collection[str]) -> tuple[str, ...]:
    """The additional fields, of those that an operation offers, without which these fields come back empty."""
    heads = {field.partition(".")[0] for field in fields}
    return tuple(name for name in offered if name in heads)


def sparse_fieldsets(
    resource: ResourceType,
    view: View,
    accepted: Mapping[str, Collection[str]],
    resources: ResourceLookup,
) -> dict[str, str]:
    """The `fields[type]` parameters of the request: what the view shows, and no more, as the operation accepts it.

    `accepted` has the values of each resource type; it is empty where the operation takes no sparse fieldsets. Fields
    that were named are asked for alone; a summary asks for what the facts above its rows need as well. Raises
    FieldError as `choose` does.
    """
    fields = choose_fields(resource, view.fields, accepted, resources)
    wanted: dict[str, list[str]] = {}
    if shown := fields or (resource.columns_with(view.additional) if view.detail == "summary" else ()):
        telling = [path for path in (resource.facet, resource.date, *resource.label, *view.additional) if path]
        paths = [*shown, *(() if fields else telling)]
        own = [path for path in paths if relationship_of(resource, path) is None]
        wanted[resource.type] = own or list(resource.label)  # none at all would bring every attribute
    for name in dict.fromkeys((*view.include, *needed_includes(resource, fields))):
        kind = resource.relationships.get(name)
        if kind is None:
            continue
        paths = [f.partition(".")[2] for f in fields if relationship_of(resource, f) and f.startswith(f"{name}.")]
        if label := resources(kind).label:
            wanted.setdefault(kind, []).extend([*label, *paths])
    asked = {}
    for kind, paths in wanted.items():
        values = dict.fromkeys(value for path in paths for value in _accepted(path, accepted.get(kind, ())))
        if values:
            asked[f"fields[{kind}]"] = ",".join(values)
    return asked


def _accepted(path: str, values: Collection[str]) -> list[str]:
    """What to ask for to see a path: itself, the nearest attribute that holds it, or all that lie in it."""
    name = path
    while name:
        if name in values:
            return [name]
        name = name.rpartition(".")[0]
    return sorted(value for value in values if value.startswith(f"{path}."))


def _known(resource: ResourceType, name: str, accepted: Collection[str]) -> str:
    # `accepted` may be a set: what is told must not depend on its order.
    known = [field for field in resource.fields if not accepted or field in accepted]
    names = dict.fromkeys((*known, *sorted(set(accepted) - set(known)), *resource.columns))
    if not names or name == "id":
        return name
    alike = {_alike(one): one for one in names}
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        head = _alike(".".join(parts[:depth]))
        if head in alike:
            # Below an attribute whose members Klaviyo lists, only those exist; below an open one, anything may.
            if depth < len(parts) and any(one.startswith(f"{head}.") for one in alike):
                break
            return ".".join([alike[head], *parts[depth:]])
        if any(one.startswith(f"{head}.") for one in alike) and depth == len(parts):
            return name.replace("-", "_")
    close = nearest(name, [*names, *resource.relationships])
    hint = f"did you mean {_listed(close)}?" if close else f"it has {', '.join(list(names)[:12])}"
    raise FieldError(f"a {resource.type} has no field {name[:60]!r}; {hint}")


def _listed(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _alike(name: str) -> str:
    return name.lower().replace("-", "_")
