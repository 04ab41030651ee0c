"""The measurement of floods runs, and says what it measured."""

from __future__ import annotations

import pytest
from benchmarks.floods import FLOODS, FloodResult, measure


@pytest.mark.slow
def test_a_small_flood_is_measured() -> None:
    result = measure(FLOODS["slow bodies"], connections=10, seconds=1.5)
    assert len(result.checks) > 10
    assert min(result.checks) > 0


def test_a_line_names_the_longest_check_and_the_memory() -> None:
    result = FloodResult((1.0, 2.0, 40.0), 2_000_000)
    assert result.line("silent sockets") == (
        "silent sockets: /healthz median 2.0 ms, longest 40 ms of 3 checks; memory +2.0 MB"
    )
