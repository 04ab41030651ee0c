"""The attributes that a call shows, and the sparse fieldsets that spare all others at their source."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.resource_types import ResourceType

MAX_FIELDS = 40
"""The most columns of an answer."""
FIELD_CHARACTERS = 100
"""The most characters in the name of a field."""

ResourceLookup = Callable[[str], ResourceType]
"""Resource type by name -> its declaration."""


class FieldError(ValueError):
    """A field that a type does not have. The message names the nearest."""


@dataclass(frozen=True, slots=True)
class View:
    """What an answer shows of its records.

    Attributes:
        fields: The attributes that the call chose; none where it takes the type's columns.
        include: The relationships whose records are included.
        additional: The additional fields that the call asks Klaviyo for.
        hide: Leave out what people outside the account can write.
    """

    fields: Sequence[str] = ()
    include: Sequence[str] = ()
    detail: Literal["summary", "full"] = "summary"
    additional: Sequence[str] = ()
    hide: bool = False


@lru_cache(4096)
def overlaps(paths: tuple[str, ...], path: str) -> bool:
    """Whether an attribute is one of `paths` (`*` is all), lies in one, or holds one."""
    return any(one in ("*", path) or path.startswith(f"{one}.") or one.startswith(f"{path}.") for one in paths)


@lru_cache(4096)
def is_untrusted(resource: ResourceType, path: str) -> bool:
    """Whether strangers may have written an attribute, in whole or in part: it is declared so, or not at all."""
    return overlaps(resource.untrusted, path) or not resource.declares(path)


@lru_cache(4096)
def relationship_of(resource: ResourceType, field: str) -> tuple[str, str] | None:
    """`profile.email` -> (`profile`, `email`) and `tags` -> (`tags`, ``) where the type has that relationship."""
    head, _, tail = field.partition(".")
    if head in resource.fields:
        return None
    for name in resource.relationships:
        if _folded(name) == _folded(head):
            return name, tail
    return None


def choose_fields(
    resource: ResourceType, fields: Iterable[str], accepted: Mapping[str, Collection[str]], resources: ResourceLookup
) -> tuple[str, ...]:
    """The fields as Klaviyo writes them (hyphen or underscore alike), each once.

    `accepted` has the fields of each resource type that the operation answers. Raises FieldError for a field that the
    type does not have, where the type's fields are known.
    """
    chosen: dict[str, None] = {}
    for field in fields:
        name = field.strip()
        if len(name) > FIELD_CHARACTERS:
            raise FieldError(f"field {name[:40]!r}… is longer than {FIELD_CHARACTERS} characters")
        joined = relationship_of(resource, name)
        if joined is None:
            chosen[_field_name(resource, name, accepted.get(resource.type, ()))] = None
        elif joined[1]:
            kind = resource.relationships[joined[0]]
            chosen[f"{joined[0]}.{_field_name(resources(kind), joined[1], accepted.get(kind, ()))}"] = None
        else:
            chosen[joined[0]] = None
    chosen.pop("id", None)
    if len(chosen) > MAX_FIELDS:
        raise FieldError(f"{len(chosen)} fields are too many: name at most {MAX_FIELDS}, or ask for detail=full")
    return tuple(chosen)


def needed_includes(resource: ResourceType, fields: Iterable[str]) -> tuple[str, ...]:
    """The relationships that must be included for these fields (`profile.email` needs `profile`)."""
    joined = (relationship_of(resource, field) for field in fields)
    return tuple(dict.fromkeys(pair[0] for pair in joined if pair and pair[1]))


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
    """The `fields[type]` parameters that ask Klaviyo for what the view shows, and no more.

    `accepted` has the fields of each resource type that the operation answers; it is empty where the operation takes no
    sparse fieldsets. Raises FieldError as `choose_fields` does.
    """
    fields = choose_fields(resource, view.fields, accepted, resources)
    needed = {resource.type: paths} if (paths := _own_paths(resource, view, fields)) else {}
    for name in dict.fromkeys((*view.include, *needed_includes(resource, fields))):
        kind = resource.relationships.get(name)
        if kind is not None and (label := resources(kind).label):
            joined = [f.partition(".")[2] for f in fields if relationship_of(resource, f) and f.startswith(f"{name}.")]
            needed.setdefault(kind, []).extend([*label, *joined])
    parameters = {}
    for kind, paths in needed.items():
        values = dict.fromkeys(value for path in paths for value in _accepted_fields(path, accepted.get(kind, ())))
        if values:
            parameters[f"fields[{kind}]"] = ",".join(values)
    return parameters


def _own_paths(resource: ResourceType, view: View, fields: Sequence[str]) -> list[str]:
    """The attributes of the records themselves that the view shows; empty where it shows all.

    A summary needs what the facts above its rows tell as well; chosen fields are asked for alone.
    """
    if not fields and view.detail == "full":
        return []
    columns = fields or resource.columns_with(view.additional)
    if not columns:
        return []
    facts = () if fields else (resource.facet, resource.date, *resource.label, *view.additional)
    paths = [path for path in (*columns, *facts) if path and relationship_of(resource, path) is None]
    return paths or list(resource.label)  # a parameter without values would bring every attribute


def _accepted_fields(path: str, accepted: Collection[str]) -> list[str]:
    """The accepted fields that show a path: itself, the nearest attribute that holds it, or all that lie in it."""
    name = path
    while name:
        if name in accepted:
            return [name]
        name = name.rpartition(".")[0]
    return sorted(value for value in accepted if value.startswith(f"{path}."))


def _field_name(resource: ResourceType, name: str, accepted: Collection[str]) -> str:
    """A field as Klaviyo writes it. Raises FieldError where the type does not have it."""
    own = [field for field in resource.fields if not accepted or field in accepted]
    # `accepted` may be a set, and a message must not depend on its order.
    names = dict.fromkeys((*own, *sorted(set(accepted) - set(own)), *resource.columns))
    if not names or name == "id":
        return name
    by_folded = {_folded(one): one for one in names}
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        head = _folded(".".join(parts[:depth]))
        has_members = any(one.startswith(f"{head}.") for one in by_folded)
        if head in by_folded:
            # Below an attribute whose members Klaviyo lists, only those exist; below an open one, any name may.
            if depth < len(parts) and has_members:
                break
            return ".".join([by_folded[head], *parts[depth:]])
        if has_members and depth == len(parts):
            return name.replace("-", "_")
    close = nearest(name, [*names, *resource.relationships])
    hint = f"did you mean {_alternatives(close)}?" if close else f"it has {', '.join(list(names)[:12])}"
    raise FieldError(f"a {resource.type} has no field {name[:60]!r}; {hint}")


def _alternatives(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")
