"""Words of answers and previews: names, nouns, counts and values, each in one line that no name can break out of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from klaviyo_mcp.answers.cuts import cut_position
from klaviyo_mcp.answers.values import cell, value_at
from klaviyo_mcp.answers.view import is_untrusted
from klaviyo_mcp.untrusted import clean
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import resource_type

NAME_CHARACTERS = 80
"""Characters of a name."""
VALUE_CHARACTERS = 120
"""Characters of a value."""
WORD_CHARACTERS = 64
"""A longer word stands in quotes, too: sentences can be written without blanks."""
MAX_MEMBERS = 8
"""Members of an object that are written."""
_WORD = re.compile(r"[\w.:+@-]+")
"""A word, a time, an address: it needs no quotes, for it cannot pass for a sentence."""


def one_line(text: str, limit: int = NAME_CHARACTERS) -> str:
    """A text in one line, cleaned: its first `limit` characters and the number of the others: `Dear …(+1,234)`."""
    beginning = text[: 8 * limit]  # cleaning takes characters away, and a long text need not be cleaned whole
    line = " ".join(clean(beginning).split())
    if len(line) <= limit and len(beginning) == len(text):
        return line
    head = line[: cut_position(line, limit - 1)]
    return f"{head}…(+{len(text) - len(beginning) + len(line) - len(head):,})"


def quote(text: str, limit: int = NAME_CHARACTERS) -> str:
    """A name in quotes. It cannot close them: quotes in it become apostrophes."""
    return f'"{one_line(text, limit).translate(_QUOTES)}"'


_QUOTES = str.maketrans(dict.fromkeys('"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02', "'"))


def quote_words(text: str, limit: int = NAME_CHARACTERS) -> str:
    """A short text: a single word as it is, anything else in quotes."""
    return text if len(text) <= WORD_CHARACTERS and _WORD.fullmatch(text) else quote(text, limit)


def describe(value: Any) -> str:
    """A value of an argument or attribute in a few words: the members of an object, the elements of a list."""
    if isinstance(value, Mapping):
        first = islice(value.items(), MAX_MEMBERS)
        members = [f"{quote_words(str(name), 40)} {describe(inner)}" for name, inner in first]
        rest = len(value) - len(members)
        return ", ".join([*members, *([f"and {rest} more"] if rest > 0 else [])])
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return f"{len(value):,} times {{{one_line(describe(value[0]), VALUE_CHARACTERS)}}}"
    if isinstance(value, list | tuple):
        return list_names([str(item) for item in value])
    if value is None:
        return "nothing"
    text = cell(value, VALUE_CHARACTERS)
    return quote_words(text, VALUE_CHARACTERS) if isinstance(value, str) else one_line(text)


def list_names(names: Sequence[str], most: int = 5) -> str:
    """Names in quotes, the first `most` of them: `"a", "b" and 12 more`."""
    rest = len(names) - most
    text = ", ".join(quote(name) for name in names[:most])
    return f"{text} and {rest:,} more" if rest > 0 else text


_JOB_STATUSES = frozenset(
    {"accepted", "queued", "processing", "in_progress", "pending", "complete", "cancelled", "failed"}
)
"""The statuses of jobs that Klaviyo's documents name."""


def job_status(status: Any, *, hide: bool = False) -> str:
    """The status of a job: a documented one as it is, another in quotes; `hide`: what strangers may have written."""
    if not status:
        return "accepted"
    if isinstance(status, str) and status in _JOB_STATUSES:
        return status
    return "in an undocumented status" if hide else quote(str(status), 40)


_UNCOUNTABLE = "universal content"
_NOUNS = {"template-universal-content": _UNCOUNTABLE}
"""Resource types that people call otherwise."""


def singular(type_: str) -> str:
    """The everyday word for a record of a resource type: `catalog-category` -> `catalog category`."""
    return _NOUNS.get(type_) or type_.replace("-", " ")


def plural(noun: str) -> str:
    """The plural of a noun: `category` -> `categories`, `address` -> `addresses`."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    if noun.endswith("ss"):
        return f"{noun}es"
    return noun if noun.endswith("s") or noun == _UNCOUNTABLE else f"{noun}s"


def count_noun(count: object, noun: str) -> str:
    """`1 profile`, `1,250 profiles`; `an unknown number of profiles` where the count is no number."""
    if not isinstance(count, int) or isinstance(count, bool):
        return f"an unknown number of {plural(noun)}"
    return f"{count:,} {noun if count == 1 else plural(noun)}"


UNDECLARED = "undeclared attributes"
"""Stands in the facts for hidden attributes without a declaration: strangers may have written their names, too."""


def hidden_note(names: Iterable[str], most: int = 8) -> str:
    """The fact that names the attributes which the user's setting leaves out, the first `most` of them."""
    listed = [cell(name, 40) for name in names]
    rest = len(listed) - most
    more = f" and {rest} more" if rest > 0 else ""
    return f"hidden by KLAVIYO_MCP_USER_CONTENT: {', '.join(listed[:most])}{more}"


def label_of(record: Record) -> str:
    """The name by which a person knows a record; empty where it has none."""
    labels = (value_at(record.attributes, path.split(".")) for path in resource_type(record.type).label)
    return next((str(label) for label in labels if label), "")


def trusted_label_of(record: Record) -> str:
    """`label_of`, of the labels that no stranger can have written."""
    type_ = resource_type(record.type)
    for path in type_.label:
        label = value_at(record.attributes, path.split("."))
        if label and (not is_untrusted(type_, path) or label in type_.trusted_values):
            return str(label)
    return ""


def describe_record(kind: str, page: Page | None, id_: str) -> str:
    """`list "Newsletter" (id Y6nRLr)`, or that its name is unknown, or that there is none by that id."""
    id_ = quote(id_, 200).strip('"')
    if page is None:
        return f"{kind} with id {id_} (its name is unknown)"
    if not page.records:
        return f"{kind} with id {id_} (there is none by that id)"
    name = label_of(page.records[0])
    return f"{kind} {quote(name)} (id {id_})" if name else f"{kind} with id {id_}"
