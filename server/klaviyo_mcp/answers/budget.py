"""The budget of an answer: the lines that fit, and the text that they make with the line of facts above them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from klaviyo_mcp.untrusted import MARK_BYTES, mark_untrusted

ANSWER_BYTES = 24_000
"""Bytes (UTF-8) that an answer takes at most."""
FITTING = f"what fits in {ANSWER_BYTES:,} bytes"
"""The reason that the facts give where an answer shows less than was read."""


def fit_lines(
    lines: Sequence[str], facts: Callable[[int], str], *, header: Sequence[str] = (), marked: bool = False
) -> tuple[int, str]:
    """How many of the lines, the first at least, fit into an answer, and the facts above them.

    Args:
        lines: The lines to choose from; answers are cut between two lines, never inside one.
        facts: Makes the line of facts for a number of lines: it names that number, and the cursor after them.
        header: Lines that stand above them in any case.
        marked: Whether they are marked as untrusted, which takes some bytes too.
    """
    room = ANSWER_BYTES - line_bytes(header) - (MARK_BYTES if marked else 0)
    count, size = len(lines), line_bytes(lines)
    text = facts(count)
    while count > 1 and (over := size + len(text.encode()) - room) > 0:
        while over > 0 and count > 1:
            count -= 1
            line_size = len(lines[count].encode()) + 1
            over -= line_size
            size -= line_size
        text = facts(count)
    return count, text


def answer_text(facts: str, lines: Sequence[str], *, marked: bool) -> str:
    """The text of an answer: the line of facts, where there are any, and its lines; `marked` as untrusted."""
    if not lines:
        return facts
    body = "\n".join(lines)
    text = mark_untrusted(body) if marked else body
    return f"{facts}\n{text}" if facts else text


def line_bytes(lines: Sequence[str]) -> int:
    """Bytes of these lines, line ends included."""
    return len("\n".join(lines).encode()) + 1 if lines else 0
