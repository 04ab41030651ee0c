"""The schemas of the list of tools: rendered ahead of time at the revision that most servers use.

To render them takes the models of all listed operations, a tenth of the start, and a session calls few of them.
`uv run poe snapshots` writes the file; a test compares it with the declarations.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import registry
from klaviyo_tools.schema.input_schema import input_schema

RENDERED_FILE = Path(__file__).with_name("listed.json")
"""Operation -> its schema in the list of tools at the oldest revision."""


def listed_schema(operation: Operation, revision: str) -> dict[str, Any]:
    """The input schema of an operation in the list of tools at a revision. What lies below its members is shared."""
    if revision == OLDEST_REVISION and registry().get(operation.name) is operation:
        return dict(_rendered()[operation.name])
    return input_schema(operation.arguments, revision, brief=True)


@cache
def _rendered() -> dict[str, dict[str, Any]]:
    schemas: dict[str, dict[str, Any]] = json.loads(RENDERED_FILE.read_text(encoding="utf-8"))
    return schemas
