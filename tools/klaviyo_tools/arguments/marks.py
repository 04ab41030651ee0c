"""Marks on the fields of a model: the revisions that take an argument, and how the list of tools shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pydantic.fields import FieldInfo

from klaviyo_tools.arguments.annotations import marks_of
from klaviyo_tools.arguments.errors import ArgumentsError


@dataclass(frozen=True, slots=True)
class Since:
    """The revision of Klaviyo's API from which on this argument exists."""

    revision: str


@dataclass(frozen=True, slots=True, eq=False)
class ValuesByRevision:
    """Values of this argument that not every revision of Klaviyo's API takes."""

    since: Mapping[str, str]
    """Value -> the revision from which on it exists."""
    describe: Callable[[str], str] | None = None
    """The argument's description at a revision; empty where the revision takes no value."""
    values_in: Callable[[str], Iterable[str]] | None = None
    """The values in a text that can hold several."""
    until: Mapping[str, str] = field(default_factory=dict)
    """Value -> the revision that no longer takes it."""

    def takes(self, value: str, revision: str) -> bool:
        """Whether a revision takes a value."""
        return self.since.get(value, "") <= revision < self.until.get(value, "~")

    def check(self, argument: str, argument_value: object, revision: str) -> None:
        """Raises ArgumentsError for a value that the revision does not take."""
        refused = [value for value in (*self.since, *self.until) if not self.takes(value, revision)]
        # The filter was parsed when it was checked: parse it again only where it may hold a refused field.
        if not refused or (isinstance(argument_value, str) and not any(value in argument_value for value in refused)):
            return
        is_text = isinstance(argument_value, str)
        values = self.values_in(str(argument_value)) if self.values_in and is_text else argument_value
        for value in [values] if isinstance(values, str) else values if isinstance(values, Iterable) else ():
            if not self.takes(value, revision):
                since = self.since.get(value)
                span = f"from revision {since} on" if since else f"only before revision {self.until[value]}"
                raise ArgumentsError(f"{argument}: {value} exists {span} (KLAVIYO_REVISION)")


@dataclass(frozen=True, slots=True)
class Brief:
    """A shorter schema of an argument for the list of tools; `describe_tool` shows the whole schema.

    It has the argument's type, `text` for a description, and no enumeration.
    """

    text: str = ""
    listed: bool = True
    """Whether the list of tools has the argument at all."""
    names: bool = False
    """Whether the list of tools shows a list of names as one comma-separated text; both forms are accepted."""


UNLISTED = Brief(listed=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """An attribute that is made when the request is rendered, where the call gives none.

    It is no argument of the call: the same call has the same arguments, whenever it is checked.
    """

    make: Callable[[], str]


@dataclass(frozen=True, slots=True)
class _Clears:
    pass


CLEARS = _Clears()
"""Marks a field whose null is sent, to clear the value in Klaviyo."""


def since_of(field: FieldInfo) -> str | None:
    """The revision from which on the field exists, where that is not the oldest that we send."""
    return next((mark.revision for mark in marks_of(field) if isinstance(mark, Since)), None)


def values_by_revision_of(field: FieldInfo) -> ValuesByRevision | None:
    """The values of the field that depend on the revision."""
    return next((mark for mark in marks_of(field) if isinstance(mark, ValuesByRevision)), None)


def brief_of(field: FieldInfo) -> Brief | None:
    """The shorter schema of the field for the list of tools."""
    return next((mark for mark in marks_of(field) if isinstance(mark, Brief)), None)
