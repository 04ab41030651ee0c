"""A small measurement from the start to the page, and what the benchmarks may know of this server."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import benchmarks.runs
import pytest
from benchmarks.bars import BarOutcome, check_bars
from benchmarks.measurements import Key, Measure
from benchmarks.plan import KLAVIYO, THIS_BUILD, Build, Plan

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SMALL = Plan(
    runs=2,
    starts=1,
    calls=2,
    seconds=0.05,
    records=(20,),
    delays_ms=(0,),
    calls_at_once=(2,),
    profiles_counted=(1_000,),
)


def test_each_run_records_one_value_for_each_key() -> None:
    results = asyncio.run(benchmarks.runs.measure(SMALL, ("start", "calls", "count", "search")))
    figures = results.own.all_figures()
    assert {len(figure.values) for figure in figures.values()} == {SMALL.runs}
    assert len(results.loads) == SMALL.runs
    assert figures[Key(Measure.LIST_BYTES, "all")].median > figures[Key(Measure.LIST_BYTES, "none")].median
    assert figures[Key(Measure.COUNT_REQUESTS, "stdio", "1,000 profiles")].median == 10
    outcomes = {check.bar.numerator: check.outcome for check in check_bars(results.own)}
    assert outcomes[Key(Measure.START_MS, "standard")] != BarOutcome.NOT_MEASURED
    assert outcomes[Key(Measure.SEARCH_MS, "stdio")] != BarOutcome.NOT_MEASURED
    assert outcomes[Key(Measure.CALL_MS, "http", "20 records, 0 ms")] != BarOutcome.NOT_MEASURED
    assert KLAVIYO not in results.own.subjects(Measure.ADDED_MS)


def test_two_builds_are_measured_in_the_same_cases() -> None:
    builds = (THIS_BUILD, Build("another", sys.executable))
    plan = replace(SMALL, runs=1, builds=builds)
    results = asyncio.run(benchmarks.runs.measure(plan, ("calls", "rate", "search")))
    own, another = (measurements.all_figures() for measurements in results.builds.values())
    assert list(own) == list(another)
    assert {key.subject for key in own} == {"direct", "stdio", "http"}


def test_a_measurement_writes_the_page_the_chart_and_the_figures(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--runs", "1", "--check", "calls"]
    command += ["--docs", str(tmp_path), "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (1, 3), done.stderr  # the other parts' bars are not measured
    page = (tmp_path / "performance.md").read_text()
    assert page == done.stdout
    assert str(tmp_path) not in page
    assert (tmp_path / "performance.svg").read_text().startswith("<svg")
    (build,) = json.loads(figures.read_text())["builds"].values()
    assert {"measure": "call_ms", "subject": "direct", "case": "20 records, 0 ms"}.items() <= build[0].items()


def test_the_benchmarks_import_nothing_of_what_they_measure() -> None:
    # A module that moves must not break them, and they measure other checkouts as well.
    for path in Path(benchmarks.runs.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith(("klaviyo_mcp", "klaviyo_tools")) for name in names), path
