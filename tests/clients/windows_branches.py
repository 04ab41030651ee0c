"""A program: `fake_service.py` on the branches that Windows takes, with no signals and no pipes on the event loop.

A test cannot replace the system: the reads of consoles, and the codes with which Windows ends processes, stay untested.
"""

from __future__ import annotations

from typing import NoReturn

import anyio

from klaviyo_mcp.transports import pipes


def refuse(*_: object) -> NoReturn:
    raise NotImplementedError


if __name__ == "__main__":
    anyio.open_signal_receiver = refuse
    pipes.can_wait = lambda: False
    from tests.clients import fake_service

    fake_service.main()
