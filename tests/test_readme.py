"""The README says what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from klaviyo_mcp.calls.guides.guide import GUIDES
from klaviyo_mcp.cli.commands import main
from klaviyo_mcp.protocol.prompts import PROMPTS
from klaviyo_mcp.settings import load_settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_its_tables_are_those_of_the_code(tables: ModuleType) -> None:
    assert all(f"<!-- table: {name} -->" in README for name in tables.TABLES)
    assert tables.fill_tables(README) == README, "run: uv run python docs/tables.py"


def test_the_page_of_tools_is_that_of_the_code(tables: ModuleType) -> None:
    assert (ROOT / "docs" / "tools.md").read_text() == tables.tools_page(), "run: uv run python docs/tables.py"


def test_a_configuration_that_is_copied_as_it_stands_starts_the_server() -> None:
    assert "your key" not in README
    assert len(re.findall(r'MATON_API_KEY(?:": ")?=?your-key\b', README)) == 4
    assert load_settings({}, {"MATON_API_KEY": "your-key"}).key is not None


def test_it_names_every_prompt_and_guide() -> None:
    for name in (*PROMPTS, *GUIDES):
        assert f"`{name}`" in README


def test_every_command_it_names_exists() -> None:
    named = set(re.findall(r"\bklaviyo-mcp (?:--sandbox )?([a-z]+)\b", README)) - {"klaviyo"}
    known = set(main.commands)
    assert named <= known, named - known


def test_every_flag_it_names_exists() -> None:
    helps = "".join(CliRunner().invoke(main, [*name, "--help"]).output for name in ([], ["http"], ["call"], ["tools"]))
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)) - FOREIGN
    assert {flag for flag in flags if flag not in helps} == set()


FOREIGN = {"--directory", "--env", "--rm", "--transport", "--header", "--no-healthcheck", "--mount", "--quick"}
"""Flags of other programs."""
