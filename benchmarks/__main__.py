"""`python -m benchmarks`: measure, and write `docs/performance.md` with its chart."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import shlex
import sys
from dataclasses import asdict, is_dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import measure, profiles, report
from benchmarks.clients import Failed

DOCS = Path(__file__).parents[1] / "docs"
CHART = "performance.svg"


async def _profile(plan: measure.Plan) -> dict[str, Any]:
    return {"start": profiles.start(plan), "call": await profiles.call(plan)}


PARTS = {**measure.PARTS, "profile": _profile}


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _command(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a command: {error}") from None


def _mapped(text: str) -> tuple[str, tuple[str, dict[str, Any]]]:
    ours, theirs = _pair(text)
    name, _, arguments = theirs.partition(":")
    try:
        given = json.loads(arguments or "{}")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{arguments!r} is not JSON: {error}") from None
    if ours != measure.TOOL or not isinstance(given, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not {measure.TOOL}=NAME or {measure.TOOL}=NAME:{{…}}")
    return ours, (name, given)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure; all of {', '.join(PARTS)} if none")
    parser.add_argument("--quick", action="store_true", help="fewer rounds and cases; writes no docs unless --docs")
    parser.add_argument("--rounds", type=_number, help="how often servers are started")
    parser.add_argument(
        "--docs",
        type=Path,
        help=f"directory for performance.md and {CHART}; docs/ where everything is measured, and nothing else",
    )
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument(
        "--against",
        type=_command,
        metavar="COMMAND",
        help="another MCP server over stdio; {url} in it is the upstream's address, which answers below"
        " {url}/klaviyo as Klaviyo does, to any key (benchmarks/klaviyos_own.py is an example)",
    )
    parser.add_argument("--name", default="the other server", help="what to call it")
    parser.add_argument("--env", type=_pair, action="append", default=[], metavar="NAME=VALUE", help="of that server")
    parser.add_argument(
        "--map",
        type=_mapped,
        action="append",
        default=[],
        metavar="TOOL=NAME[:JSON]",
        help='its tool for ours (get_profiles), and what to call that with; "{records}" is how many are asked for',
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 where a promise does not hold")
    given = parser.parse_args()
    if given.name in report.NAMES:
        parser.error(f"--name {given.name} is one of ours")
    if given.map and not given.against:
        parser.error("--map is of another server: name that with --against")
    try:
        if given.docs is not None:
            given.docs.mkdir(parents=True, exist_ok=True)
        if given.json is not None:
            given.json.touch()
    except OSError as error:  # better now than after all was measured
        parser.error(f"{error.filename} cannot be written: {error.strerror}")
    if unknown := [name for name in given.parts if name not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return given


def _rival(given: argparse.Namespace) -> measure.Rival | None:
    return measure.Rival(given.name, given.against, dict(given.env), dict(given.map)) if given.against else None


def _plan(given: argparse.Namespace) -> measure.Plan:
    plan = measure.QUICK if given.quick else measure.Plan()
    return replace(plan, rounds=given.rounds or plan.rounds, rival=_rival(given), told=_tell)


def _tell(text: str) -> None:
    sys.stderr.write(f"\r\x1b[K{text}" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


def _plain(value: object) -> object:
    if isinstance(value, measure.Figure):
        return {"median": value.median, "quartiles": value.spread, "values": value.values}
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def main() -> int:
    """Run what was asked for; the exit code."""
    given = _arguments()
    plan = _plan(given)
    results: dict[str, Any] = {}
    try:
        for name in given.parts or PARTS:
            found = PARTS[name](plan)
            results[name] = asyncio.run(found) if inspect.iscoroutine(found) else found
    except Failed as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    _tell("\n" if sys.stderr.isatty() else "done")
    chart = report.chart(results)
    how = shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    page = report.page(results, how, CHART if chart else None)
    sys.stdout.write(page)
    docs = given.docs or (None if given.quick or given.parts or given.against else DOCS)
    if docs is not None:
        (docs / "performance.md").write_text(page)
        if chart:
            (docs / CHART).write_text(chart)
    if given.json is not None:
        given.json.write_text(json.dumps(results, default=_plain, indent=1))
    return 1 if given.check and not all(holds for *_, holds in report.bars(results)) else 0


if __name__ == "__main__":
    sys.exit(main())
