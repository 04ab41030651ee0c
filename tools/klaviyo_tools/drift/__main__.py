"""`python -m klaviyo_tools.drift OPENAPI.json …` prints each difference between our declarations and the documents."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from klaviyo_tools.drift.compare import compare
from klaviyo_tools.drift.openapi import Document
from klaviyo_tools.registry import registry


def main(paths: Sequence[str]) -> int:
    """Compares with each document. Returns 1 where a difference breaks, 2 without a readable document."""
    if not paths:
        print("usage: python -m klaviyo_tools.drift OPENAPI.json …", file=sys.stderr)  # noqa: T201
        return 2
    breaks = False
    for path in paths:
        try:
            document = Document(json.loads(Path(path).read_text()))
        except (OSError, ValueError, KeyError, AttributeError):
            print(f"{path} is not a readable OpenAPI document of Klaviyo's", file=sys.stderr)  # noqa: T201
            return 2
        differences = list(compare(document, registry()))
        for difference in differences:
            print(difference)  # noqa: T201
        breaking = sum(difference.breaks for difference in differences)
        breaks = breaks or breaking > 0
        print(f"{path}: {len(differences)} differences, {breaking} break")  # noqa: T201
    return 1 if breaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
