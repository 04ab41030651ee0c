from __future__ import annotations

import json

from benchmarks.upstream import Upstream


def test_the_stand_in_links_its_pages_to_the_last() -> None:
    upstream = Upstream()
    upstream.answer("/_/set?total=300")
    lengths, target = [], "/klaviyo/api/profiles?page%5Bsize%5D=100"
    while target:
        document = json.loads(upstream.answer(target))
        lengths.append(len(document["data"]))
        target = (document["links"]["next"] or "").removeprefix("https://a.klaviyo.com")
    assert lengths == [100, 100, 100]
    assert json.loads(upstream.answer("/_/stats")) == {"requests": 3, "connections": 0}


def test_setting_the_stand_in_forgets_its_counts() -> None:
    upstream = Upstream()
    upstream.answer("/klaviyo/api/profiles")
    assert json.loads(upstream.answer("/_/set?delay=20")) == {"requests": 0, "connections": 0}
    assert upstream.delay_seconds == 0.02
