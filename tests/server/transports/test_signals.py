"""Signals arrive one by one, with the event loop's help and without."""

from __future__ import annotations

import signal
from typing import NoReturn

import anyio
import pytest

from klaviyo_mcp.transports.signals import ENDING_SIGNALS, received_signals

pytestmark = pytest.mark.anyio


def refuse(*_: object) -> NoReturn:
    raise NotImplementedError


@pytest.mark.parametrize("loop_handles_signals", [True, False])
async def test_signals_are_received_during_the_block_alone(
    monkeypatch: pytest.MonkeyPatch, loop_handles_signals: bool
) -> None:
    if not loop_handles_signals:
        monkeypatch.setattr(anyio, "open_signal_receiver", refuse)
    before = [signal.getsignal(number) for number in ENDING_SIGNALS]
    with received_signals() as signals, anyio.fail_after(10):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
            assert await anext(signals) == number
    assert [signal.getsignal(number) for number in ENDING_SIGNALS] == before
