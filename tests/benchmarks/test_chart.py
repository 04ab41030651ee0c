from __future__ import annotations

import xml.etree.ElementTree as ET

from benchmarks.chart import draw
from benchmarks.measurements import Key, Measure, Measurements

SVG = "{http://www.w3.org/2000/svg}"


def starts(*subjects: str) -> Measurements:
    measurements = Measurements()
    for subject in subjects:
        measurements.record(Key(Measure.START_MS, subject), 600)
    return measurements


def test_the_chart_has_a_bar_for_each_server() -> None:
    drawing = draw(starts("bare", "core", "all"))
    assert drawing is not None
    background = 1
    assert len(ET.fromstring(drawing).findall(f"{SVG}rect")) == background + 3


def test_another_server_has_its_name_beside_its_bar() -> None:
    drawing = draw(starts("bare", "theirs & old"))
    assert drawing is not None
    assert "theirs & old" in [text.text for text in ET.fromstring(drawing).iter(f"{SVG}text")]


def test_nothing_measured_has_no_chart() -> None:
    assert draw(Measurements()) is None
