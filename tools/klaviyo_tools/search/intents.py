"""The intents of a query: "create a list and add profiles to it" asks for two operations."""

from __future__ import annotations

import re
from collections.abc import Set

MAX_INTENTS = 3
_CONNECTIVE = re.compile(
    r"\s*(?:[;,.]\s+(?:and\s+|then\s+|und\s+|dann\s+|y\s+|luego\s+|et\s+|puis\s+|e\s+|depois\s+)*"
    r"|\s(?:and then|and also|and|then|und dann|und|dann|y luego|y|luego|et puis|et|puis|e depois|e)\s+)",
    re.IGNORECASE,
)


def split_intents(query: str, openings: Set[str]) -> list[str]:
    """The parts of a query that each begin with an opening, a verb such as "create"; one where there are no two."""
    parts: list[str] = []
    start = 0
    for connective in _CONNECTIVE.finditer(query):
        if _begins(query[connective.end() :], openings) and _begins(query[start : connective.start()], openings):
            parts.append(query[start : connective.start()].strip())
            start = connective.end()
    parts.append(query[start:].strip())
    return parts if 1 < len(parts) <= MAX_INTENTS else [query]


def _begins(text: str, openings: Set[str]) -> bool:
    words = [word for word in re.findall(r"[^\W\d_]+", text.lower()) if word not in ("please", "then", "also")]
    return len(words) > 1 and words[0] in openings
