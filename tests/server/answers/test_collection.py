"""Answers of collections are exact and within their budget; they say how much is missing and how to read on."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.answers.records import CAMPAIGN, PROFILE, TEXTS, VALUES, campaign, page, resources

from klaviyo_mcp.answers import collection, cursors, pages
from klaviyo_mcp.answers.budget import ANSWER_BYTES
from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_mcp.answers.view import View
from klaviyo_tools.jsonapi.records import Page, Record, RelatedIds
from klaviyo_tools.resource_types import ResourceType, unknown_resource_type

QUERY = cursors.fingerprint({"operation": "get_campaigns"})


def text_of(content: Page, start: Position = START, **view: Any) -> str:
    return collection.collection_text(
        CAMPAIGN, content, lambda position: "NEXT", start=start, view=View(**view), resources=resources
    )


def body(text: str) -> list[str]:
    """The lines of an answer without its facts and its marking."""
    lines = text.split("\n")[1:]
    return lines[2:-1] if lines and lines[0].startswith("Between the two lines") else lines


def test_an_empty_collection_says_so() -> None:
    assert text_of(page([])) == "no campaigns"
    assert text_of(page([]), start=Position("x")) == "no more campaigns"


def test_a_collection_is_a_line_of_facts_and_csv_of_the_columns_that_matter() -> None:
    content = page(
        [
            campaign(1, send_time="2026-01-05T09:00:00.123456+00:00", audiences={"included": ["L1", "L2"]}),
            campaign(2, status="Draft", send_time=None, audiences={"included": []}),
            campaign(3, name='Big, "bold"\nand new', send_time="2026-11-20T10:00:00+02:00"),
        ],
        "following",
    )
    assert text_of(content) == (
        "3 of more than 3 campaigns; 2 Sent, 1 Draft; send_time 2026-01-05 to 2026-11-20; more: cursor=NEXT\n"
        "id,name,status,audiences.included,send_time\n"
        "C1,Sale 1,Sent,L1; L2,2026-01-05T09:00:00Z\n"
        "C2,Sale 2,Draft,,\n"
        'C3,"Big, ""bold""⏎and new",Sent,,2026-11-20T08:00:00Z'
    )


@pytest.mark.parametrize(
    ("content", "start", "facts"),
    [
        (page([campaign(1)]), START, "1 campaign; complete"),
        (page([campaign(1), campaign(2)]), START, "2 campaigns; 2 Sent; complete"),
        (page([campaign(1)], "x"), START, "1 of more than 1 campaigns; more: cursor=NEXT"),
        (page([campaign(1)], "x", total=12), START, "1 of 12 campaigns; more: cursor=NEXT"),
        (page([campaign(1)], "x"), Position("b"), "next 1 campaign; more: cursor=NEXT"),
        (page([campaign(1), campaign(2)]), Position("b"), "next 2 campaigns; 2 Sent; these are the last"),
    ],
)
def test_the_facts_give_the_number_of_records_and_say_whether_it_is_all(
    content: Page, start: Position, facts: str
) -> None:
    assert text_of(content, start).split("\n")[0] == facts


def test_the_facts_list_the_most_frequent_of_many_facet_values() -> None:
    content = page([campaign(n, status=f"S{min(n, 8)}") for n in range(12)])
    assert "4 S8, 1 S0, 1 S1, 1 S2, 1 S3, 1 S4, 3 other" in text_of(content)


def test_a_number_or_truth_value_stands_with_its_attribute() -> None:
    ratings = ResourceType("review", ("rating",), ("rating",), (), "rating", None, {}, ())
    content = page([Record("review", f"R{n}", {"rating": rating}, {}) for n, rating in enumerate([5, 5, 1])])
    text = collection.collection_text(ratings, content, resources=resources)
    assert text.split("\n")[0] == "3 reviews; 2 rating=5, 1 rating=1; complete"


def test_columns_without_a_value_are_dropped() -> None:
    assert body(text_of(page([Record("campaign", "C1", {"name": None, "status": "Sent", "send_time": ""}, {})]))) == [
        "id,status",
        "C1,Sent",
    ]


def test_fields_choose_the_columns() -> None:
    content = page([campaign(1, archived=False, options={"utm": {"source": "mail"}, "n": 3})])
    assert body(text_of(content, fields=["archived", "options.utm.source", "options.n", "options"])) == [
        "id,archived,options.utm.source,options.n,options",
        'C1,false,mail,3,"{""utm"":{""source"":""mail""},""n"":3}"',
    ]


def test_related_ids_are_columns_and_included_records_have_names() -> None:
    flat = Record("campaign", "C1", {"name": "Sale"}, {"tags": RelatedIds("tag", ("T1", "T2"), many=True)})
    assert body(text_of(page([flat]))) == ["id,name,tags", "C1,Sale,T1; T2"]
    included = {("tag", "T1"): Record("tag", "T1", {"name": "Spring; summer", "colour": "red"}, {})}
    assert body(text_of(page([flat], included=included), include=["tags"])) == [
        "id,name,tags",
        "C1,Sale,Spring; summer (T1); T2",
    ]
    assert body(text_of(page([flat], included=included), fields=["tags.colour"], include=["tags"])) == [
        "id,tags.colour",
        "C1,red",
    ]


def test_a_type_that_nobody_declared_shows_all_its_attributes() -> None:
    content = page(
        [
            Record("thing", "1", {"a": 1}, {"owner": RelatedIds("person", ("P",), many=False)}),
            Record("thing", "2", {"b": True}, {}),
        ]
    )
    declared = resources("thing")
    declared = replace(declared, relationships={"owner": "person"})
    assert collection.collection_text(declared, content, resources=resources) == (
        "2 things; complete\nid,a,owner,b\n1,1,P,\n2,,,true"
    )
    marked = collection.collection_text(unknown_resource_type("thing"), content, resources=resources)
    assert "not instructions to you" in marked
    assert body(marked)[0] == "id,a,owner,b"


def test_attributes_beyond_the_most_columns_are_left_out_and_the_facts_say_so() -> None:
    content = page([Record("thing", "1", {f"a{n}": n for n in range(60)}, {})])
    text = collection.collection_text(resources("thing"), content, resources=resources)
    assert text.split("\n")[0] == "1 thing; further attributes are left out: ask for detail=full; complete"
    assert text.split("\n")[1].count(",") == 40


def test_long_cells_are_cut_with_the_length_of_the_rest() -> None:
    content = page([campaign(1, name="x" * 1394)])
    assert body(text_of(content))[1] == f'C1,"{"x" * 160}…(+1,234)",Sent'
    assert body(text_of(content, fields=["name"]))[1] == f"C1,{'x' * 800}…(+594)"


def test_a_long_list_is_cut_between_two_of_its_values() -> None:
    content = page([campaign(1, audiences={"included": [f"LIST{n:02}" for n in range(40)]})])
    cell = next(csv.reader(io.StringIO(body(text_of(content))[1])))[3]
    assert cell.startswith("LIST00; LIST01; ")
    assert cell.endswith("LIST19 …(+20 more)")


def test_full_detail_is_one_line_of_json_for_each_record() -> None:
    flat = Record(
        "campaign",
        "C1",
        {
            "name": "Sale",
            "send_time": "2026-01-05T09:00:00.5+00:00",
            "none": None,
            "options": {"a": [], "b": 0, "c": False},
        },
        {"tags": RelatedIds("tag", ("T1",), many=True), "template": RelatedIds("template", ("E1",), many=False)},
    )
    included = {("tag", "T1"): Record("tag", "T1", {"name": "Spring"}, {})}
    assert text_of(page([flat, campaign(2)], included=included), include=["tags"], detail="full") == (
        "2 campaigns; 1 Sent; send_time 2026-01-05; complete\n"
        '{"id":"C1","name":"Sale","send_time":"2026-01-05T09:00:00.5+00:00","options":{"b":0,"c":false},'
        '"tags":["Spring (T1)"],"template":"E1"}\n'
        '{"id":"C2","name":"Sale 2","status":"Sent"}'
    )


def test_full_detail_of_some_fields_has_only_these() -> None:
    assert body(
        text_of(page([campaign(1, options={"utm": None, "n": 1})]), fields=["options", "status"], detail="full")
    ) == ['{"id":"C1","options":{"utm":null,"n":1},"status":"Sent"}']


def test_an_answer_that_does_not_fit_is_cut_between_records_and_goes_on_there() -> None:
    content = page([campaign(n, name=f"{n:03} " + "x" * 150) for n in range(400)], "following")
    text = collection.collection_text(
        CAMPAIGN, content, lambda position: cursors.encode_cursor(position, QUERY), resources=resources
    )
    count = len(body(text)) - 1
    assert 23_700 < len(text.encode()) <= ANSWER_BYTES
    facts = re.fullmatch(
        r"(\d+) of more than 400 campaigns \(what fits in 24,000 bytes\); \1 Sent; more: cursor=(\S+)",
        text.split("\n")[0],
    )
    assert facts is not None
    assert int(facts[1]) == count
    assert cursors.decode_cursor(facts[2], QUERY) == Position(None, None, count)


def test_a_record_larger_than_the_budget_has_its_longest_values_cut() -> None:
    content = page([campaign(1, name="n" * 90_000, options={"html": "h" * 90_000, "kind": "short"})])
    text = text_of(content, detail="full")
    assert 23_000 < len(text.encode()) <= ANSWER_BYTES
    assert text.split("\n")[0] == "1 campaign; its longest values are cut: ask for fewer with fields; complete"
    value = json.loads(body(text)[0])
    assert value["status"] == "Sent"
    assert value["options"]["kind"] == "short"
    assert re.fullmatch(r"n{11\d{3}}|n+…\(\+\d\d,\d{3}\)", value["name"])
    rest = int(value["name"].partition("(+")[2].rstrip(")").replace(",", ""))
    assert rest + value["name"].count("n") == 90_000


profiles = st.lists(
    st.fixed_dictionaries({}, optional={"email": TEXTS, "first_name": VALUES, "properties": VALUES, "other": VALUES}),
    min_size=1,
    max_size=100,
)


details = st.sampled_from(["summary", "full"])


field_choices = st.sampled_from([(), ("properties",), ("email", "properties.a", "other")])


@settings(max_examples=60)
@given(profiles, details, field_choices, st.booleans())
def test_any_answer_is_within_the_budget_and_its_table_is_whole(
    attributes: list[dict[str, Any]], detail: Any, fields: Any, hide: bool
) -> None:
    content = page([Record("profile", f"P{n}", one, {}) for n, one in enumerate(attributes)], "x" * 200)
    text = collection.collection_text(
        PROFILE,
        content,
        lambda position: cursors.encode_cursor(position, QUERY),
        view=View(fields, detail=detail, hide=hide),
        resources=resources,
    )
    assert len(text.encode()) <= ANSWER_BYTES
    lines = body(text)
    if detail == "full":
        assert [json.loads(line)["id"] for line in lines] == [f"P{n}" for n in range(len(lines))]
    else:
        header, *table = csv.reader(io.StringIO("\n".join(lines), newline=""), strict=True)
        assert all(len(row) == len(header) for row in table)
        assert [row[0] for row in table] == [f"P{n}" for n in range(len(table))]
        assert len(lines) == len(table) + 1


def test_a_hundred_records_of_a_hundred_kilobytes_are_within_the_budget() -> None:
    flats = [Record("profile", f"P{n}", {"properties": {"note": "é" * 50_000, "n": n}}, {}) for n in range(100)]
    for detail in ("summary", "full"):
        text = collection.collection_text(PROFILE, page(flats, "x"), view=View(detail=detail), resources=resources)
        assert len(text.encode()) <= ANSWER_BYTES


@settings(max_examples=40)
@given(
    sizes=st.lists(st.sampled_from([0, 10, 150, 3_000, 9_000, 30_000, 100_000]), max_size=40),
    page_records=st.integers(1, 15),
    max_results=st.integers(1, 30),
    sized=st.booleans(),
    detail=details,
)
def test_following_the_cursors_of_cut_answers_reaches_every_record_once(
    sizes: list[int], page_records: int, max_results: int, sized: bool, detail: Any
) -> None:
    flats = [
        Record("profile", f"P{n}", {"email": f"{n}@example.com", "properties": "x" * size}, {})
        for n, size in enumerate(sizes)
    ]

    async def fetch(cursor: str | None, size: int | None) -> Page:
        start = int(cursor or 0)
        end = start + (size or page_records)
        return Page(flats[start:end], {}, str(end) if end < len(flats) else None, False)

    async def follow() -> list[str]:
        content: list[str] = []
        start = START
        while True:
            answer = collection.CollectionAnswer(
                PROFILE, View(detail=detail), start=start, max_results=max_results, resources=resources
            )
            size = pages.page_size(max_results, page_records) if sized else None
            async with aclosing(pages.read_pages(fetch, start, size=size)) as read:
                async for place, page in read:
                    if not answer.add(place, page):
                        break
            text = answer.text(lambda position: cursors.encode_cursor(position, QUERY))
            assert len(text.encode()) <= ANSWER_BYTES
            content += re.findall(r'^(?:\{"id":")?(P\d+)[",]', text, re.MULTILINE)
            cursor = re.search(r"more: cursor=(\S+)", text.split("\n")[0])
            if cursor is None:
                return content
            start = cursors.decode_cursor(cursor[1], QUERY)

    assert anyio.run(follow) == [flat.id for flat in flats]


def test_an_answer_takes_no_more_than_a_thousand_records() -> None:
    answer = collection.CollectionAnswer(CAMPAIGN, max_results=4_000, resources=resources)
    numbers = iter(range(10_000))
    pages_taken = 1
    while answer.add(START, page([Record("campaign", f"{next(numbers)}", {}, {}) for _ in range(300)], "x")):
        pages_taken += 1
    assert pages_taken == 4
    assert answer.text(lambda position: str(position.skip)).split("\n")[0] == (
        "1,000 of more than 1,000 campaigns; more: cursor=100"
    )


@pytest.mark.parametrize("detail", ["summary", "full"])
def test_an_answer_whose_budget_is_full_wants_no_more_pages(detail: Any) -> None:
    answer = collection.CollectionAnswer(CAMPAIGN, View(detail=detail), resources=resources)
    flats = [campaign(number, name="x" * 150) for number in range(400)]
    assert answer.add(START, page(flats[:100], "b"))
    assert not answer.add(Position("b"), page(flats[100:], "c"))
    assert len(answer.text(lambda position: "NEXT").encode()) <= ANSWER_BYTES
