from __future__ import annotations

from benchmarks.measurements import Figure, Key, Measure, Measurements, Profile, Results, Share
from benchmarks.plan import BARE, DIRECT, HTTP, STDIO, call_case, count_case
from benchmarks.report import write_page

START = {BARE: (598, 60), "none": (600, 63), "core": (650, 64), "standard": (778, 66), "all": (1198, 70)}


def starts(more: dict[str, tuple[float, float]] | None = None) -> Measurements:
    measurements = Measurements()
    for subject, (ms, mb) in {**START, **(more or {})}.items():
        for later in (0, 2, 4):
            measurements.record(Key(Measure.START_MS, subject), ms + later)
            measurements.record(Key(Measure.START_MEMORY_MB, subject), mb)
            measurements.record(Key(Measure.LIST_BYTES, subject), 100)
    return measurements


def page(*builds: Measurements, chart: str | None = None, profile: Profile | None = None) -> str:
    names = ("this checkout", "v1.0")
    results = Results(dict(zip(names, builds, strict=False)), profile, [0.2, 0.4, 0.3])
    return write_page(results, "python -m benchmarks start", chart)


def test_a_bar_stands_with_its_limit_the_measured_ratio_and_whether_it_holds() -> None:
    text = page(starts())
    holds = "| start to tools/list: `standard` / bare server | at most 1.3 | 1.30 (1.30 to 1.30) | holds |"
    assert holds in text
    assert "| start to tools/list: `all` / bare server | at most 1.35 | 2.00 (2.00 to 2.00) | **missed** |" in text
    assert "| memory that `count_by` over 100,000 profiles adds | at most 30 MB | not measured | not measured |" in text
    assert "- start to tools/list: `standard` / bare server: A client waits for the list of tools." in text


def test_the_page_has_medians_with_their_spread_and_says_how_they_were_measured() -> None:
    text = page(starts(), chart="performance.svg")
    assert "Each value is the median of 3 runs" in text
    assert "Load at the start of a run: 0.2 to 0.4. Run: `python -m benchmarks start`." in text
    assert "| `standard` (default) | 780 (779 to 781) | 1.30 | not measured | 66.0 | 1.10 | 100 |" in text
    assert "![Start, time of a call and calls per second](performance.svg)" in text


def test_another_server_stands_beside_ours_by_its_name() -> None:
    text = page(starts({"theirs & old": (1198, 120)}))
    assert "| theirs & old | 1,200 (1,199 to 1,201) | 2.00 | not measured | 120.0 | 2.00 | 100 |" in text


def test_a_part_that_was_not_measured_has_no_section() -> None:
    text = page(starts())
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Bars", "## Start"]


def test_two_builds_stand_beside_each_other_with_the_ratio_of_their_runs() -> None:
    before = starts()
    after = Measurements()
    for key, figure in starts().all_figures().items():
        for value in figure.values:
            after.record(key, value * 1.1 if key == Key(Measure.START_MS, "all") else value)
    text = page(after, before)
    assert "## Compared with v1.0" in text
    assert "| start, ms, `all` | 1,200 | 1,320 | 1.10 (1.10 to 1.10) |" in text
    assert "| start, ms, `core` |" not in text  # the same in both
    row = "| start to tools/list: `all` / bare server | at most 1.35 | 2.20 (2.20 to 2.20) | 2.00 (2.00 to 2.00) |"
    assert f"{row} **missed** |" in text


def test_a_call_has_its_time_what_the_server_adds_and_its_processor_time() -> None:
    measurements, case = Measurements(), call_case(20, 0)
    for subject, ms in ((DIRECT, 1.5), (STDIO, 2.5), (HTTP, 3.0)):
        measurements.record(Key(Measure.CALL_MS, subject, case), ms)
        if subject != DIRECT:
            measurements.record(Key(Measure.ADDED_MS, subject, case), ms - 1.5)
            measurements.record(Key(Measure.CALL_CPU_MS, subject, case), 1.25)
    text = page(measurements)
    assert "| 20 records, 0 ms | 1.50 (1.50 to 1.50) | 2.50 (2.50 to 2.50) | 3.00 (3.00 to 3.00) |" in text
    assert "| added ms | over stdio | over HTTP |" in text
    assert "| 20 records, 0 ms | 1.00 (1.00 to 1.00) | 1.50 (1.50 to 1.50) |" in text
    assert "| a call of 20: over HTTP / over stdio | at most 1.3 | 1.20 (1.20 to 1.20) | holds |" in text


def test_counting_is_judged_by_the_ratio_of_each_run() -> None:
    measurements = Measurements()
    for profiles, seconds, mb in ((10_000, (1.0, 2.0, 1.0), 0.1), (100_000, (9.0, 22.0, 13.0), 0.5)):
        for value in seconds:
            measurements.record(Key(Measure.COUNT_SECONDS, STDIO, count_case(profiles)), value)
            measurements.record(Key(Measure.COUNT_MEMORY_MB, STDIO, count_case(profiles)), mb)
            measurements.record(Key(Measure.COUNT_REQUESTS, STDIO, count_case(profiles)), profiles // 100)
    text = page(measurements)
    assert "| at least 8, at most 12 | 11.00 (10.00 to 12.00) | holds |" in text
    assert "| at most 30 MB | 0.50 (0.50 to 0.50) MB | holds |" in text
    assert "| 100,000 profiles | 13.00 (11.00 to 17.50) | 77 | 0.5 | 1,000 |" in text


def test_the_profile_has_imports_pings_rooms_and_functions() -> None:
    profile = Profile(
        {BARE: {"mcp": 300.0}, "standard": {"mcp": 301.0, "this server": 60.0}},
        {"this server, over stdio": Figure((0.4, 0.5, 0.6))},
        [Share("klaviyo_mcp/answers", 0.25)],
        [Share("klaviyo_mcp/answers/rows.py:row", 0.1)],
    )
    text = page(Measurements(), profile=profile)
    assert "| mcp | 300 | 301 |\n| this server | 0 | 60 |" in text
    assert "| this server, over stdio | 0.50 (0.45 to 0.55) |" in text
    assert "| klaviyo_mcp/answers | 0.250 |" in text
    assert "| `klaviyo_mcp/answers/rows.py:row` | 0.100 |" in text
