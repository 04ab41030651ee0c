"""What people and models say for each operation: the files in `areas/requests/`, from which the search index is built.

A line at the margin names an operation, or an area as in `area lists`. The indented lines below it are its requests,
one a line; a request in another language than English begins with that language's code, as in `de: welche Listen gibt
es`. A line `words:` has single words for the operation or the area. A `#` begins a comment.

In `absent.txt`, a line at the margin that begins with `!` says what Klaviyo's API cannot do and names the nearest way.
Below it stand patterns such as `copy duplicate + flow automation`: a query fits that has a word of each group.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "de", "es", "fr", "pt")
FOLDER = Path(__file__).parents[1] / "areas" / "requests"
_HEADING = re.compile(r"(area )?(\w+)")
_LINE = re.compile(rf"(?:({'|'.join(LANGUAGES)}|words): )?(.+)")


@dataclass(frozen=True, slots=True)
class Request:
    """A request for one operation, as a person or a model words it."""

    operation: str
    text: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Absence:
    """Something that Klaviyo's API cannot do; the note names the operations of the nearest way."""

    note: str
    patterns: list[list[str]] = field(default_factory=list)
    """Each is a list of groups of words, separated by spaces."""


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The requests, words and absences of all operations."""

    requests: list[Request] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    """Operation -> words for it."""
    area_words: dict[str, str] = field(default_factory=dict)
    """Area -> words for it."""
    absences: list[Absence] = field(default_factory=list)


class PhrasebookError(ValueError):
    """A line of a phrasebook is neither a heading nor a request; the message names the line."""


def parse(text: str, into: Phrasebook, source: str) -> None:
    """Adds the content of one file. Raises PhrasebookError."""
    heading = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if not line[0].isspace():
            if not stripped.startswith("!") and not _HEADING.fullmatch(stripped):
                raise PhrasebookError(f"{source}, line {number}: {stripped[:60]!r} names no operation and no area")
            heading = stripped
            if heading.startswith("!"):
                into.absences.append(Absence(heading[1:].strip()))
        elif not heading:
            raise PhrasebookError(f"{source}, line {number}: there is no operation above this request")
        else:
            _add(into, heading, stripped)


def _add(book: Phrasebook, heading: str, line: str) -> None:
    if heading.startswith("!"):
        book.absences[-1].patterns.append([group.strip() for group in line.split("+")])
    elif match := _LINE.fullmatch(line):
        area, _, name = heading.rpartition("area ")
        tag, text = match.groups()
        if tag == "words":
            words = book.area_words if heading.startswith("area ") else book.words
            words[name or area] = text
        else:
            book.requests.append(Request(heading, text, tag or "en"))


@cache
def stored_phrasebook() -> Phrasebook:
    """The phrasebook of all areas."""
    return read_phrasebook(sorted(FOLDER.glob("*.txt")))


def read_phrasebook(paths: Iterable[Path]) -> Phrasebook:
    """The phrasebook in some files. Raises PhrasebookError."""
    book = Phrasebook()
    for path in paths:
        parse(path.read_text(encoding="utf-8"), book, path.name)
    return book
