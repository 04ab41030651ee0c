"""The error that tells what is wrong with the arguments of a call."""

from __future__ import annotations


class ArgumentsError(ValueError):
    """The arguments of a call do not fit its model. The message names each fault and its remedy; nothing was sent."""
