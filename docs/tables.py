"""README.md's tables and the page docs/tools.md, made from the code: `uv run python docs/tables.py` writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mcp_types

from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.cli.tools import smallest_toolset
from klaviyo_mcp.protocol.tools import list_tools
from klaviyo_mcp.settings import Settings, facts_of, flag_of
from klaviyo_tools.operation.facts import OLDEST_REVISION as REVISION
from klaviyo_tools.registry import registry
from klaviyo_tools.toolsets import CORE, STANDARD

README = Path(__file__).parents[1] / "README.md"
TOOLS = Path(__file__).parent / "tools.md"


def tools() -> str:
    """The tools of the standard toolset by area, those of `core` in bold, and the number of the others."""
    core, standard = set(CORE.split()), set(STANDARD.split())
    rows = ["| area | tools listed by default (bold: `core`) | more with `all` |", "|---|---|---|"]
    for area in registry().areas.values():
        names = [operation.name for operation in area if operation.revisions.since <= REVISION]
        if not names:
            continue
        listed = [f"**{name}**" if name in core else name for name in names if name in standard]
        more = len(names) - len(listed)
        rows.append(f"| {area.name.replace('_', ' ')} | {', '.join(listed) or ''} | {more or ''} |")
    return "\n".join(rows)


def settings() -> str:
    """Every setting: variable, flag, default, description."""
    rows = ["| variable | flag | default | what it is |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        facts = facts_of(field)
        default = field.default
        text = ",".join(default) if isinstance(default, tuple) else "" if default is None else str(default)
        flag = flag_of(name)
        where = " (http)" if facts["part"] == "http" else ""
        rows.append(
            f"| `{facts['variable']}` | {f'`{flag}`' if flag else 'environment only'} | "
            f"{f'`{text}`' if text else ''} | {field.description}{where} |"
        )
    return "\n".join(rows)


def costs() -> str:
    """The cost of each toolset in every session: its tools, and the bytes of tools/list."""
    rows = ["| toolset | tools | tools/list | name, description and schema alone |", "|---|---|---|---|"]
    for preset in ("none", "core", "standard", "all"):
        tools = list_tools(create_service(Settings(toolsets=(preset,))).inventory)
        whole = sum(_bytes(_to_json(tool)) + 1 for tool in tools)
        bare = sum(_bytes({k: v for k, v in _to_json(tool).items() if k in _MODEL_KEYS}) + 1 for tool in tools)
        rows.append(f"| `{preset}` | {len(tools)} | {whole:,} bytes | {bare:,} bytes |")
    return "\n".join(rows)


_MODEL_KEYS = ("name", "description", "inputSchema")
"""The parts of a tool that a model reads."""


def _to_json(tool: mcp_types.Tool) -> dict[str, Any]:
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)


def _bytes(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def tools_page() -> str:
    """Every operation of the default revision by area: name, smallest toolset, effect, description, request."""
    operations = registry().at_revision(REVISION)
    lines = [
        "# Tools",
        "",
        f"The {len(operations)} operations of revision {REVISION} by area, with the smallest toolset that lists each;",
        "every toolset reaches all of them through `find_tools`, `describe_tool` and `call_read_tool`,",
        "`call_write_tool`, `call_delete_tool`. This page is made from the declarations.",
    ]
    for area in registry().areas.values():
        members = [operation for operation in operations if operation.area == area.name]
        if not members:
            continue
        lines += ["", f"## {area.name.replace('_', ' ').capitalize()}", ""]
        lines += ["| tool | toolset | effect | what it does | request |", "|---|---|---|---|---|"]
        for one in members:
            effect = one.effect.value.replace("_", " ")
            purpose = one.purpose.replace("|", "\\|")
            request = f"`{one.method} {one.path}`"
            lines.append(f"| {one.name} | {smallest_toolset(one)} | {effect} | {purpose} | {request} |")
    return "\n".join(lines) + "\n"


TABLES: dict[str, Callable[[], str]] = {"tools": tools, "settings": settings, "costs": costs}


def fill_tables(text: str) -> str:
    """The text with each table between its markers, `<!-- table: NAME -->` and `<!-- end -->`."""
    for name, table in TABLES.items():
        marker = f"<!-- table: {name} -->\n"
        before, separator, after = text.partition(marker)
        if separator:
            text = f"{before}{marker}{table()}\n{after[after.index('<!-- end -->') :]}"
    return text


if __name__ == "__main__":
    README.write_text(fill_tables(README.read_text()))
    TOOLS.write_text(tools_page())
