"""Where an argument stands in the request, and what schemas tell of it: marks that annotate the fields of a model."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from typing import cast as typing_cast

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from klaviyo_tools.arguments.errors import ArgumentsError

# Places: where in the request a field's value goes. Without one it is a JSON:API attribute of the same name.


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute whose name in Klaviyo is not the argument's; a dotted path goes into objects."""

    name: str


@dataclass(frozen=True, slots=True)
class Relationship:
    """Ids under `data.relationships`, many where the field is a list. `name` defaults to the argument's, hyphenated."""

    type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Embedded:
    """Plain objects that Klaviyo wants as resources inside an attribute, under its `data`."""

    type: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """`data.id`: what the operation acts on, where that is not in the path."""


@dataclass(frozen=True, slots=True)
class Meta:
    """A value under `data.meta`, at this dotted path."""

    path: str


@dataclass(frozen=True, slots=True)
class PathId:
    """An id in the operation's path."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter of this name; lists are comma-joined."""

    name: str


@dataclass(frozen=True, slots=True)
class Linkage:
    """The whole of `data`: resource identifiers of this type, a list or one."""

    type: str


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a multipart form."""

    name: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Shapes our answer (`detail`, `max_results` …) and is not sent as it stands."""


Place = Attribute | Relationship | Embedded | Target | Meta | PathId | Query | Linkage | Part | Reading
PLACES = get_args(Place)


@dataclass(frozen=True, slots=True)
class Since:
    """The revision of Klaviyo's API from which on this argument exists."""

    revision: str


@dataclass(frozen=True, slots=True)
class Brief:
    """How the list of tools tells an argument, where its whole schema (`describe_tool`) says more than most calls need.

    Its type with `text` for a description and no enumeration; names are listed as one text, comma-separated, which is
    taken as well. Not `listed`, it is left out.
    """

    text: str = ""
    listed: bool = True
    names: bool = False


UNLISTED = Brief(listed=False)


@dataclass(frozen=True, slots=True, eq=False)
class Varies:
    """Values of this argument that not every revision of Klaviyo's API takes."""

    since: Mapping[str, str]
    """Value -> the revision from which on it exists."""
    describe: Callable[[str], str] | None = None
    """The argument's description at a revision; empty where no value is left."""
    named: Callable[[str], Iterable[str]] | None = None
    """The values in a text, where that is more than one."""
    until: Mapping[str, str] = field(default_factory=dict)
    """Value -> the revision that no longer takes it."""

    def takes(self, value: str, revision: str) -> bool:
        """Whether a revision takes a value."""
        return self.since.get(value, "") <= revision < self.until.get(value, "~")

    def refuse(self, argument: str, given: object, revision: str) -> None:
        """Raises ArgumentsError for a value that the revision does not take."""
        unknown = [value for value in (*self.since, *self.until) if not self.takes(value, revision)]
        # A filter was parsed once to check it: it is parsed again only where it may hold a field to refuse.
        if not unknown or (isinstance(given, str) and not any(value in given for value in unknown)):
            return
        values = self.named(given) if self.named and isinstance(given, str) else given
        for value in [values] if isinstance(values, str) else values if isinstance(values, Iterable) else ():
            if not self.takes(value, revision):
                when = self.since.get(value)
                span = f"from revision {when} on" if when else f"only before revision {self.until[value]}"
                raise ArgumentsError(f"{argument}: {value} exists {span} (KLAVIYO_REVISION)")


@dataclass(frozen=True, slots=True)
class _Clears:
    """Marks a field whose null is sent, to clear what Klaviyo holds."""


CLEARS = _Clears()


def place_of(field: FieldInfo) -> Place | None:
    """Where the field's value goes, or None for an attribute of the same name."""
    return next((typing_cast(Place, mark) for mark in _marks(field) if isinstance(mark, PLACES)), None)


def since_of(field: FieldInfo) -> str | None:
    """The revision from which on the field exists, where that is not the oldest we speak."""
    return next((mark.revision for mark in _marks(field) if isinstance(mark, Since)), None)


def brief_of(field: FieldInfo) -> Brief | None:
    """How the field is told in the list of tools, where that is not its whole schema."""
    return next((mark for mark in _marks(field) if isinstance(mark, Brief)), None)


def varies_of(field: FieldInfo) -> Varies | None:
    """What of the field's values depends on the revision."""
    return next((mark for mark in _marks(field) if isinstance(mark, Varies)), None)


def _marks(field: FieldInfo) -> Iterator[object]:
    """What is annotated to the field, or to the type beside None in it."""
    yield from field.metadata
    if get_origin(field.annotation) in (Union, types.UnionType):
        for member in get_args(field.annotation):
            if get_origin(member) is Annotated:
                yield from get_args(member)[1:]


def _alternatives(annotation: Any) -> Iterable[Any]:
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _alternatives(member)
    else:
        yield annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _is_text(annotation: Any) -> bool:
    return any(kind is str or get_origin(kind) is Literal for kind in _alternatives(annotation))
