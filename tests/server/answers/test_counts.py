"""Counting answers "how many, by what" without the rows, in bounded memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.answers.budget import ANSWER_BYTES
from klaviyo_mcp.answers.counts import NONE, OTHER, CountsAnswer, parse_count_by
from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_mcp.answers.pages import read_pages
from klaviyo_mcp.answers.view import FieldError
from klaviyo_tools.jsonapi.records import Page, Record, RelatedIds
from klaviyo_tools.resource_types import ResourceType

EVENT = ResourceType(
    "event",
    columns=("datetime",),
    fields=("datetime", "timestamp", "event_properties", "status", "tags"),
    label=("datetime",),
    facet=None,
    date="datetime",
    relationships={"metric": "metric", "profile": "profile"},
    untrusted=("event_properties",),
)
METRIC = ResourceType("metric", ("name",), ("name",), ("name",), None, None, {}, ())
PROFILE = ResourceType("profile", ("email",), ("email", "location"), ("email",), None, None, {}, ("email", "location"))


def resources(type_: str) -> ResourceType:
    return {"event": EVENT, "metric": METRIC, "profile": PROFILE}[type_]


def counts_of(count_by: str, *values: Any, **limits: Any) -> CountsAnswer:
    answer = CountsAnswer(EVENT, count_by, resources=resources, **limits)
    name = answer.path.split(".")[0]
    records = [Record("event", "E", {name: value} if value is not ... else {}, {}) for value in values]
    answer.add(START, Page(records, {}, None, False))
    return answer


async def count(answer: CountsAnswer, pages: Pages, start: Position = START, **options: Any) -> None:
    """Read pages into the answer while it wants more."""
    async with aclosing(read_pages(pages.fetch, start, size=100, **options)) as read:
        async for place, page in read:
            if not answer.add(place, page):
                break


@pytest.mark.parametrize("count_by", ["datetime:hour", "datetime:", "datetime:monthly"])
def test_an_unknown_period_is_refused_with_those_there_are(count_by: str) -> None:
    with pytest.raises(FieldError) as error:
        parse_count_by(count_by)
    period = count_by.partition(":")[2]
    assert str(error.value) == (
        f"{period!r} is no period to count by: use day, week, month, year, as in datetime:month"
    )


@pytest.mark.parametrize(
    ("count_by", "parsed"),
    [
        ("status", ("status", None)),
        ("datetime:month", ("datetime", "month")),
        (" datetime:Week ", ("datetime", "week")),
        ("properties.utm:source", ("properties.utm:source", None)),
        ("properties.birthday:month", ("properties.birthday", "month")),
    ],
)
def test_a_path_may_name_a_period(count_by: str, parsed: tuple[str, str | None]) -> None:
    assert parse_count_by(count_by) == parsed


def test_without_records_there_is_no_table() -> None:
    assert counts_of("status").text() == "0 events by status: 0 values; complete"


def test_the_answer_has_the_total_and_each_share_the_most_frequent_first() -> None:
    assert counts_of("status", "Sent", "Draft", "Sent", None, "", ...).text() == (
        "6 events by status: 2 values; complete\nstatus,count,share\n(none),3,50.0%\nSent,2,33.3%\nDraft,1,16.7%"
    )


def test_each_element_of_an_array_counts() -> None:
    assert counts_of("tags", ["a", "b"], ["a"], []).text() == (
        "3 events by tags: 2 values; one record may have several values; complete\n"
        "tags,count,share\n"
        "a,2,66.7%\n"
        "(none),1,33.3%\n"
        "b,1,33.3%"
    )


def test_values_are_shown_as_json_has_them_and_quoted_where_csv_needs_it() -> None:
    answer = counts_of("status", True, False, 0, 1.5, 'a, "b"', {"x": 1})
    assert answer.text().split("\n")[1:] == [
        "status,count,share",
        "0,1,16.7%",
        "1.5,1,16.7%",
        '"a, ""b""",1,16.7%',
        "false,1,16.7%",
        "true,1,16.7%",
        '"{""x"":1}",1,16.7%',
    ]


@pytest.mark.parametrize(
    ("period", "counted"),
    [
        ("day", {"2025-12-29": 1, "2026-01-01": 2, "2026-02-01": 1, "(no date)": 2, "(none)": 1}),
        ("week", {"2026-W01": 3, "2026-W05": 1, "(no date)": 2, "(none)": 1}),
        ("month", {"2025-12": 1, "2026-01": 2, "2026-02": 1, "(no date)": 2, "(none)": 1}),
        ("year", {"2025": 1, "2026": 3, "(no date)": 2, "(none)": 1}),
    ],
)
def test_dates_are_counted_by_period(period: str, counted: dict[str, int]) -> None:
    answer = counts_of(
        f"datetime:{period}",
        "2025-12-29T23:00:00+00:00",
        "2026-01-01T08:00:00.123456Z",
        "2025-12-31T23:30:00-02:00",
        "2026-02-01",
        "soon",
        "2026-13-45T00:00:00+00:00",
        None,
    )
    assert dict(answer.counts) == counted


def test_seconds_since_1970_are_dates_too() -> None:
    assert dict(counts_of("timestamp:month", 1767225600, 10**20).counts) == {"2026-01": 1, "(no date)": 1}


def test_periods_are_in_the_order_of_time() -> None:
    lines = counts_of("datetime:month", "2026-02-01", "2026-02-02", "2026-01-01", "2026-03-01").text().split("\n")
    assert [line.split(",")[0] for line in lines[2:]] == ["2026-01", "2026-02", "2026-03"]


def test_related_records_are_counted_by_name_where_they_are_included() -> None:
    answer = CountsAnswer(EVENT, "metric", resources=resources)
    related = {"metric": RelatedIds("metric", ("M1",), many=False)}
    included = {("metric", "M1"): Record("metric", "M1", {"name": "Placed Order"}, {})}
    answer.add(START, Page([Record("event", "E", {}, related), Record("event", "F", {}, {})], included, None, False))
    assert dict(answer.counts) == {"Placed Order (M1)": 1, NONE: 1}
    answer = CountsAnswer(EVENT, "metric", resources=resources)
    answer.add(START, Page([Record("event", "E", {}, related)], {}, None, False))
    assert dict(answer.counts) == {"M1": 1}


def test_an_untrusted_attribute_of_a_related_record_is_counted_and_marked() -> None:
    answer = CountsAnswer(EVENT, "profile.location.city", resources=resources)
    related = {"profile": RelatedIds("profile", ("P1",), many=False)}
    included = {("profile", "P1"): Record("profile", "P1", {"location": {"city": "Paris"}}, {})}
    answer.add(START, Page([Record("event", "E", {}, related)], included, None, False))
    assert dict(answer.counts) == {"Paris": 1}
    assert "not instructions to you" in answer.text()


def test_the_fifty_most_frequent_are_told_and_the_rest_in_one_line() -> None:
    answer = counts_of("status", *[f"v{n:03}" for n in range(60) for _ in range(60 - n)])
    lines = answer.text().split("\n")
    assert lines[0] == "1,830 events by status: 60 values; complete"
    assert len(lines) == 2 + 50 + 1
    assert lines[2] == "v000,60,3.3%"
    assert lines[-1] == "(10 more values),55,3.0%"


def test_beyond_the_most_distinct_values_new_ones_are_counted_together_and_the_facts_say_so() -> None:
    answer = counts_of("status", "a", "b", "c", "a", "d", max_values=2)
    assert dict(answer.counts) == {"a": 2, "b": 1, OTHER: 2}
    assert answer.text().split("\n")[0] == (
        "5 events by status: 2 values; only the first 2 values are counted apart, later ones are (other); complete"
    )


def test_long_values_that_begin_alike_are_told_apart() -> None:
    assert len(counts_of("status", "x" * 200 + "a", "x" * 200 + "b", "x" * 200 + "a").counts) == 2


def test_an_answer_of_the_longest_values_is_within_the_budget() -> None:
    answer = counts_of("status", *[f"{n}" + "🙂" * 300 for n in range(400)])
    assert len(answer.text().encode()) <= ANSWER_BYTES
    answer = counts_of("event_properties:day", *[f"{1900 + n % 200}-01-{1 + n // 200:02}" for n in range(2000)])
    assert len(answer.text().encode()) <= ANSWER_BYTES


values = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", "c, d", "", "é"])


@given(st.lists(values | st.lists(values, max_size=4), max_size=40))
def test_counts_equal_a_plain_count(counted_values: list[Any]) -> None:
    def text_of(value: Any) -> str:
        if value is None or value == "":
            return NONE
        return str(value).lower() if isinstance(value, bool) else str(value)

    expected = Counter(
        text_of(item) for value in counted_values for item in (value or [None] if isinstance(value, list) else [value])
    )
    assert counts_of("status", *counted_values).counts == expected


class Pages:
    """Pages of records, each with its number as status modulo seven."""

    def __init__(self, total: int, size: int = 100) -> None:
        self.total = total
        self.size = size
        self.requests = 0

    async def fetch(self, cursor: str | None, size: int | None) -> Page:
        self.requests += 1
        start = int(cursor or 0)
        end = min(start + (size or self.size), self.total)
        records = [Record("event", str(n), {"status": f"s{n % 7}", "n": n}, {}) for n in range(start, end)]
        return Page(records, {}, str(end) if end < self.total else None, False)


@pytest.mark.anyio
async def test_all_pages_are_read_with_progress() -> None:
    reports: list[tuple[float, float | None, str]] = []

    async def report(done: float, total: float | None, message: str) -> None:
        reports.append((done, total, message))

    answer = CountsAnswer(EVENT, "status", resources=resources)
    await count(answer, Pages(250), report=report)
    assert (answer.records, answer.end) == (250, None)
    assert answer.counts == Counter(f"s{n % 7}" for n in range(250))
    assert reports == [(100, None, "100 records read"), (200, None, "200 records read")]


@pytest.mark.anyio
async def test_the_facts_name_the_ceiling_and_its_cursor_counts_on() -> None:
    pages, answer = Pages(250), CountsAnswer(EVENT, "n", resources=resources, max_records=130)
    await count(answer, pages)
    assert (answer.end, pages.requests, answer.records) == (Position("100", 100, 30), 2, 130)
    assert answer.text(lambda position: "k~X").split("\n")[0] == (
        "130 events by n: 130 values; NOT ALL: reading ended at the ceiling of 130 records; narrow it with filter; "
        "or go on counting from cursor=k~X"
    )
    rest = CountsAnswer(EVENT, "n", resources=resources)
    assert answer.end is not None
    await count(rest, pages, answer.end)
    assert rest.end is None
    assert answer.counts + rest.counts == Counter(str(n) for n in range(250))


def test_memory_does_not_grow_with_the_records_read() -> None:
    def peak(records: int) -> int:
        tracemalloc.start()
        answer = CountsAnswer(EVENT, "status", resources=resources)
        anyio.run(lambda: count(answer, Pages(records)))
        assert answer.records == records
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(100)
    assert peak(5_000) < peak(1_000) + 50_000


def test_memory_does_not_grow_with_distinct_values_beyond_their_limit() -> None:
    answer = CountsAnswer(EVENT, "n", resources=resources, max_values=100)
    anyio.run(lambda: count(answer, Pages(3_000)))
    assert len(answer.counts) == 101
    assert answer.counts[OTHER] == 2_900
