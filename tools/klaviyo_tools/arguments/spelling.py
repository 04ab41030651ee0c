"""Names that were nearly right: the nearest of those there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CLOSE = 0.18
"""How much less like what was given a name may be than the most similar one."""


def nearest(given: str, among: Iterable[str], most: int = 3) -> list[str]:
    """The most similar of some names, best first: those about as close as the closest, and those that contain it."""
    names = {name.lower(): name for name in among}
    asked = given.lower().replace("-", "_")
    plain = {name.replace("-", "_"): original for name, original in names.items()}
    found = difflib.get_close_matches(asked, plain, most, 0.5)
    likeness = [difflib.SequenceMatcher(None, name, asked).ratio() for name in found]
    found = [name for name, like in zip(found, likeness, strict=True) if like >= likeness[0] - _CLOSE]
    found += [name for name in plain if asked and asked in name and name not in found]
    return [plain[name] for name in found[:most]]


def one_of(given: str, allowed: Iterable[str], what: str = "") -> str:
    """`given` as Klaviyo writes it (hyphen or underscore alike); a ValueError names the nearest valid values.

    `what` it is, where the argument's name does not say so.
    """
    names = list(allowed)
    for name in names:
        if name == given or name.replace("-", "_") == given.replace("-", "_"):
            return name
    close = nearest(given, names)
    hint = f"did you mean {' or '.join(close)}?" if close else f"valid: {', '.join(names[:12])}"
    raise ValueError(f"{f'{what} ' if what else ''}{given[:60]!r} is unknown; {hint}")
