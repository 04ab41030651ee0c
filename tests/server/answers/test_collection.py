"""Answers are exact, within their budget, and say what is missing and how to get it."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klaviyo_mcp.answers import collection, cursors, pages, record
from klaviyo_mcp.answers import values as cells
from klaviyo_mcp.answers.budget import ANSWER_BYTES
from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_mcp.answers.view import View
from klaviyo_tools.jsonapi.records import Flat, Page, Related, flatten_document
from klaviyo_tools.resource_types import ResourceType

CAMPAIGN = ResourceType(
    "campaign",
    columns=("name", "status", "audiences.included", "send_time"),
    fields=("name", "status", "archived", "audiences", "send_time", "options"),
    label=("name",),
    facet="status",
    date="send_time",
    relationships={"tags": "tag", "campaign-messages": "campaign-message"},
    untrusted=(),
)
PROFILE = ResourceType(
    "profile",
    columns=("email", "first_name", "properties"),
    fields=("email", "first_name", "properties"),
    label=("email", "phone_number"),
    facet=None,
    date=None,
    relationships={},
    untrusted=("email", "first_name", "properties"),
)
REVIEW = ResourceType("review", ("rating",), ("rating",), (), "rating", None, {"author": "profile"}, ())
JOB = ResourceType("profile-bulk-import-job", ("status",), ("status",), (), "status", None, {}, ())
REPORT = ResourceType("campaign-values-report", ("results",), (), (), None, None, {"campaigns": "campaign"}, ())
QUERY = cursors.fingerprint({"operation": "get_campaigns"})


def resources(type_: str) -> ResourceType:
    table = {"campaign": CAMPAIGN, "profile": PROFILE, "review": REVIEW, "campaign-values-report": REPORT}
    return table.get(type_) or ResourceType(type_, (), (), ("name",), None, None, {}, ())


def campaign(number: int, **attributes: Any) -> Flat:
    return Flat("campaign", f"C{number}", {"name": f"Sale {number}", "status": "Sent", **attributes}, {})


def page(records: list[Flat], following: str | None = None, **members: Any) -> Page:
    return Page(records, members.get("included", {}), following, False, members.get("total"))


def text_of(found: Page, start: Position = START, **view: Any) -> str:
    return collection.collection_text(
        CAMPAIGN, found, lambda position: "NEXT", start=start, view=View(**view), resources=resources
    )


def body(text: str) -> list[str]:
    """The lines of an answer without its facts and its marking."""
    lines = text.split("\n")[1:]
    return lines[2:-1] if lines and lines[0].startswith("Between the two lines") else lines


# Collections.


def test_nothing_found_is_said() -> None:
    assert text_of(page([])) == "no campaigns"
    assert text_of(page([]), start=Position("x")) == "no more campaigns"


def test_a_collection_is_a_line_of_facts_and_csv_of_the_columns_that_matter() -> None:
    found = page(
        [
            campaign(1, send_time="2026-01-05T09:00:00.123456+00:00", audiences={"included": ["L1", "L2"]}),
            campaign(2, status="Draft", send_time=None, audiences={"included": []}),
            campaign(3, name='Big, "bold"\nand new', send_time="2026-11-20T10:00:00+02:00"),
        ],
        "following",
    )
    assert text_of(found) == (
        "3 of more than 3 campaigns; 2 Sent, 1 Draft; send_time 2026-01-05 to 2026-11-20; more: cursor=NEXT\n"
        "id,name,status,audiences.included,send_time\n"
        "C1,Sale 1,Sent,L1; L2,2026-01-05T09:00:00Z\n"
        "C2,Sale 2,Draft,,\n"
        'C3,"Big, ""bold""⏎and new",Sent,,2026-11-20T08:00:00Z'
    )


@pytest.mark.parametrize(
    ("found", "start", "facts"),
    [
        (page([campaign(1)]), START, "1 campaign; complete"),
        (page([campaign(1), campaign(2)]), START, "2 campaigns; 2 Sent; complete"),
        (page([campaign(1)], "x"), START, "1 of more than 1 campaigns; more: cursor=NEXT"),
        (page([campaign(1)], "x", total=12), START, "1 of 12 campaigns; more: cursor=NEXT"),
        (page([campaign(1)], "x"), Position("b"), "next 1 campaign; more: cursor=NEXT"),
        (page([campaign(1), campaign(2)]), Position("b"), "next 2 campaigns; 2 Sent; these are the last"),
    ],
)
def test_the_facts_say_how_many_there_are_and_whether_these_are_all(found: Page, start: Position, facts: str) -> None:
    assert text_of(found, start).split("\n")[0] == facts


def test_only_the_most_frequent_of_many_states_are_told() -> None:
    found = page([campaign(n, status=f"S{min(n, 8)}") for n in range(12)])
    assert "4 S8, 1 S0, 1 S1, 1 S2, 1 S3, 1 S4, 3 other" in text_of(found)


def test_a_number_or_truth_value_is_told_with_what_it_is() -> None:
    ratings = ResourceType("review", ("rating",), ("rating",), (), "rating", None, {}, ())
    found = page([Flat("review", f"R{n}", {"rating": rating}, {}) for n, rating in enumerate([5, 5, 1])])
    text = collection.collection_text(ratings, found, resources=resources)
    assert text.split("\n")[0] == "3 reviews; 2 rating=5, 1 rating=1; complete"


def test_columns_without_a_value_are_dropped() -> None:
    assert body(text_of(page([Flat("campaign", "C1", {"name": None, "status": "Sent", "send_time": ""}, {})]))) == [
        "id,status",
        "C1,Sent",
    ]


def test_fields_choose_the_columns() -> None:
    found = page([campaign(1, archived=False, options={"utm": {"source": "mail"}, "n": 3})])
    assert body(text_of(found, fields=["archived", "options.utm.source", "options.n", "options"])) == [
        "id,archived,options.utm.source,options.n,options",
        'C1,false,mail,3,"{""utm"":{""source"":""mail""},""n"":3}"',
    ]


def test_related_ids_are_columns_and_included_records_have_names() -> None:
    flat = Flat("campaign", "C1", {"name": "Sale"}, {"tags": Related("tag", ("T1", "T2"), many=True)})
    assert body(text_of(page([flat]))) == ["id,name,tags", "C1,Sale,T1; T2"]
    included = {("tag", "T1"): Flat("tag", "T1", {"name": "Spring; summer", "colour": "red"}, {})}
    assert body(text_of(page([flat], included=included), include=["tags"])) == [
        "id,name,tags",
        "C1,Sale,Spring; summer (T1); T2",
    ]
    assert body(text_of(page([flat], included=included), fields=["tags.colour"], include=["tags"])) == [
        "id,tags.colour",
        "C1,red",
    ]


def test_a_type_that_is_not_in_the_table_shows_all_it_has() -> None:
    found = page(
        [
            Flat("thing", "1", {"a": 1}, {"owner": Related("person", ("P",), many=False)}),
            Flat("thing", "2", {"b": True}, {}),
        ]
    )
    assert collection.collection_text(resources("thing"), found, resources=resources) == (
        "2 things; complete\nid,a,owner,b\n1,1,P,\n2,,,true"
    )


def test_a_type_with_very_many_attributes_says_that_some_are_left_out() -> None:
    found = page([Flat("thing", "1", {f"a{n}": n for n in range(60)}, {})])
    text = collection.collection_text(resources("thing"), found, resources=resources)
    assert text.split("\n")[0] == "1 thing; further attributes are left out: ask for detail=full; complete"
    assert text.split("\n")[1].count(",") == 40


def test_long_cells_are_cut_with_the_length_of_the_rest() -> None:
    found = page([campaign(1, name="x" * 1394)])
    assert body(text_of(found))[1] == f'C1,"{"x" * 160}…(+1,234)",Sent'
    assert body(text_of(found, fields=["name"]))[1] == f"C1,{'x' * 800}…(+594)"


def test_a_long_list_is_cut_between_two_of_its_values() -> None:
    found = page([campaign(1, audiences={"included": [f"LIST{n:02}" for n in range(40)]})])
    cell = next(csv.reader(io.StringIO(body(text_of(found))[1])))[3]
    assert cell.startswith("LIST00; LIST01; ")
    assert cell.endswith("LIST19 …(+20 more)")


def test_full_detail_is_a_line_of_json_for_each_record() -> None:
    flat = Flat(
        "campaign",
        "C1",
        {
            "name": "Sale",
            "send_time": "2026-01-05T09:00:00.5+00:00",
            "none": None,
            "options": {"a": [], "b": 0, "c": False},
        },
        {"tags": Related("tag", ("T1",), many=True), "template": Related("template", ("E1",), many=False)},
    )
    included = {("tag", "T1"): Flat("tag", "T1", {"name": "Spring"}, {})}
    assert text_of(page([flat, campaign(2)], included=included), include=["tags"], detail="full") == (
        "2 campaigns; 1 Sent; send_time 2026-01-05; complete\n"
        '{"id":"C1","name":"Sale","send_time":"2026-01-05T09:00:00.5+00:00","options":{"b":0,"c":false},'
        '"tags":["Spring (T1)"],"template":"E1"}\n'
        '{"id":"C2","name":"Sale 2","status":"Sent"}'
    )


def test_full_detail_of_chosen_fields_has_only_these() -> None:
    assert body(
        text_of(page([campaign(1, options={"utm": None, "n": 1})]), fields=["options", "status"], detail="full")
    ) == ['{"id":"C1","options":{"n":1},"status":"Sent"}']


# The budget.


def test_an_answer_that_does_not_fit_is_cut_between_records_and_goes_on_there() -> None:
    found = page([campaign(n, name=f"{n:03} " + "x" * 150) for n in range(400)], "following")
    text = collection.collection_text(
        CAMPAIGN, found, lambda position: cursors.encode_cursor(position, QUERY), resources=resources
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
    found = page([campaign(1, name="n" * 90_000, options={"html": "h" * 90_000, "kind": "short"})])
    text = text_of(found, detail="full")
    assert 23_000 < len(text.encode()) <= ANSWER_BYTES
    assert text.split("\n")[0] == "1 campaign; its longest values are cut: ask for fewer with fields; complete"
    value = json.loads(body(text)[0])
    assert value["status"] == "Sent"
    assert value["options"]["kind"] == "short"
    assert re.fullmatch(r"n{11\d{3}}|n+…\(\+\d\d,\d{3}\)", value["name"])
    rest = int(value["name"].partition("(+")[2].rstrip(")").replace(",", ""))
    assert rest + value["name"].count("n") == 90_000


texts = st.one_of(
    st.text(max_size=30),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=8), st.integers(1, 12_000)),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=6,
)
profiles = st.lists(
    st.fixed_dictionaries({}, optional={"email": texts, "first_name": values, "properties": values, "other": values}),
    min_size=1,
    max_size=100,
)
details = st.sampled_from(["summary", "full"])
chosen = st.sampled_from([(), ("properties",), ("email", "properties.a", "other")])


@settings(max_examples=60)
@given(profiles, details, chosen, st.booleans())
def test_any_answer_is_within_the_budget_and_its_table_is_whole(
    attributes: list[dict[str, Any]], detail: Any, fields: Any, hide: bool
) -> None:
    found = page([Flat("profile", f"P{n}", one, {}) for n, one in enumerate(attributes)], "x" * 200)
    text = collection.collection_text(
        PROFILE,
        found,
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
    flats = [Flat("profile", f"P{n}", {"properties": {"note": "é" * 50_000, "n": n}}, {}) for n in range(100)]
    for detail in ("summary", "full"):
        text = collection.collection_text(PROFILE, page(flats, "x"), view=View(detail=detail), resources=resources)
        assert len(text.encode()) <= ANSWER_BYTES


@settings(max_examples=40)
@given(
    sizes=st.lists(st.sampled_from([0, 10, 150, 3_000, 9_000, 30_000, 100_000]), max_size=40),
    page_records=st.integers(1, 15),
    wanted=st.integers(1, 30),
    sized=st.booleans(),
    detail=details,
)
def test_following_the_cursors_of_cut_answers_reaches_every_record_once(
    sizes: list[int], page_records: int, wanted: int, sized: bool, detail: Any
) -> None:
    flats = [
        Flat("profile", f"P{n}", {"email": f"{n}@example.com", "properties": "x" * size}, {})
        for n, size in enumerate(sizes)
    ]

    async def fetch(cursor: str | None, size: int | None) -> Page:
        start = int(cursor or 0)
        end = start + (size or page_records)
        return Page(flats[start:end], {}, str(end) if end < len(flats) else None, False)

    async def follow() -> list[str]:
        found: list[str] = []
        start = START
        while True:
            answer = collection.CollectionAnswer(
                PROFILE, View(detail=detail), start=start, max_results=wanted, resources=resources
            )
            size = pages.page_size(wanted, page_records) if sized else None
            async with aclosing(pages.read_pages(fetch, start, size=size)) as read:
                async for place, page in read:
                    if not answer.add(place, page):
                        break
            text = answer.text(lambda position: cursors.encode_cursor(position, QUERY))
            assert len(text.encode()) <= ANSWER_BYTES
            found += re.findall(r'^(?:\{"id":")?(P\d+)[",]', text, re.MULTILINE)
            cursor = re.search(r"more: cursor=(\S+)", text.split("\n")[0])
            if cursor is None:
                return found
            start = cursors.decode_cursor(cursor[1], QUERY)

    assert anyio.run(follow) == [flat.id for flat in flats]


def test_an_answer_takes_no_more_than_a_thousand_records() -> None:
    answer = collection.CollectionAnswer(CAMPAIGN, max_results=4_000, resources=resources)
    numbers = iter(range(10_000))
    pages_taken = 1
    while answer.add(START, page([Flat("campaign", f"{next(numbers)}", {}, {}) for _ in range(300)], "x")):
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


# Records, jobs, empty successes.


def test_a_record_that_is_not_there_is_said() -> None:
    assert (
        record.record_text(None, ResourceType("tag-group", (), (), (), None, None, {}, ())) == "There is no tag group."
    )


def test_a_record_is_compact_json_without_nulls_and_empties() -> None:
    flat = Flat(
        "campaign",
        "C1",
        {
            "name": "Sälé",
            "status": "Sent",
            "send_time": None,
            "options": {"a": {}, "b": [], "c": "", "d": 0, "e": False},
        },
        {"tags": Related("tag", ("T1", "T2"), many=True), "template": Related("template", ("E1",), many=False)},
    )
    included = {("tag", "T1"): Flat("tag", "T1", {"name": "Spring"}, {})}
    assert record.record_text(flat, CAMPAIGN, included=included, resources=resources) == (
        '{"id":"C1","name":"Sälé","status":"Sent","options":{"d":0,"e":false},'
        '"tags":["Spring (T1)","T2"],"template":"E1"}'
    )


def test_a_record_larger_than_the_budget_names_what_was_cut() -> None:
    flat = Flat("template", "E1", {"name": "Welcome", "html": "<p>" * 20_000, "text": "t"}, {})
    text = record.record_text(flat, ResourceType("template", (), (), (), None, None, {}, ()), resources=resources)
    facts, value = text.split("\n")
    assert facts == "cut to fit 24,000 bytes: html (60,002 bytes); fields=… asks for fewer"
    assert 23_000 < len(text.encode()) <= ANSWER_BYTES
    assert json.loads(value)["text"] == "t"
    assert re.search(r"<p>…\(\+\d\d,\d{3}\)$|…\(\+\d\d,\d{3}\)$", json.loads(value)["html"])


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=60), values, max_size=30))
def test_any_record_is_within_the_budget_and_is_json(attributes: dict[str, Any]) -> None:
    text = record.record_text(Flat("profile", "P1", attributes, {}), PROFILE, resources=resources)
    assert len(text.encode()) <= ANSWER_BYTES
    lines = text.split("\n")
    assert json.loads(lines[-2] if lines[-1].startswith("data-") else lines[-1])["id"] == "P1"


def test_keys_that_are_alike_where_they_are_cut_stay_apart() -> None:
    flat = Flat("thing", "1", {"custom": {"k" * 100 + f"{n:05}": "v" for n in range(20_000)}}, {})
    text = record.record_text(flat, resources("thing"), resources=resources)
    assert len(text.encode()) <= ANSWER_BYTES
    assert len(json.loads(text.split("\n")[1])["custom"]) > 300


def test_very_many_attributes_are_counted_when_they_find_no_room() -> None:
    flat = Flat("thing", "1", {f"attribute{n:05}": "value" * 4 for n in range(5_000)}, {})
    text = record.record_text(flat, resources("thing"), resources=resources)
    assert len(text.encode()) <= ANSWER_BYTES
    value = json.loads(text.split("\n")[1])
    left_out = int(value.pop("…").strip("(+ more)").replace(",", ""))
    assert left_out + len(value) == 5_001


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        (
            {
                "status": "queued",
                "total_count": 1500,
                "completed_count": 0,
                "failed_count": 0,
                "created_at": "2026-01-05T09:00:00+00:00",
            },
            "profile bulk import job J1: queued, 0 completed of 1,500, 0 failed; created 2026-01-05T09:00:00Z; "
            "next: get_bulk_import_profiles_job(job_id=J1), until it is complete",
        ),
        (
            {
                "status": "complete",
                "total_count": 3,
                "completed_count": 1,
                "failed_count": 2,
                "completed_at": "2026-01-05T09:00:00+00:00",
            },
            "profile bulk import job J1: complete, 1 completed of 3, 2 failed; completed 2026-01-05T09:00:00Z; "
            "what failed: get_errors_for_bulk_import_profiles_job(job_id=J1)",
        ),
        ({"status": "cancelled"}, "profile bulk import job J1: cancelled"),
        (
            {},
            "profile bulk import job J1: accepted; next: get_bulk_import_profiles_job(job_id=J1), until it is complete",
        ),
    ],
)
def test_a_job_is_its_state_its_counts_and_what_to_call_next(attributes: dict[str, Any], told: str) -> None:
    text = record.job_text(
        Flat("profile-bulk-import-job", "J1", attributes, {}),
        JOB,
        follow="get_bulk_import_profiles_job(job_id=J1)",
        errors="get_errors_for_bulk_import_profiles_job(job_id=J1)",
        resources=resources,
    )
    assert text == told


def test_the_errors_of_a_job_are_told_within_the_budget() -> None:
    errors = [{"code": "invalid", "detail": "price is no number", "source": {"pointer": "/data"}, "meta": None}]
    flat = Flat("catalog-item-bulk-create-job", "J1", {"status": "complete", "errors": errors}, {})
    assert record.job_text(flat, JOB, resources=resources) == (
        "catalog item bulk create job J1: complete\n"
        '{"errors":[{"code":"invalid","detail":"price is no number","source":{"pointer":"/data"}}]}'
    )
    text = record.job_text(flat._replace(attributes={"errors": errors * 5_000}), JOB, resources=resources)
    assert len(text.encode()) <= ANSWER_BYTES


def test_an_empty_success_says_what_was_done_to_what() -> None:
    assert record.success_text("delete_list", {"list_id": "Y6nRLr"}) == "Done: delete_list list_id=Y6nRLr"
    assert record.success_text("tag_campaigns", {"tag_id": "T1", "campaign_ids": ["C1", "C2"], "none": None}) == (
        "Done: tag_campaigns tag_id=T1, campaign_ids=C1; C2"
    )
    assert record.success_text("create_event", {"metric": "Placed Order"}, accepted=True, verify_with="get_events") == (
        "Accepted: create_event metric=Placed Order; Klaviyo works on it, it may take a while; to see it: get_events"
    )
    many = record.success_text("add_profiles_to_list", {"profile_ids": [f"01HX{n:022}" for n in range(1000)]})
    assert many.endswith(" …(+993 more)")
    assert len(many) < 300


def test_any_document_has_an_answer() -> None:
    assert (
        record.document_text(flatten_document({"data": None}), CAMPAIGN, resources=resources) == "There is no campaign."
    )
    assert record.document_text(flatten_document({"data": []}), CAMPAIGN, resources=resources) == "no campaigns"
    job = {"data": {"type": "profile-bulk-import-job", "id": "J1", "attributes": {"status": "complete"}}}
    assert (
        record.document_text(flatten_document(job), JOB, resources=resources) == "profile bulk import job J1: complete"
    )
    identifiers = {"data": [{"type": "tag", "id": "T1"}, {"type": "tag", "id": "T2"}]}
    assert (
        record.document_text(flatten_document(identifiers), resources("tag"), resources=resources)
        == "2 tags; complete\nid\nT1\nT2"
    )


# Cells.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (0, "0"),
        (1.5, "1.5"),
        ("2026-01-05T09:00:00.999999+00:00", "2026-01-05T09:00:00Z"),
        ("2026-01-05 09:00:00", "2026-01-05T09:00:00"),
        ("2026-01-05T00:30:00+0200", "2026-01-04T22:30:00Z"),
        ("2026-01-05", "2026-01-05"),
        ("2026-99-99T99:99:99+02:00", "2026-99-99T99:99:99+02:00"),
        (["a", 1, None, True], "a; 1; ; true"),
        ([], ""),
        ({"a": [1, {"b": "ü"}]}, '{"a":[1,{"b":"ü"}]}'),
        ([{"a": 1}], '[{"a":1}]'),
        ("two\nlines\tand a tab", "two⏎lines and a tab"),
    ],
)
def test_a_value_is_one_line_in_a_cell(value: Any, text: str) -> None:
    assert cells.cell(value) == text


def test_a_path_leads_through_objects_arrays_and_names_with_dots() -> None:
    attributes = {"a": {"b.c": 1, "d": [{"e": 2}, {"e": 3}, {}]}, "x": None}
    assert cells.value_at(attributes, ["a", "b", "c"]) == 1
    assert cells.value_at(attributes, ["a", "d", "e"]) == [2, 3]
    assert cells.value_at(attributes, ["x", "y"]) is None
    assert cells.value_at(attributes, ["nothing"]) is None


@given(values, st.integers(60, 3_000))
def test_a_value_fits_into_the_room_it_is_given(value: Any, room: int) -> None:
    fitted = cells.fit(value, room)
    assert cells.json_bytes(fitted) <= room
    if cells.json_bytes(value) <= room:
        assert fitted == value


def test_a_value_nested_beyond_measure_is_told_as_such() -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    assert cells.cell(value) == '"(nested too deeply to show)"'
    flat = Flat("profile", "P1", {"properties": value, "email": "a@example.com"}, {})
    for view in (View(), View(["properties", "email"])):
        line = record.record_text(flat, PROFILE, view=view, resources=resources).split("\n")[2]
        assert "(nested too deeply to show)" in line
        assert json.loads(line)["email"] == "a@example.com"
    assert "P1" in text_of(page([flat]), detail="full")
    hidden = record.record_text(flat, PROFILE, view=View(hide=True), resources=resources)
    assert hidden == 'hidden by KLAVIYO_MCP_USER_CONTENT: email, first_name, properties\n{"id":"P1"}'
