"""Fills the sentences of a declared preview: each placeholder becomes a few words on one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from string import Formatter
from typing import Any, NamedTuple

from klaviyo_mcp.answers.wording import count_noun, describe, list_names, quote
from klaviyo_tools.arguments.types import Arguments

MAX_MEMBERS = 5
"""Members of a list argument that are shown."""
_IDENTIFIERS = ("email", "phone_number", "id", "external_id", "kx")


class Placeholder(NamedTuple):
    """`{record.status}` is of `record`, its path `("status",)`; `{body:300}` has the format `300`."""

    of: str
    path: tuple[str, ...]
    format: str


@lru_cache(256)
def parts_of(sentence: str) -> Sequence[str | Placeholder]:
    """The text and the placeholders of a sentence, in order."""
    parts: list[str | Placeholder] = []
    for text, name, format_, _ in Formatter().parse(sentence):
        parts += [text] if text else []
        if name is not None:
            of, *path = name.split(".")
            parts.append(Placeholder(of, tuple(path), format_ or ""))
    return parts


def placeholders(sentences: Iterable[str]) -> list[Placeholder]:
    """All placeholders of some sentences."""
    return [part for sentence in sentences for part in parts_of(sentence) if isinstance(part, Placeholder)]


def argument_words(value: Any, placeholder: Placeholder) -> str:
    """The value of an argument as its placeholder asks for it."""
    for name in placeholder.path:
        value = value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)
    if placeholder.format.isdigit():
        return quote(str(value), int(placeholder.format))
    if placeholder.format:
        return count_noun(len(value), placeholder.format)
    if isinstance(value, Arguments):
        return quote(identifier_of(value))
    if isinstance(value, list) and not isinstance(value[0] if value else None, Mapping):
        rest = len(value) - MAX_MEMBERS
        words = ", ".join(_member_words(member) for member in value[:MAX_MEMBERS])
        return f"{words} and {rest:,} more" if rest > 0 else words
    return describe(value)


def identifiers(people: Sequence[Any], most: int = 3) -> str:
    """Some people of an argument, by their addresses or ids there."""
    return list_names([identifier_of(person) for person in people], most)


def identifier_of(person: Any) -> str:
    """The address or id by which an argument identifies a person."""
    person = getattr(person, "profile", person)
    return next((str(value) for key in _IDENTIFIERS if (value := getattr(person, key, None))), "unknown")


def _member_words(member: Any) -> str:
    return quote(identifier_of(member)) if isinstance(member, Arguments) else describe(member)
