from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

from benchmarks.measure import Figure
from benchmarks.report import bars, chart, page
from benchmarks.upstream import Upstream


def started(ms: float, mb: float) -> dict[str, Any]:
    return {"ms": Figure((ms, ms + 2, ms + 4)), "mb": Figure((mb,)), "bytes": 100}


START = {
    "bare": started(598, 60),
    "none": started(600, 63),
    "core": started(650, 64),
    "standard": started(778, 66),
    "all": started(1198, 70),
}


def test_a_promise_is_told_with_its_bar_what_was_measured_and_whether_it_holds() -> None:
    assert bars({"start": START}) == [
        ("start to tools/list, `standard`, against the bare server", "at most 1.3", "1.30", True),
        ("start to tools/list, `all`, against the bare server", "at most 1.6", "2.00", False),
        ("memory then, `standard`, against the bare server", "at most 1.35", "1.10", True),
    ]


def test_the_page_has_medians_with_their_spread_and_says_what_does_not_hold() -> None:
    written = page({"start": START}, "python -m benchmarks start", "performance.svg")
    assert "| `standard` (default) | 780 (779 to 781) | 1.30 | 66.0 (66.0 to 66.0) | 1.10 | 100 |" in written
    assert "| at most 1.6 | 2.00 | **does not hold** |" in written
    assert "![Start, added time and calls per second](performance.svg)" in written


def test_the_chart_has_a_bar_for_each_server() -> None:
    drawn = chart({"start": START})
    assert drawn is not None
    assert len(ET.fromstring(drawn).findall("{http://www.w3.org/2000/svg}rect")) == 1 + len(START)


def test_another_server_stands_beside_ours_by_its_name() -> None:
    results = {"start": {**START, "theirs & old": started(1198, 120)}}
    assert "| theirs & old | 1,200 (1,199 to 1,201) | 2.00 | 120.0 (120.0 to 120.0) | 2.00 | 100 |" in page(
        results, "python -m benchmarks", None
    )
    drawn = chart(results)
    assert drawn is not None
    assert "theirs & old" in [text.text for text in ET.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]


def test_nothing_measured_has_no_chart() -> None:
    assert chart({}) is None


def test_the_upstream_leads_through_its_pages_to_the_last() -> None:
    upstream = Upstream()
    upstream.answer("/_/set?total=300")
    lengths, target = [], "/klaviyo/api/profiles?page%5Bsize%5D=100"
    while target:
        document = json.loads(upstream.answer(target))
        lengths.append(len(document["data"]))
        target = (document["links"]["next"] or "").removeprefix("https://a.klaviyo.com")
    assert lengths == [100, 100, 100]
    assert json.loads(upstream.answer("/_/stats")) == {"requests": 3, "connections": 0}


def test_counting_is_linear_where_each_round_says_so() -> None:
    counted = {
        "10,000": {"seconds": Figure((1.0, 2.0, 1.0)), "pages": 100, "requests": 100, "grown": 0.1},
        "100,000": {"seconds": Figure((9.0, 22.0, 13.0)), "pages": 1000, "requests": 1000, "grown": 0.5},
    }
    assert bars({"count": counted}) == [
        ("memory that `count_by` over 100,000 profiles adds", "at most 30 MB", "0.50 MB", True),
        ("time of `count_by`, 100,000 against 10,000: at least", "at least 8", "11.00", True),
        ("and at most", "at most 12", "11.00", True),
    ]
    written = page({"count": counted}, "python -m benchmarks count", None)
    assert "| 100,000 | 13.00 (11.00 to 17.50) | 77 | 0.5 | 1000 |" in written
