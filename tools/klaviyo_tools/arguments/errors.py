"""The error of arguments that cannot be sent."""

from __future__ import annotations


class ArgumentsError(ValueError):
    """The arguments of a call do not fit its model. The message says what to change; nothing was sent."""
