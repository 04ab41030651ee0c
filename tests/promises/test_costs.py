"""What each preset costs a model in every session, in bytes of JSON as it is sent."""

from __future__ import annotations

import json

import mcp_types
import pytest

from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.protocol.tools import list_tools
from klaviyo_mcp.settings import load_settings

# Preset -> the most that the whole of tools/list, and that name, description and input schema alone, may cost.
MOST: dict[str, tuple[int, int | None]] = {
    "none": (1_900, None),
    "core": (19_000, None),
    "standard": (58_500, 43_800),
    "all": (127_000, None),
}


def size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def costs(preset: str, **settings: str) -> tuple[int, int, int]:
    """How many tools, the whole list, and what a model reads of it."""
    tools = list_tools(create_service(load_settings({"toolsets": preset, **settings}, {})).inventory)
    result = mcp_types.ListToolsResult(tools=tools).model_dump(mode="json", by_alias=True, exclude_none=True)
    read = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in result["tools"]]
    return len(tools), size(result), size(read)


def test_no_preset_costs_more_than_it_may(capsys: pytest.CaptureFixture[str]) -> None:
    costs_by_preset = {preset: costs(preset) for preset in MOST}
    rows = [f"{'preset':<10}{'tools':>6}{'tools/list':>12}{'may':>9}{'schemas':>9}{'may':>8}"]
    for preset, (count, whole, read) in costs_by_preset.items():
        most, most_read = MOST[preset]
        rows.append(f"{preset:<10}{count:>6}{whole:>12,}{most:>9,}{read:>9,}{most_read or 0:>8,}")
    with capsys.disabled():
        print("\n" + "\n".join(rows))  # noqa: T201
    over = [p for p, (_, whole, read) in costs_by_preset.items() if whole > MOST[p][0] or read > (MOST[p][1] or whole)]
    assert over == [], "\n".join(rows)


def test_core_is_what_most_work_needs() -> None:
    assert 25 <= costs("core")[0] - costs("none")[0] <= 30


def test_confirming_every_write_costs_little_more() -> None:
    assert costs("standard", confirm="writes")[2] <= 44_500
