"""A declaration takes the facts of its kind only, and a type checker finds a misspelt one."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest
from mypy import api

from klaviyo_tools.operation import keywords
from klaviyo_tools.operation.facts import Limits, Paging, Reading, Revisions
from klaviyo_tools.operation.operation import Operation

ROOT = Path(__file__).parents[3]
DECLARATIONS = {
    """area.collection("a", "/a", "list", "A.", rate=M, filtre={"id": "any"})""": (
        'Unexpected keyword argument "filtre" for "collection" of "Area"'
    ),
    """area.record("b", "/b/{b_id}", "list", "B.", rate=M, sort=("name",))""": (
        'Unexpected keyword argument "sort" for "record" of "Area"'
    ),
    """area.delete("c", "/c/{c_id}", "list", "C.", rate=M, verify="get_c")""": (
        'Unexpected keyword argument "verify" for "delete" of "Area"'
    ),
    """area.collection("d", "/d", "list", "D.", rate=M, sort=["name"])""": (
        'Argument "sort" to "collection" of "Area" has incompatible type "list[str]"; expected "tuple[str, ...]"'
    ),
    """area.collection("e", "/e", "list", "E.", rate=M, sort=("name",), max_page_size=100)""": "",
}
"""Declarations -> the error of the type checker."""


@pytest.mark.slow
def test_a_misspelt_fact_is_an_error_of_the_type_checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    module = tmp_path / "declarations.py"
    head = "from klaviyo_tools.operation.area import Area, M\narea = Area('things')\n"
    module.write_text(head + "\n".join(DECLARATIONS))
    answer, failure, _ = api.run(["--config-file", "pyproject.toml", "--no-error-summary", str(module)])
    assert failure == ""
    errors = {}
    for line in answer.splitlines():
        if match := re.search(r":(\d+): error: (.*?)(?:; did you mean .*)?  \[", line):
            errors[int(match[1])] = match[2]
    assert [errors.get(number, "") for number in range(3, 3 + len(DECLARATIONS))] == list(DECLARATIONS.values())


def test_every_fact_of_an_operation_is_a_keyword_and_every_keyword_a_fact() -> None:
    groups = (Reading, Paging, Limits, Revisions)
    grouped = {field.name for group in groups for field in fields(group)} | {"job", "job_errors", "job_result"}
    own = {field.name for field in fields(Operation) if field.init} - {
        "reading",
        "paging",
        "job",
        "limits",
        "revisions",
    }
    positional = {"name", "area", "method", "path", "resource", "purpose", "answer", "build"}
    derived = {"takes_cursor", "rate"}
    assert set(get_type_hints(keywords.CustomFacts)) == (grouped | own | {"attributes"}) - positional - derived
