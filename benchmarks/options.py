"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.plan import (
    KLAVIYO,
    QUICK,
    RESERVED_NAMES,
    THIS_BUILD,
    TOOL,
    OtherServer,
    Plan,
    build_of,
    klaviyo_server,
)
from benchmarks.runs import PARTS

CHART = "performance.svg"
PAGE = "performance.md"
DOCS = Path(__file__).parents[1] / "docs"
_EPILOG = "Exit codes: 0, or with --check: 1 where a bar is missed, 3 where a bar was not measured; 2 for an error."


@dataclass(frozen=True)
class Options:
    """What to measure and where to write it."""

    plan: Plan
    parts: Sequence[str]
    docs: Path | None
    """The directory of the page and the chart."""
    json: Path | None
    check: bool


def _variable(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name or not value:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _command(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a command: {error}") from None


def _tool(text: str) -> tuple[str, tuple[str, dict[str, Any]]]:
    own_tool, call = _variable(text)
    name, _, json_text = call.partition(":")
    try:
        arguments = json.loads(json_text or "{}")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{json_text!r} is not JSON: {error}") from None
    if own_tool != TOOL or not isinstance(arguments, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not {TOOL}=NAME or {TOOL}=NAME:{{…}}")
    return own_tool, (name, arguments)


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is not a file")
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measure, check the bars, and write {PAGE} with its chart.",
        epilog=_EPILOG,
    )
    add = parser.add_argument
    add("parts", nargs="*", metavar="PART", help=f"what to measure; all of {', '.join(PARTS)} if none")
    add("--quick", action="store_true", help="try the harness: few calls, two runs; writes no docs unless --docs")
    add("--runs", type=_count, metavar="N", help=f"runs, {Plan.runs} if not given; the medians are over them")
    add("--check", action="store_true", help="exit with 1 where a bar is missed, with 3 where one was not measured")
    add("--docs", type=Path, metavar="DIRECTORY", help="for the page; docs/ where all was measured without --quick")
    add("--json", type=Path, metavar="FILE", help="write the figures here as well")
    add("--against", type=Path, metavar="PATH", help="another checkout with its .venv, or a Python that has it")
    klaviyo = parser.add_argument_group("Klaviyo's local server, for the bar that compares with it")
    klaviyo.add_argument("--klaviyo-server", type=_file, metavar="PYTHON", help="a Python 3.13 that has it installed")
    klaviyo.add_argument("--openapi", type=_file, metavar="FILE", help="Klaviyo's API document, openapi/stable.json")
    _add_other_server(parser.add_argument_group("any other MCP server over stdio").add_argument)
    return parser


def _add_other_server(add: Callable[..., object]) -> None:
    add(
        "--other-server",
        type=_command,
        metavar="COMMAND",
        help="{url} in it is the upstream's address, which answers below {url}/klaviyo as Klaviyo does, to any key",
    )
    add("--name", default="the other server", help="its name in the report")
    add("--env", type=_variable, action="append", default=[], metavar="NAME=VALUE", help="its environment")
    add(
        "--map",
        type=_tool,
        action="append",
        default=[],
        metavar="TOOL=NAME[:JSON]",
        help=f'its tool for ours ({TOOL}), and the arguments; "{{records}}" becomes the number of records',
    )


def parse(arguments: Sequence[str]) -> Options:
    """The options of a command line. Exits with 2 where they cannot be followed."""
    parser = _parser()
    values = parser.parse_args(arguments)
    _refuse_contradictions(parser, values)
    try:
        if values.docs is not None:
            values.docs.mkdir(parents=True, exist_ok=True)
        if values.json is not None:
            values.json.touch()
    except OSError as error:  # better now than after an hour's measuring
        parser.error(f"{error.filename} cannot be written: {error.strerror}")
    plan = QUICK if values.quick else Plan()
    try:
        builds = (THIS_BUILD,) if values.against is None else (THIS_BUILD, build_of(values.against))
    except ValueError as error:
        parser.error(str(error))
    plan = replace(plan, runs=values.runs or plan.runs, builds=builds, other_servers=_other_servers(values))
    whole = not (values.quick or values.parts)
    docs = values.docs or (DOCS if whole else None)
    return Options(plan, values.parts or PARTS, docs, values.json, values.check)


def _refuse_contradictions(parser: argparse.ArgumentParser, values: argparse.Namespace) -> None:
    if unknown := [name for name in values.parts if name not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    if values.name in (*RESERVED_NAMES, KLAVIYO):
        parser.error(f"--name {values.name} is the name of another server in the report")
    if (values.map or values.env) and not values.other_server:
        parser.error("--map and --env are of another server: give its command with --other-server")
    if bool(values.klaviyo_server) != bool(values.openapi):
        parser.error("--klaviyo-server and --openapi need each other")


def _other_servers(values: argparse.Namespace) -> tuple[OtherServer, ...]:
    servers = []
    if values.klaviyo_server:
        servers.append(klaviyo_server(values.klaviyo_server, values.openapi))
    if values.other_server:
        servers.append(OtherServer(values.name, values.other_server, dict(values.env), dict(values.map)))
    return tuple(servers)
