"""Imports follow the contract of `.importlinter`, and the contract refuses each kind of wrong import."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WRONG = {
    "Imports among the rooms of the server point down": [
        ("klaviyo_mcp/answers/values.py", "from klaviyo_mcp.gateway import urls"),
        ("klaviyo_mcp/errors.py", "from klaviyo_mcp import settings"),
        ("klaviyo_mcp/sandbox/seed.py", "from klaviyo_mcp import cache"),
    ],
    "Imports among the rooms of the declarations point down": [
        ("klaviyo_tools/operation/operation.py", "from klaviyo_tools import registry"),
    ],
    "Imports among the parts of the sandbox point down": [
        ("klaviyo_mcp/sandbox/state/store.py", "from klaviyo_mcp.sandbox.api import query"),
        ("klaviyo_mcp/sandbox/reporting/facts.py", "from klaviyo_mcp.sandbox.life import visits"),
    ],
    "Declarations import nothing of the server": [
        ("klaviyo_tools/toolsets.py", "from klaviyo_mcp import settings"),
    ],
    "The sandbox knows Klaviyo by its documents alone": [
        ("klaviyo_mcp/sandbox/app.py", "from klaviyo_tools import registry"),
    ],
    "Only commands start the sandbox": [
        ("klaviyo_mcp/protocol/server.py", "from klaviyo_mcp.sandbox import seed"),
    ],
    "Only the gateway room sends HTTP requests": [
        ("klaviyo_mcp/transports/auth.py", "import httpx"),
    ],
    "Only protocol, transports and commands know the protocol library": [
        ("klaviyo_mcp/calls/service.py", "import mcp_types"),
    ],
    "No rooms import each other in a circle": [
        ("klaviyo_mcp/calls/context.py", "from klaviyo_mcp.calls import service"),
    ],
}


def lint(directory: Path) -> tuple[int, str]:
    """The exit code and the text of import-linter for the packages in a directory."""
    source = "import sys; sys.path[:0] = ['server', 'tools']; from importlinter import cli; cli.lint_imports_command()"
    command = [sys.executable, "-c", source, "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_imports_follow_the_contract() -> None:
    code, text = lint(ROOT)
    assert code == 0, text


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the packages with every wrong import, each for types alone."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / ".importlinter", copy)
    for package in ("server/klaviyo_mcp", "tools/klaviyo_tools"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("*.json", "*.md", "__pycache__"))
    for path, line in (wrong for wrongs in WRONG.values() for wrong in wrongs):
        module = next(copy.glob(f"*/{path}"))
        text = f"\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {line}\n"
        module.write_text(module.read_text() + text)
    code, text = lint(copy)
    assert code == 1, text
    return text


@pytest.mark.parametrize("contract", WRONG)
def test_a_wrong_import_breaks_its_contract(broken: str, contract: str) -> None:
    assert f"{contract} BROKEN" in " ".join(broken.split())
