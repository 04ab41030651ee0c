"""The parts of a report: its statistics, its groupings, and the metric that it counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, NamedTuple

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
    is_currency: bool = False
    required: bool = False

    @property
    def column(self) -> str:
        """The name of its column."""
        return self.title or self.name


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
        """The grouping of that name, without more to say of it where it is not declared."""
        return next((one for one in self.groupings if one.name == name), Grouping(name))


def names_of(columns: Iterable[Statistic | Grouping]) -> tuple[str, ...]:
    """The names of statistics or groupings, in order."""
    return tuple(column.name for column in columns)


def name_type(columns: Iterable[Statistic | Grouping]) -> Any:
    """The type of an argument that is one of these names, which its schema lists."""
    return Literal[names_of(columns)]
