"""Words and tables in Markdown for measured values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.measurements import Figure
from benchmarks.plan import BARE, DIRECT, HTTP, STDIO

UNKNOWN = "not measured"
_NAMES = {
    BARE: "bare protocol library, no tools",
    "none": "`none`",
    "core": "`core`",
    "standard": "`standard` (default)",
    "all": "`all`",
    DIRECT: "httpx, directly",
    STDIO: "over stdio",
    HTTP: "over HTTP",
}


def name_of(subject: str) -> str:
    """A server or a route to it, in words; another server has its own name."""
    return _NAMES.get(subject, subject)


def median_and_quartiles(figure: Figure | None, digits: int = 1) -> str:
    """`2.5 (2.1 to 2.8)`."""
    if figure is None:
        return UNKNOWN
    low, high = figure.quartiles
    return f"{figure.median:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def median(figure: Figure | None, digits: int = 1) -> str:
    """`2.5`."""
    return UNKNOWN if figure is None else f"{figure.median:,.{digits}f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is text and whose other columns are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
