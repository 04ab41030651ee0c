"""Positions at which a text may be cut: between two characters as a person sees them, so that no character changes."""

from __future__ import annotations

from klaviyo_mcp.untrusted import clean

_LOOK_BACK_CHARACTERS = 256
"""How far before the cut the search for graphemes begins; hardly any is longer."""


def cut_position(text: str, limit: int) -> int:
    """The last position, at most `limit`, at which a cleaned text may be cut.

    No grapheme is cut (an emoji sequence, a letter with its marks), and cleaning changes neither part. A grapheme that
    is longer than any that is written is cut nevertheless.
    """
    if limit >= len(text):
        return len(text)
    if text[max(limit - 1, 0) : limit + 1].isascii() or limit <= 0:  # a cleaned text holds no carriage return
        return max(limit, 0)
    import regex  # it takes 50 ms, and few cuts need it

    start = max(limit - _LOOK_BACK_CHARACTERS, 0)
    while start and not text[start - 1 : start + 1].isascii() and limit - start < 2 * _LOOK_BACK_CHARACTERS:
        start -= 1
    window = text[start : limit + _LOOK_BACK_CHARACTERS]
    ends: list[int] = [end for match in regex.finditer(r"\X", window) if (end := match.end()) <= limit - start]
    if not ends:
        return limit if limit - start > _LOOK_BACK_CHARACTERS else start
    return start + next((end for end in reversed(ends) if _is_clean_cut(window, end)), ends[-1])


def _is_clean_cut(text: str, position: int) -> bool:
    """Whether cleaning changes neither the end before the position nor the beginning after it."""
    head, tail = text[:position], f'"{text[position : position + 32]}'
    return clean(f"{head}…")[-8:] == f"{head}…"[-8:] and clean(tail)[:8] == tail[:8]
