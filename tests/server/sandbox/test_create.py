"""`create_sandbox()`: a sandbox ready to be asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from klaviyo_mcp.sandbox.app import create_sandbox
from klaviyo_mcp.sandbox.faults import Faults, RateLimits

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_same_seed_and_day_make_the_same_life() -> None:
    first, second = (create_sandbox(30, seed=5, now=NOW) for _ in range(2))
    for kind in ("profile", "list", "metric", "event"):
        assert [(one.id, one.attributes, one.links) for one in first.store.all(kind)] == [
            (one.id, one.attributes, one.links) for one in second.store.all(kind)
        ]
    assert first.store.count("profile") == 30
    assert first.connections.active() == second.connections.active()


def test_seeds_differ() -> None:
    first, second = (create_sandbox(5, seed=seed, now=NOW) for seed in (1, 2))
    assert [one.id for one in first.store.all("profile")] != [one.id for one in second.store.all("profile")]


@pytest.mark.parametrize(("asked", "kept"), [(False, False), (True, True), (RateLimits(), True)])
def test_options_reach_the_sandbox(asked: bool | RateLimits, kept: bool) -> None:
    faults = Faults()
    made = create_sandbox(1, key="other", faults=faults, rate_limits=asked)
    assert (made.key, made.faults) == ("other", faults)
    assert (made.rate_limits is not None) is kept
