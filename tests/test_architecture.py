"""The page and the picture of the architecture are those of the code."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
HINT = "run: uv run poe docs"


@pytest.fixture(scope="module")
def architecture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("architecture", DOCS / "architecture.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_drawn_from_the_imports_of_the_code(architecture: ModuleType) -> None:
    picture = (DOCS / "architecture.svg").read_text(encoding="utf-8")
    assert picture == architecture.picture(architecture.import_graph()), HINT


def test_the_tables_of_modules_are_those_of_the_code(architecture: ModuleType) -> None:
    assert architecture.fill_page(PAGE, architecture.modules()) == PAGE, HINT


def test_every_room_has_its_line(architecture: ModuleType) -> None:
    rooms = {room.partition(".")[2] for room in architecture.room_graph(architecture.import_graph())}
    described = set(re.findall(r"`(\w+)`", PAGE.partition("## The path of a call")[0]))
    assert rooms - {"__main__"} <= described


def test_every_file_that_it_names_exists() -> None:
    root = DOCS.parent
    for name in re.findall(r"`([\w/]+\.py)`", PAGE.partition("## The modules")[0]):
        assert any((root / base / name).exists() for base in ("", "server/klaviyo_mcp", "tools/klaviyo_tools")), name
