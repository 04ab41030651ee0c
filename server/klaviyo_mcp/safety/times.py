"""Times in the arguments of a call that cannot be meant: a consent in the future, a send in the past.

Klaviyo takes both: a consent that nobody has given yet is then on record, and a send whose time has passed goes out at
once. Such a call is refused before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.types import Arguments, models_in

SKEW = timedelta(minutes=5)
"""How far the clocks of two machines may differ."""
LATEST_ZONE = timedelta(hours=12)
"""How far the last time zone lies behind UTC: a local time has not passed for everybody until then."""
SEND_TIMES = ("datetime", "date")
"""The members of a send strategy that say when."""


def check_times(arguments: Arguments, now: datetime) -> None:
    """Raises ArgumentsError where a time in the arguments of a write cannot be meant; the message says what to give."""
    for path, given in _members(arguments, "consented_at"):
        time = _parsed(given)
        if time is not None and time > now + SKEW:
            raise ArgumentsError(
                f"{path} {given} is in the future (it is {now:%Y-%m-%dT%H:%MZ}): give the time at which they consented"
            )
    strategy = getattr(arguments, "send_strategy", None)
    if strategy is not None:
        _check_strategy(strategy, now)


def _check_strategy(strategy: Any, now: datetime) -> None:
    for name in SEND_TIMES:
        given = getattr(strategy, name, None)
        time = _parsed(given)
        if time is None:
            continue
        options = getattr(strategy, "options", None)
        is_local = bool(getattr(options, "is_local", False)) or name == "date"
        end = time + timedelta(days=1) if name == "date" else time
        if end + (LATEST_ZONE if is_local else SKEW) < now:
            raise ArgumentsError(
                f"send_strategy.{name} {given} is in the past (it is {now:%Y-%m-%dT%H:%MZ}): give a later one, or "
                "method immediate"
            )


def _members(value: Any, name: str, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each declared member of this name that has a value, at any depth, with its path."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _members(item, name, f"{path}.{index}")
    elif isinstance(value, Arguments) and _may_hold(type(value), name):
        for key in value.model_fields_set:
            item, inner = getattr(value, key), f"{path}.{key}" if path else key
            if key == name and item is not None:
                yield inner, item
            else:
                yield from _members(item, name, inner)


@cache
def _may_hold(model: type[Arguments], name: str) -> bool:
    """Whether a model has such a field, or a model inside it: 10,000 imported profiles need no search."""
    fields = model.model_fields
    return name in fields or any(
        _may_hold(inner, name) for field in fields.values() for inner in models_in(field.annotation)
    )


def _parsed(given: Any) -> datetime | None:
    """A timestamp or a day in UTC; None for what is neither."""
    if not isinstance(given, str):
        return None
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
