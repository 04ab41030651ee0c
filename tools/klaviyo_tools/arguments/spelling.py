"""Names that are nearly right: the nearest valid ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MIN_LIKENESS = 0.5
_LIKENESS_RANGE = 0.18
"""How much less similar than the most similar name a suggestion may be (difflib's ratio)."""
_MAX_LISTED_NAMES = 12
_MAX_QUOTED_CHARACTERS = 60


def nearest(text: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """The names most similar to a text, best first: about as close as the closest, or containing it."""
    plain_names = {name.lower().replace("-", "_"): name for name in names}
    plain = text.lower().replace("-", "_")
    close = difflib.get_close_matches(plain, plain_names, limit, _MIN_LIKENESS)
    likeness = [difflib.SequenceMatcher(None, name, plain).ratio() for name in close]
    close = [name for name, like in zip(close, likeness, strict=True) if like >= likeness[0] - _LIKENESS_RANGE]
    close += [name for name in plain_names if plain and plain in name and name not in close]
    return [plain_names[name] for name in close[:limit]]


def resolve_name(text: str, names: Iterable[str], kind: str = "") -> str:
    """The name as Klaviyo writes it (hyphen and underscore alike). Raises ValueError with the nearest valid names.

    `kind` is its kind (`statistic`), where the argument's name does not say it.
    """
    valid = list(names)
    for name in valid:
        if name == text or name.replace("-", "_") == text.replace("-", "_"):
            return name
    close = nearest(text, valid)
    hint = f"did you mean {' or '.join(close)}?" if close else f"valid: {', '.join(valid[:_MAX_LISTED_NAMES])}"
    raise ValueError(f"{f'{kind} ' if kind else ''}{text[:_MAX_QUOTED_CHARACTERS]!r} is unknown; {hint}")
