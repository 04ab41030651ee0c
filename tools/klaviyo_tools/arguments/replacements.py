"""Replacements in a stored text: the server finds and replaces, so that the text need not pass through the model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple
from unicodedata import category

from pydantic import Field

from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import TextEdits
from klaviyo_tools.arguments.types import Arguments, one_line_schema

CONTEXT_CHARACTERS = 24
"""Characters shown on each side of a place where a text is replaced."""
_MAX_PLACES_SHOWN = 3
_LINE_BREAKS = frozenset("\v\f\r\x85\u2028\u2029")
_INVISIBLE_MARKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")


class Replacement(Arguments):
    """Replace `find`, which must stand in the text exactly `count` times, by `replace`."""

    find: Annotated[str, Field(min_length=1)]
    replace: str
    count: int = Field(1, ge=1)
    text: str | None = Field(None, alias="in")


def replacements_in(edits: TextEdits) -> Any:
    """The type of an argument `replacements` for these texts."""
    text = f"find, replace, count (1), in ({edits.default or ', '.join(edits.texts)})"
    return Annotated[list[Annotated[Replacement, one_line_schema(Replacement, text)]] | None, edits]


class TextChange(NamedTuple):
    """What a replacement does to one text.

    Attributes:
        name: The name of the text.
        times: How often the replacement is made in it.
        before: The surroundings of the first place, as a JSON string of one line; `after` likewise.
        text: The whole text after the replacement.
    """

    name: str
    times: int
    before: str
    after: str
    text: str


def replace_in_texts(label: str, replacement: Replacement, texts: Mapping[str, str]) -> Iterator[TextChange]:
    """What a replacement does to each text that it changes.

    Args:
        label: What an error calls the replacement.
        replacement: What to replace.
        texts: Name of a text -> the text.

    Raises:
        ArgumentsError: It does not stand in the texts as often as the replacement says.
    """
    places = {name: _places(text, replacement.find) for name, text in texts.items()}
    count = sum(map(len, places.values()))
    if count != replacement.count:
        raise ArgumentsError(f"{label}: {_wrong_count(replacement, texts, places, count)}")
    for name, spans in places.items():
        if spans:
            text, parts, end = texts[name], [], 0
            for start, stop in spans:
                parts += [text[end:start], replacement.replace]
                end = stop
            changed = "".join([*parts, text[end:]])
            (start, stop), *_ = spans
            after = _surroundings(changed, start, start + len(replacement.replace))
            yield TextChange(name, len(spans), _surroundings(text, start, stop), after, changed)


def _places(text: str, find: str) -> list[tuple[int, int]]:
    """Where a text stands in another; as it is, or else as answers show it, without invisible characters."""
    spans = list(_occurrences(text, find))
    if spans:
        return spans
    visible, positions = _visible(text)
    wanted, of_find = _visible(find)
    if not wanted:
        return []
    head, tail = find[: of_find[0]], find[of_find[-1] + 1 :]  # invisible characters of its own at either end
    spans = [(positions[start], positions[stop - 1] + 1) for start, stop in _occurrences(visible, wanted)]
    return [
        (start - _common(text[max(start - len(head), 0) : start][::-1], head[::-1]), stop + _common(text[stop:], tail))
        for start, stop in spans
    ]


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((position for position, (a, b) in pairs if a != b), min(len(one), len(other)))


def _occurrences(text: str, find: str) -> Iterator[tuple[int, int]]:
    at = text.find(find)
    while at >= 0:
        yield at, at + len(find)
        at = text.find(find, at + len(find))


def _visible(text: str) -> tuple[str, list[int]]:
    """A text as an answer shows it, with line feeds for all line breaks, and the position of each character left."""
    characters, positions = [], []
    for position, character in enumerate(text):
        if character == "\r" and text[position + 1 : position + 2] == "\n":
            continue
        if character in _LINE_BREAKS:
            character = "\n"
        elif character not in "\n\t" and _is_invisible(character):
            continue
        characters.append(character)
        positions.append(position)
    return "".join(characters), positions


def _is_invisible(character: str) -> bool:
    return (
        category(character) in ("Cf", "Cc")
        or character in _INVISIBLE_MARKS
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def _wrong_count(
    replacement: Replacement, texts: Mapping[str, str], places: Mapping[str, list[tuple[int, int]]], count: int
) -> str:
    where = " and ".join(f"{name} ({len(text):,} characters)" for name, text in texts.items())
    find = _quote(replacement.find)
    if not count:
        folded = next((name for name, text in texts.items() if replacement.find.casefold() in text.casefold()), None)
        hint = f"; it stands in {folded} with other capitals" if folded else ""
        return f"find {find} does not stand in {where}{hint}. Read the text again"
    shown = [
        f"{name}: {_surroundings(texts[name], start, stop)}" for name, spans in places.items() for start, stop in spans
    ]
    more = f"; and {count - _MAX_PLACES_SHOWN} more" if count > _MAX_PLACES_SHOWN else ""
    times = "once" if count == 1 else f"{count:,} times"
    return (
        f"find {find} stands {times} in {where}, not {replacement.count:,}: {'; '.join(shown[:_MAX_PLACES_SHOWN])}"
        f"{more}. Give count={count}, or a longer find"
    )


def _surroundings(text: str, start: int, stop: int) -> str:
    """A place in a text with a few characters around it, as a JSON string of one line."""
    first, last = max(start - CONTEXT_CHARACTERS, 0), stop + CONTEXT_CHARACTERS
    found = text[start:stop]
    if len(found) > 2 * CONTEXT_CHARACTERS:
        found = f"{found[:CONTEXT_CHARACTERS]}…{found[-CONTEXT_CHARACTERS:]}"
    head, tail = "…" if first else "", "…" if last < len(text) else ""
    return json.dumps(f"{head}{text[first:start]}{found}{text[stop:last]}{tail}", ensure_ascii=False)


def _quote(text: str) -> str:
    return json.dumps(text if len(text) <= 60 else f"{text[:60]}…", ensure_ascii=False)
