"""The parts of a report: its statistics, its groupings, and the metric that it counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypedDict

_ID = re.compile(r"[A-Za-z0-9]{6}|[0-9A-HJKMNP-TV-Z]{26}")
"""Ids of flows, forms and lists are six letters and digits, those of messages ULIDs."""
CHANNEL_GROUPING = "send_channel"
"""The grouping that names the channel of a row."""


class Kind(StrEnum):
    """How a statistic is written, and whether it adds up."""

    COUNT = "count"
    """A number that adds up over rows."""
    UNIQUE = "unique"
    """People counted once each: they do not add up, for one may stand in several rows."""
    LEVEL = "level"
    """A number at one moment: levels of several moments do not add up."""
    VALUE = "value"
    """The sum of a value that events carry, mostly money."""
    MONEY = "money"
    """Money, to the cent: it adds up unless it is a quotient."""
    RATE = "rate"
    """A quotient from 0 to 1, written as a percentage."""
    QUOTIENT = "quotient"
    """A quotient written as a number."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A column of numbers in a report: model of arguments, table and totals follow from it.

    Attributes:
        name: As Klaviyo calls it.
        quotient: The statistics that it is the quotient of: numerator and denominator.
        excluded_channels: Channels whose messages it says nothing of: their rows do not count in a total.
        derives_numerator: The statistic named as its numerator covers more than it does: a total derives each row's
            numerator from the quotient and the denominator.
        sort_rank: 1 for the statistic that rows are sorted by first, 2 for the next; 0 where rows are not sorted by it.
    """

    name: str
    kind: Kind
    quotient: tuple[str, str] | None = None
    excluded_channels: tuple[str, ...] = ()
    derives_numerator: bool = False
    sort_rank: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether the sum over rows is true of all of them together."""
        return self.quotient is None and self.kind in (Kind.COUNT, Kind.VALUE, Kind.MONEY)

    @property
    def is_money(self) -> bool:
        """Whether it is in a currency."""
        return self.kind in (Kind.VALUE, Kind.MONEY)


@dataclass(frozen=True, slots=True)
class Grouping:
    """A grouping of the rows of a report: by a name, an id or a dimension of events.

    Attributes:
        name: As Klaviyo calls it.
        title: The name of its column, where that is another.
        named_kind: The kind of thing that its ids stand for, where the names of such things can be read: `campaign`.
        name_grouping: The grouping that brings the names of its ids in the report itself.
        part_of: The grouping of the thing that this is part of; a name that both share is shown there alone.
        overlapping: What overlaps: one message or person stands in several rows, so that rows do not add up.
        untrusted: People outside the account can write its values.
        trusted_values: Those of its values that are shown even where strangers' text is hidden.
        is_currency: Each row is in the currency that this grouping names, not in the account's.
        required: Klaviyo refuses groupings without this one.
    """

    name: str
    title: str = ""
    named_kind: str = ""
    name_grouping: str = ""
    part_of: str = ""
    overlapping: str = ""
    untrusted: bool = False
    trusted_values: frozenset[str] = frozenset()
    is_currency: bool = False
    required: bool = False

    @property
    def column(self) -> str:
        """The name of its column."""
        return self.title or self.name

    @property
    def shows_some_values(self) -> bool:
        """Whether some of its values are shown where strangers' text is hidden."""
        return not self.untrusted or bool(self.named_kind or self.trusted_values)

    def is_trusted(self, value: str) -> bool:
        """Whether a value holds no text of a stranger's: it is listed, or it has the form of an id."""
        return (
            not self.untrusted
            or value in self.trusted_values
            or (bool(self.named_kind) and _ID.fullmatch(value) is not None)
        )


class GroupingFacts(TypedDict, total=False):
    """The facts of a grouping beside its name, title and kind, as an area writes them."""

    is_currency: bool
    trusted_values: frozenset[str]


class MetricArgument(NamedTuple):
    """An argument that takes a metric by its id or exact name, and the words for it: `conversions are Placed Order`."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """The content of a report's answer.

    Attributes:
        default_groupings: The names of those that Klaviyo groups by when a call names none.
        added_groupings: The names of those that are always added: they split no row, and bring names of ids.
        groupings_argument: The argument that chooses groupings.
        missing_value: The text of a grouping without a value.
    """

    statistics: tuple[Statistic, ...]
    groupings: tuple[Grouping, ...] = ()
    default_groupings: tuple[str, ...] = ()
    added_groupings: tuple[str, ...] = ()
    groupings_argument: str = "group_by"
    metric: MetricArgument | None = None
    missing_value: str = ""

    def statistic(self, name: str) -> Statistic:
        """The statistic of that name; one that is not declared is a level, so that nothing is concluded from it."""
        return next((one for one in self.statistics if one.name == name), Statistic(name, Kind.LEVEL))

    def grouping(self, name: str) -> Grouping:
        """The grouping of that name; one that is not declared is untrusted."""
        return next((one for one in self.groupings if one.name == name), Grouping(name, untrusted=True))

    def declares(self, column: Statistic | Grouping) -> bool:
        """Whether it declares this statistic or grouping."""
        return column in (self.statistics if isinstance(column, Statistic) else self.groupings)


def names_of(columns: Iterable[Statistic | Grouping]) -> tuple[str, ...]:
    """The names of statistics or groupings, in order."""
    return tuple(column.name for column in columns)


def name_type(columns: Iterable[Statistic | Grouping]) -> Any:
    """The type of an argument that is one of these names, which its schema lists."""
    return Literal[names_of(columns)]
