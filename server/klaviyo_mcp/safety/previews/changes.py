"""What an update changes in a record, attribute by attribute: the value before and the value after.

The record after the update is that which `klaviyo_tools.operation.edits` would send, laid over the stored one: what the
call does not name stays, and stands in no line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from klaviyo_mcp.answers.values import is_empty
from klaviyo_mcp.answers.view import is_untrusted
from klaviyo_mcp.answers.wording import count_noun, describe, quote, quote_words
from klaviyo_mcp.untrusted import clean
from klaviyo_tools.arguments.replacements import TextChange
from klaviyo_tools.nested_objects import OnUpdate, nested_object
from klaviyo_tools.registry import resource_type

MAX_LINES = 24
"""Changes that are shown with their values; of the others the names are."""
MAX_NAMES = 30
VALUE_CHARACTERS = 160
"""Characters of a value; a longer one is shown from its first difference on."""
CONTEXT_CHARACTERS = 24
"""Characters before the first difference that are shown."""
MAX_REPLACEMENTS = 10
"""Replacements that are shown with their surroundings; the others are counted."""
MAX_DEPTH = 12
MISSING = object()


class Change(NamedTuple):
    """One attribute, by its dotted path, and its values before and after; `MISSING` where there is none."""

    path: str
    before: Any
    after: Any


def find_changes(type_: str, stored: Mapping[str, Any], sent: Mapping[str, Any]) -> list[Change]:
    """What an update that sends these attributes changes in the stored ones."""
    return [
        change
        for name, after in sent.items()
        for change in _differences(type_, name, stored.get(name, MISSING), after, MAX_DEPTH)
    ]


def change_lines(type_: str, changes: Sequence[Change], *, hide: bool = False) -> list[str]:
    """The changes in words. `hide`: what strangers wrote is left out."""
    resource = resource_type(type_)
    lines = []
    for change in changes[:MAX_LINES]:
        if change.before is MISSING and not resource.declares(change.path.partition(".")[0]):
            lines.append(f"{_name(change.path)}: a new value, which no answer of Klaviyo's shows")
            continue
        is_hidden = hide and is_untrusted(resource, change.path)
        lines.append(f"{_name(change.path)}: {_words(change, hide=is_hidden)}")
    names = [_name(change.path) for change in changes[MAX_LINES:]]
    if names:
        rest = len(names) - MAX_NAMES
        others = f" and {rest} others" if rest > 0 else ""
        lines.append(f"And {count_noun(len(names), 'more change')}: {', '.join(names[:MAX_NAMES])}{others}.")
    return lines


def replacement_lines(changes: Sequence[TextChange]) -> list[str]:
    """A line for each replacement in a text: how often it is made, and its first place before and after."""
    lines = [
        clean(f"{change.name}: replaced {count_noun(change.times, 'time')}, {change.before} → {change.after}")
        for change in changes[:MAX_REPLACEMENTS]
    ]
    rest = len(changes) - MAX_REPLACEMENTS
    return [*lines, f"And {count_noun(rest, 'more replacement')}."] if rest > 0 else lines


def _differences(type_: str, path: str, before: Any, after: Any, depth: int) -> Iterator[Change]:
    if before == after or (_is_nothing(before) and _is_nothing(after)):
        return
    if depth and isinstance(before, Mapping) and isinstance(after, Mapping):
        entry = nested_object(type_, path)
        is_merged = entry is not None and entry.on_update is OnUpdate.MERGED
        names = dict.fromkeys(after if is_merged else [*before, *after])
        for name in names:
            inner = f"{path}.{name}"
            yield from _differences(type_, inner, before.get(name, MISSING), after.get(name, MISSING), depth - 1)
    elif depth and _are_objects(before) and _are_objects(after):
        for index in range(max(len(before), len(after))):
            old, new = (items[index] if index < len(items) else MISSING for items in (before, after))
            yield from _differences(type_, f"{path}.{index}", old, new, depth - 1)
    else:
        yield Change(path, before, after)


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _is_nothing(value: Any) -> bool:
    return value is MISSING or is_empty(value)


def _name(path: str) -> str:
    return quote_words(path, 120)


def _words(change: Change, *, hide: bool) -> str:
    before, after = change.before, change.after
    if (
        isinstance(before, str)
        and isinstance(after, str)
        and not hide
        and max(len(before), len(after)) > VALUE_CHARACTERS
    ):
        return _text_words(before, after)
    if isinstance(before, list) and isinstance(after, list) and not hide and not _are_objects([*before, *after]):
        return _list_words(before, after)
    return f"{'(hidden)' if hide else _value(before)} → {_value(after)}"


def _text_words(before: str, after: str) -> str:
    """Long texts from their first difference on, with their lengths."""
    shortest = min(len(before), len(after))
    first = next((place for place in range(shortest) if before[place] != after[place]), shortest)
    start = max(0, first - CONTEXT_CHARACTERS)
    old, new = (quote(text[start:], VALUE_CHARACTERS) for text in (before, after))
    lengths = f"{len(before):,} characters become {len(after):,}"
    return f"{lengths}; from character {start + 1:,} on {old} → {new}"


def _list_words(before: list[Any], after: list[Any]) -> str:
    """Lists of values by what is added and removed; in full where the order alone changes."""
    added = [item for item in after if item not in before]
    removed = [item for item in before if item not in after]
    parts = [f"{verb} {_members(items)}" for verb, items in (("adds", added), ("removes", removed)) if items]
    return ", ".join(parts) or f"{_members(before)} → {_members(after)}"


def _members(items: Sequence[Any], most: int = 20) -> str:
    rest = len(items) - most
    words = ", ".join(_value(item) for item in items[:most])
    return f"{words} and {rest:,} more" if rest > 0 else words


def _value(value: Any) -> str:
    if _is_nothing(value):
        return "nothing"
    return quote(value, VALUE_CHARACTERS) if isinstance(value, str) else describe(value)
