"""The words and signs that models write for Klaviyo's filter operators."""

from __future__ import annotations

import re

_SYNONYMS = {
    "equals": "= == === : eq equal equals equal-to equals-to is is-equal-to",
    "any": "in any any-of is-in one-of is-any-of is-one-of",
    "contains": "contains contain includes",
    "contains-any": "contains-any contains-any-of",
    "contains-all": "contains-all contains-all-of",
    "starts-with": "starts-with start-with begins-with",
    "ends-with": "ends-with end-with",
    "greater-than": "> gt greater greater-than is-greater-than more-than after is-after",
    "greater-or-equal": ">= ≥ gte ge greater-or-equal greater-or-equal-to greater-than-or-equal"
    " greater-than-or-equal-to greater-than-equal at-least since on-or-after",
    "less-than": "< lt less less-than is-less-than before is-before",
    "less-or-equal": "<= ≤ lte le less-or-equal less-or-equal-to less-than-or-equal less-than-or-equal-to"
    " less-than-equal at-most on-or-before",
    "has": "has exists",
}
_NEGATED = {
    "equals": "!= <> ≠ ne neq not-equal not-equals not-equal-to is-not does-not-equal",
    "any": "not-in nin not-any is-not-in",
    "contains": "not-contains does-not-contain",
}


def normalize(word: str) -> str:
    """A word without case, hyphens, underscores, spaces and `$`."""
    return re.sub(r"[-_\s$]", "", word).lower()


_MEANINGS: dict[str, tuple[str, bool]] = {
    normalize(word): (operator, negated)
    for table, negated in ((_SYNONYMS, False), (_NEGATED, True))
    for operator, words in table.items()
    for word in words.split()
}
OPERATOR_WORDS = sorted(
    {word for table in (_SYNONYMS, _NEGATED) for words in table.values() for word in words.split()},
    key=lambda word: (-len(word), word),
)
"""Every word and sign that `find_operator` finds, the longest first."""
INFIX_OPERATOR = re.compile(
    "|".join(
        r"[-_\s]*".join(word.split("-")) + r"(?![\w-])" if word[0].isalpha() else re.escape(word)
        for word in OPERATOR_WORDS
    ),
    re.I,
)
"""An operator between a field and its value."""


def find_operator(word: str) -> tuple[str, bool] | None:
    """Klaviyo's operator for a word or sign (`gte`, `>=`, `starts_with`), and whether the word negates it."""
    return _MEANINGS.get(normalize(word))
