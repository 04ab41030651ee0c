"""What to measure: how often, over which cases, and of which servers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOOL = "get_profiles"
"""The tool whose calls are measured."""
PAGE_SIZE = 100
PRESETS = ("none", "core", "standard", "all")
BARE = "bare"
DIRECT = "direct"
STDIO = "stdio"
HTTP = "http"
KLAVIYO = "Klaviyo's local server"
RESERVED_NAMES = (BARE, *PRESETS, DIRECT, STDIO, HTTP)


@dataclass(frozen=True)
class Build:
    """A checkout of this server: its name in the report, and the Python that has it installed."""

    name: str
    python: str

    @property
    def command(self) -> tuple[str, ...]:
        """Serves over stdio; the name of a subcommand may follow."""
        return self.python, "-m", "klaviyo_mcp"


THIS_BUILD = Build("this checkout", sys.executable)


def build_of(path: Path) -> Build:
    """The build of another checkout, from its directory or from the Python that has it installed.

    Raises:
        ValueError: there is no Python.
    """
    pythons = (path / ".venv/bin/python", path / ".venv/Scripts/python.exe") if path.is_dir() else (path,)
    python = next((python for python in pythons if python.is_file()), None)
    if python is None:
        raise ValueError(f"{pythons[0]} does not exist: give a checkout with its .venv, or a Python")
    return Build(_commit_of(path) or path.resolve().name, str(python.absolute()))


def _commit_of(path: Path) -> str:
    if not (path / ".git").exists():
        return ""
    command = ["git", "-C", str(path), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class OtherServer:
    """An MCP server over stdio that is not ours. `{url}` in its command and environment is the upstream's address."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    tools: Mapping[str, tuple[str, dict[str, Any]]]
    """Our tool -> its tool, and the arguments to call that with; without arguments, it is called with ours.

    An argument `"{records}"` becomes the number of records.
    """

    def at(self, url: str) -> tuple[list[str], dict[str, str]]:
        """Its command and environment for this upstream."""
        command = [part.replace("{url}", url) for part in self.command]
        return command, {name: value.replace("{url}", url) for name, value in self.environment.items()}

    def tool_call(self, records: int) -> tuple[str, dict[str, Any]]:
        """Its tool for ours, and the arguments that read so many records."""
        name, own_arguments = self.tools.get(TOOL, (TOOL, {}))
        arguments = own_arguments or {"max_results": "{records}"}
        return name, {key: records if value == "{records}" else value for key, value in arguments.items()}


_COLUMNS = [
    "email",
    "phone_number",
    "first_name",
    "last_name",
    "location.city",
    "location.country",
    "created",
    "last_event_date",
]


def klaviyo_server(python: Path, openapi: Path) -> OtherServer:
    """Klaviyo's local server, asked for the columns that ours shows by default."""
    launcher = str(Path(__file__).with_name("klaviyo_server.py"))
    environment = {"PRIVATE_API_KEY": "benchmark", "UPSTREAM": "{url}/klaviyo", "OPENAPI": str(openapi)}
    arguments = {"model": "other", "page_size": "{records}", "fields": _COLUMNS}
    return OtherServer(KLAVIYO, (str(python), launcher), environment, {TOOL: ("klaviyo_get_profiles", arguments)})


def _no_progress(_: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Plan:
    """How much is measured in a run, how many runs there are, and which servers take part."""

    runs: int = 5
    starts: int = 3
    """Starts of each server in a run."""
    calls: int = 100
    """Calls in a run of each case whose upstream does not wait."""
    seconds: float = 2.0
    """Of calls at once, for each case and route in a run."""
    records: Sequence[int] = (1, 20, 100)
    delays_ms: Sequence[int] = (0, 20, 100)
    calls_at_once: Sequence[int] = (1, 16, 64)
    profiles_counted: Sequence[int] = (1_000, 10_000, 100_000)
    builds: tuple[Build, ...] = (THIS_BUILD,)
    other_servers: tuple[OtherServer, ...] = ()
    progress: Callable[[str], None] = field(default=_no_progress)

    def calls_at(self, delay_ms: int) -> int:
        """Calls in a run where the upstream waits: fewer, since each takes longer."""
        return self.calls if not delay_ms else max(8, round(self.calls / (1 + delay_ms / 10)))


QUICK = Plan(
    runs=2, starts=1, calls=20, seconds=0.5, records=(20,), delays_ms=(0,), calls_at_once=(16, 64),
    profiles_counted=(1_000, 10_000),
)  # fmt: skip
"""Tries the harness; what it measures says little."""


def call_case(records: int, delay_ms: int) -> str:
    """The name of a case: so many records from an upstream that waits so long."""
    return f"{records} records, {delay_ms} ms"


def rate_case(calls_at_once: int, delay_ms: int) -> str:
    """The name of a case: so many calls at once to an upstream that waits so long."""
    return f"{calls_at_once} at once, {delay_ms} ms"


def count_case(profiles: int) -> str:
    """The name of a case: so many profiles counted."""
    return f"{profiles:,} profiles"
