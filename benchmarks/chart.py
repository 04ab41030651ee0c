"""The chart of the page: start, a call and calls per second as bars, in SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.measurements import Key, Measure, Measurements
from benchmarks.plan import call_case, rate_case
from benchmarks.tables import name_of

_WIDTH, _ROW_HEIGHT, _LABEL_WIDTH, _VALUE_WIDTH = 760, 24, 300, 90
_GROUPS = (
    ("Start to tools/list, ms", Measure.START_MS, ""),
    ("A call of 20 profiles, ms", Measure.CALL_MS, call_case(20, 0)),
    ("Calls per second, 16 at once, upstream 100 ms", Measure.CALLS_PER_SECOND, rate_case(16, 100)),
    ("Calls per second, 64 at once, upstream 0 ms", Measure.CALLS_PER_SECOND, rate_case(64, 0)),
)


def draw(measurements: Measurements) -> str | None:
    """The chart; None where nothing of it was measured."""
    groups: list[tuple[str, list[tuple[str, float]]]] = []
    for title, measure, case in _GROUPS:
        figures = {one: measurements.figure(Key(measure, one, case)) for one in measurements.subjects(measure)}
        values = [(name_of(subject), figure.median) for subject, figure in figures.items() if figure is not None]
        if values:
            groups.append((title, values))
    return _svg(groups) if groups else None


def _svg(groups: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> str:
    parts, top = [], 10
    for title, values in groups:
        parts.append(f'<text x="10" y="{top + 16}" font-weight="bold">{title}</text>')
        top += _ROW_HEIGHT
        largest = max(value for _, value in values) or 1.0
        for name, value in values:
            width = value / largest * (_WIDTH - _LABEL_WIDTH - _VALUE_WIDTH)
            parts += _bar(escape(name.replace("`", "")), value, width, top)
            top += _ROW_HEIGHT
        top += 12
    style = "font-family:sans-serif;font-size:13px"
    size = f'width="{_WIDTH}" height="{top}" viewBox="0 0 {_WIDTH} {top}"'
    background = '<rect width="100%" height="100%" fill="white"/>'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{style}">\n{background}\n{body}\n</svg>\n'


def _bar(label: str, value: float, width: float, top: int) -> tuple[str, str, str]:
    return (
        f'<text x="{_LABEL_WIDTH - 10}" y="{top + 15}" text-anchor="end">{label}</text>',
        f'<rect x="{_LABEL_WIDTH}" y="{top + 3}" width="{width:.1f}" height="{_ROW_HEIGHT - 8}" fill="#3a7ca5"/>',
        f'<text x="{_LABEL_WIDTH + width + 6:.1f}" y="{top + 15}">{value:,.4g}</text>',
    )
