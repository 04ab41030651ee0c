"""Draws the imports of the code, docs/architecture.svg, and lists its modules in docs/architecture.md.

`uv run poe docs` writes both anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import grimp
from importlinter.api import read_configuration

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("architecture.md")
PICTURE = Path(__file__).with_name("architecture.svg")
PACKAGES = {"klaviyo_mcp": ROOT / "server", "klaviyo_tools": ROOT / "tools"}

BOX_WIDTH, BOX_HEIGHT = 128, 42
ROW_HEIGHT, MARGIN, GAP = 78, 24, 20
COLUMN_WIDTH = 560

NOTES = (
    "An arrow is an import. Arrows that follow from others are left out.",
    "Every room of klaviyo_mcp but the sandbox may import klaviyo_tools.",
)

Graph = Mapping[str, frozenset[str]]
"""Room -> the rooms that it imports. A module beside the rooms counts as one."""


class Box(NamedTuple):
    """A room in the picture, by its left upper corner."""

    room: str
    x: int
    y: int
    modules: int

    @property
    def middle(self) -> float:
        return self.x + BOX_WIDTH / 2


def modules() -> list[str]:
    """Every module of the packages, in alphabetical order."""
    return sorted(import_graph().modules)


def import_graph() -> grimp.ImportGraph:
    """The imports of both packages, those for types alone included."""
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def room_of(module: str) -> str:
    """`klaviyo_mcp.gateway` of `klaviyo_mcp.gateway.client`."""
    return ".".join(module.split(".")[:2])


def room_graph(graph: grimp.ImportGraph) -> Graph:
    """The imports among rooms. Those of a package's own top are left out: it holds nothing but the version."""
    rooms: dict[str, set[str]] = {room_of(module): set() for module in graph.modules if "." in module}
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            source, target = room_of(importer), room_of(imported)
            if source != target and "." in source and "." in target:
                rooms[source].add(target)
    return {room: frozenset(targets) for room, targets in sorted(rooms.items())}


def without_detours(graph: Graph) -> Graph:
    """The graph without the arrows that follow from others: a -> c where a -> b -> c."""

    def reachable(room: str) -> set[str]:
        return {room}.union(*(reachable(target) for target in graph[room]))

    return {
        room: frozenset(
            target for target in targets if not any(target in reachable(other) for other in targets - {target})
        )
        for room, targets in graph.items()
    }


def layers(package: str) -> list[list[str]]:
    """The rows of a package from top to bottom, as the contract in `.importlinter` has them."""
    contracts = read_configuration(str(ROOT / ".importlinter"))["contracts_options"]
    (contract,) = [one for one in contracts if one["type"] == "layers" and one["containers"] == package]
    return [[f"{package}.{name.strip()}" for name in row.split("|")] for row in contract["layers"]]


def boxes(package: str, left: int, counts: Mapping[str, int]) -> Iterator[Box]:
    """The rooms of a package, row by row, each row in the middle of the column."""
    rows = [[room for room in row if room in counts] for row in layers(package)]
    for number, rooms in enumerate(row for row in rows if row):
        width = len(rooms) * BOX_WIDTH + (len(rooms) - 1) * GAP * 2
        for place, room in enumerate(rooms):
            x = left + (COLUMN_WIDTH - width) // 2 + place * (BOX_WIDTH + GAP * 2)
            yield Box(room, x, MARGIN + 36 + number * ROW_HEIGHT, counts[room])


def arrow(source: Box, target: Box, number: int) -> str:
    """A line from one box down to another; one that passes other rows keeps to the side."""
    start, end = source.y + BOX_HEIGHT, target.y - 5
    rows = (target.y - source.y) // ROW_HEIGHT
    if rows == 1:
        return f'<path d="M{source.middle:g} {start} L{target.middle:g} {end}"/>'
    side = 1 if number % 2 else -1
    bend = (source.middle + target.middle) / 2 + side * (BOX_WIDTH * 0.62 + rows * 13 + number % 3 * 7)
    return f'<path d="M{source.middle:g} {start} C{bend:g} {start + 40} {bend:g} {end - 40} {target.middle:g} {end}"/>'


def drawn(box: Box) -> list[str]:
    """A room as SVG: its name, and how many modules it has."""
    name = box.room.rpartition(".")[2]
    return [
        f'<rect x="{box.x}" y="{box.y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" fill="#ffffff"'
        ' stroke="#24323f"/>',
        f'<text x="{box.middle:g}" y="{box.y + 19}" font-size="14" fill="#24323f">{name}</text>',
        f'<text x="{box.middle:g}" y="{box.y + 34}" font-size="10" fill="#5b7083">'
        f"{box.modules} module{'s' * (box.modules != 1)}</text>",
    ]


def picture(graph: grimp.ImportGraph) -> str:
    """The rooms of both packages and the imports among them, as SVG."""
    counts: dict[str, int] = {}
    for module in graph.modules:
        if "." in module:
            counts[room_of(module)] = counts.get(room_of(module), 0) + (not graph.find_children(module))
    counts.pop("klaviyo_mcp.__main__", None)
    columns = {package: list(boxes(package, MARGIN + COLUMN_WIDTH * n, counts)) for n, package in enumerate(PACKAGES)}
    height = max(box.y for column in columns.values() for box in column) + BOX_HEIGHT + MARGIN
    width = MARGIN * 2 + COLUMN_WIDTH * len(columns)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" text-anchor="middle">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#5b7083"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    arrows = without_detours(room_graph(graph))
    for package, column in columns.items():
        by_room = {box.room: box for box in column}
        left = MARGIN + COLUMN_WIDTH * list(PACKAGES).index(package) + 4
        lines += [
            f'<rect x="{left}" y="{MARGIN - 12}" width="{COLUMN_WIDTH - 8}" height="{height - MARGIN - 4}" rx="8"'
            ' fill="#f4f6f8"/>',
            f'<text x="{left + COLUMN_WIDTH // 2}" y="{MARGIN + 12}" font-size="15" fill="#24323f">{package}</text>',
            '<g fill="none" stroke="#5b7083" stroke-width="1.3" marker-end="url(#head)">',
        ]
        pairs = [(box, by_room[room]) for box in column for room in sorted(arrows[box.room]) if room in by_room]
        lines += [arrow(source, target, number) for number, (source, target) in enumerate(pairs)]
        lines.append("</g>")
        lines += [line for box in column for line in drawn(box)]
    for number, text in enumerate(NOTES):
        y = height - MARGIN - 18 * (len(NOTES) - number)
        lines.append(f'<text x="{width - COLUMN_WIDTH // 2}" y="{y}" font-size="12" fill="#24323f">{text}</text>')
    return "\n".join([*lines, "</svg>", ""])


def path_of(module: str) -> Path:
    """The file of a module."""
    path = PACKAGES[module.split(".")[0]].joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def summary_of(module: str) -> str:
    """The first sentence of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path_of(module).read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def module_tables(names: Iterable[str]) -> str:
    """A table for each room: its modules and what each says of itself. The tables of areas are summed up in a line."""
    rooms: dict[str, list[str]] = {}
    for name in names:
        if path_of(name).name != "__init__.py" and not name.startswith("klaviyo_tools.areas."):
            rooms.setdefault(room_of(name) if name.count(".") > 1 else name.split(".")[0], []).append(name)
    lines: list[str] = []
    for room, members in sorted(rooms.items()):
        lines += [f"### `{room.replace('.', '/')}`", "", "| module | what it says of itself |", "|---|---|"]
        lines += [f"| `{name.removeprefix(f'{room}.')}` | {summary_of(name)} |" for name in members]
        lines.append("")
    return "\n".join(lines)


def fill_page(text: str, names: Sequence[str]) -> str:
    """The page with the tables of modules between their markers."""
    before, marker, after = text.partition("<!-- table: modules -->\n")
    return f"{before}{marker}\n{module_tables(names)}{after[after.index('<!-- end -->') :]}"


if __name__ == "__main__":
    imports = import_graph()
    PICTURE.write_text(picture(imports), encoding="utf-8", newline="\n")
    PAGE.write_text(fill_page(PAGE.read_text(encoding="utf-8"), modules()), encoding="utf-8", newline="\n")
