"""Guides to the arguments that are hard to write, as `describe_tool` and the MCP resources show them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from klaviyo_tools.arguments.spelling import nearest

GUIDE_PREFIX = "klaviyo://guide/"
"""The address of a guide without its name."""
GUIDES = (
    "filters",
    "segment-definition",
    "flow-definition",
    "form-definition",
    "campaign-message",
    "report-statistics",
    "consent",
    "channels",
)
"""The names of the guides in the order in which they are listed. Each is a file `<name>.md` in this folder: a line with
the title, a line with the description, the text."""


class Guide(NamedTuple):
    """A guide as it is shipped. `text` is the whole file, in Markdown."""

    name: str
    title: str
    description: str
    text: str

    @property
    def uri(self) -> str:
        """The address of the guide."""
        return GUIDE_PREFIX + self.name


def find_guide(name: str) -> Guide:
    """The guide of this name or of this `klaviyo://guide/` address. Raises LookupError, which names the nearest."""
    plain_name = name.strip().removeprefix(GUIDE_PREFIX).removeprefix("guide/")
    if plain_name not in GUIDES:
        close = nearest(plain_name, GUIDES)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(GUIDES)}"
        raise LookupError(f"there is no guide {plain_name[:60]!r}; {hint}")
    return _read_guide(plain_name)


@cache
def _read_guide(plain_name: str) -> Guide:
    """A guide, read once: there are no more names than `GUIDES`."""
    from importlib.resources import files  # Importing it takes time that tools/list does not have.

    text = (files(__package__) / f"{plain_name}.md").read_text(encoding="utf-8")
    title, _, rest = text.partition("\n")
    return Guide(plain_name, title.removeprefix("# "), rest.strip().partition("\n")[0], text)
