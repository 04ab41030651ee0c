"""Filters, sorting, sparse fields, inclusion and paging, as a reader of the API meets them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.filters import Comparison, matches, parse_filter
from klaviyo_mcp.sandbox.state.store import Record


@pytest.mark.parametrize(
    "text",
    [
        "", "equals", "equals(", "equals(email)", "equals(email,)", "equals(email,a@example.com)",
        'like(email,"a")', 'equals(email,"a"', 'equals(email,"a"))', 'equals(email,"a") equals(id,"b")',
        'any(email,["a" "b"])', 'equals(email,"a",)', "equals(email,'a')", 'or(equals(email,"a"),equals(id,"b"))',
        'equals(email,"a\\")', "any(email,[", "greater-than(created,2026-99-99)",
    ],
)  # fmt: skip
def test_filter_that_breaks_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(KlaviyoError) as refused:
        parse_filter(text)
    assert refused.value.status == 400
    assert refused.value.parameter == "filter"


def test_filter_is_read_as_its_clauses() -> None:
    assert parse_filter('and(equals(name,"a \\"b\\", c)"),any(id,["x","y"])),has(profile), greater-than(rating,3)') == [
        Comparison("equals", "name", 'a "b", c)'),
        Comparison("any", "id", ["x", "y"]),
        Comparison("has", "profile"),
        Comparison("greater-than", "rating", 3),
    ]


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        parse_filter(text)
    except KlaviyoError as refused:
        assert refused.status == 400


@pytest.mark.parametrize(
    ("text", "held", "expected"),
    [
        ('equals(a,"x")', "x", True),
        ('equals(a,"x")', "X", False),
        ('equals(email,"A@example.com")', "a@example.com", True),
        ("equals(a,true)", True, True),
        ("equals(a,1)", True, False),
        ('any(a,["x","y"])', "y", True),
        ('contains(a,"ell")', "Hello", True),
        ('contains(a,"x")', ["x", "y"], True),
        ('contains-any(a,["q","x"])', ["x", "y"], True),
        ('contains-all(a,["x","q"])', ["x", "y"], False),
        ('starts-with(a,"he")', "Hello", True),
        ('ends-with(a,"LO")', "Hello", True),
        ("greater-than(a,2026-01-01)", "2026-01-01T00:00:00+00:00", False),
        ("greater-or-equal(a,2026-01-01T00:00:00Z)", "2026-01-01T00:00:00+00:00", True),
        ("less-than(a,2026-01-01T00:00:00Z)", "2025-12-31T23:30:00-02:00", False),
        ("less-or-equal(a,5)", 5, True),
        ("less-than(a,5)", None, False),
        ("greater-than(a,2026-01-01)", 1_800_000_000, True),
        ("has(a)", [], False),
    ],
)
def test_operators_mean_what_klaviyo_says(text: str, held: Any, expected: bool) -> None:
    (comparison,) = parse_filter(text)
    assert matches(comparison, held) is expected


async def people(api: Any, count: int) -> list[str]:
    made = [
        await api.make(
            "profile", "profiles", email=f"p{n:02d}@example.com", first_name=f"N{n % 3}", location={"city": "Oslo"}
        )
        for n in range(count)
    ]
    return [one["id"] for one in made]


def cursor(document: Any, name: str = "next") -> str:
    (value,) = parse_qs(str(urlsplit(document["links"][name]).query))["page[cursor]"]
    return value


async def follow(api: Any, path: str, **query: str) -> list[str]:
    found: list[str] = []
    document = await api.get(path, params=query)
    while True:
        found += [one["id"] for one in document["data"]]
        if "next" not in document["links"]:
            return found
        assert document["links"]["next"].startswith("https://a.klaviyo.com/api/")
        document = await api.get(path, params={**query, "page[cursor]": cursor(document)})


async def refused(api: Any, path: str, parameter: str, **query: str) -> str:
    document = await api.get(path, 400, params=query)
    (error,) = document["errors"]
    assert error["source"] == {"parameter": parameter}
    return str(error["detail"])


@pytest.mark.anyio
async def test_wrong_parameters_are_refused_by_name(api: Any) -> None:
    assert "'nope'" in await refused(api, "profiles", "nope", nope="1")
    assert "'emial'" in await refused(api, "profiles", "filter", filter='equals(emial,"x")')
    assert "'contains'" in await refused(api, "profiles", "filter", filter='contains(email,"x")')
    assert "date-time" in await refused(api, "profiles", "filter", filter='greater-than(created,"2026-01-01")')
    assert "a list" in await refused(api, "profiles", "filter", filter='any(email,"x")')
    assert "string" in await refused(api, "profiles", "filter", filter="equals(email,5)")
    assert "'mail'" in await refused(api, "profiles", "fields[profile]", **{"fields[profile]": "email,mail"})
    assert "'lists'" in await refused(api, "profiles", "include", include="lists")
    assert "'name'" in await refused(api, "profiles", "sort", sort="name")
    for size in ("0", "101", "-1", "x", "1.5", ""):
        assert "1 and 100" in await refused(api, "profiles", "page[size]", **{"page[size]": size})
    assert "cursor" in await refused(api, "profiles", "page[cursor]", **{"page[cursor]": "nonsense"})
    assert "required" in await refused(api, "campaigns", "filter")
    assert "channel" in await refused(api, "campaigns", "filter", filter='equals(status,"Draft")')
    assert "coupon.id" in await refused(api, "coupon-codes", "filter", filter='equals(status,"USED")')
    assert "page[size]" in await refused(api, "lists", "page[size]", **{"page[size]": "5"})


@pytest.mark.anyio
async def test_unknown_id_is_a_404_that_names_it(api: Any) -> None:
    (error,) = (await api.get("lists/nope", 404))["errors"]
    assert error["code"] == "not_found"
    assert "nope" in error["detail"]
    await api.get("lists/nope/profiles", 404)
    await api.get("lists/nope/relationships/profiles", 404)
    await api.delete("lists/nope", status=404)


@pytest.mark.anyio
async def test_filters_find_by_identifier_and_by_time(api: Any) -> None:
    ids = await people(api, 4)
    assert await api.ids("profiles", filter='equals(email,"P01@example.com")') == [ids[1]]
    assert sorted(
        await api.ids("profiles", filter='any(email,["p00@example.com","p03@example.com","no@example.com"])')
    ) == sorted([ids[0], ids[3]])
    assert await api.ids("profiles", filter=f'and(equals(id,"{ids[2]}"),equals(email,"p01@example.com"))') == []
    assert len(await api.ids("profiles", filter="greater-than(created,2026-05-31)")) == 4
    assert await api.ids("profiles", filter="less-than(created,2026-05-31)") == []


@pytest.mark.anyio
@pytest.mark.parametrize("sort", ["email", "-email", "id", "created", "-created"])
async def test_pages_hold_every_record_once_in_order(api: Any, sort: str) -> None:
    ids = await people(api, 11)
    found = await follow(api, "profiles", sort=sort, **{"page[size]": "3"})
    assert sorted(found) == sorted(ids)
    if sort.endswith("email"):
        assert found == (ids if sort == "email" else ids[::-1])


@pytest.mark.anyio
async def test_cursor_holds_while_records_come_and_go(api: Any) -> None:
    ids = await people(api, 6)
    first = await api.get("profiles", params={"sort": "email", "page[size]": "2"})
    await api.make("profile", "profiles", email="a@example.com")
    await api.make("profile", "profiles", email="p02b@example.com")
    api.sandbox.store.remove("profile", ids[1])
    second = await api.get("profiles", params={"sort": "email", "page[size]": "2", "page[cursor]": cursor(first)})
    assert [one["attributes"]["email"] for one in second["data"]] == ["p02@example.com", "p02b@example.com"]
    back = await api.get(
        "profiles", params={"sort": "email", "page[size]": "2", "page[cursor]": cursor(second, "prev")}
    )
    assert [one["attributes"]["email"] for one in back["data"]] == ["a@example.com", "p00@example.com"]


@pytest.mark.anyio
async def test_cursor_of_another_order_is_refused(api: Any) -> None:
    await people(api, 3)
    first = await api.get("profiles", params={"sort": "email", "page[size]": "1"})
    await refused(api, "profiles", "page[cursor]", sort="created", **{"page[cursor]": cursor(first)})


@pytest.mark.anyio
async def test_lists_come_ten_to_a_page_and_take_no_size(api: Any) -> None:
    for n in range(12):
        await api.make("list", "lists", name=f"L{n:02d}")
    document = await api.get("lists", sort="name")
    assert len(document["data"]) == 10
    assert len(await follow(api, "lists", sort="name")) == 12


@pytest.mark.anyio
async def test_sparse_fields_show_those_alone_down_to_a_dotted_one(api: Any) -> None:
    await people(api, 1)
    (one,) = (await api.get("profiles", params={"fields[profile]": "email,location.city"}))["data"]
    assert one["attributes"] == {"email": "p00@example.com", "location": {"city": "Oslo"}}


@pytest.mark.anyio
async def test_additional_fields_are_shown_when_asked_for_only(api: Any) -> None:
    (profile,) = await people(api, 1)
    made = await api.make("list", "lists", name="L")
    members = {"data": [{"type": "profile", "id": profile}]}
    await api.post(f"lists/{made['id']}/relationships/profiles", members, 204)
    assert "profile_count" not in (await api.get(f"lists/{made['id']}"))["data"]["attributes"]
    asked = await api.get(f"lists/{made['id']}", params={"additional-fields[list]": "profile_count"})
    assert asked["data"]["attributes"]["profile_count"] == 1
    assert "subscriptions" not in (await api.get(f"profiles/{profile}"))["data"]["attributes"]
    shown = await api.get(
        "profiles", params={"additional-fields[profile]": "subscriptions", "fields[profile]": "email"}
    )
    assert set(shown["data"][0]["attributes"]) == {"email", "subscriptions"}


@pytest.mark.anyio
async def test_included_records_come_once_and_relationships_name_them(api: Any) -> None:
    await api.make("tag-group", "tag-groups", name="G")
    group = (await api.ids("tag-groups"))[0]
    relationship = {"tag-group": {"data": {"type": "tag-group", "id": group}}}
    for name in ("a", "b"):
        tag = {"type": "tag", "attributes": {"name": name}, "relationships": relationship}
        await api.post("tags", {"data": tag})
    document = await api.get("tags", params={"include": "tag-group", "fields[tag-group]": "name"})
    assert [(one["type"], one["id"], one["attributes"]) for one in document["included"]] == [
        ("tag-group", group, {"name": "G"})
    ]
    assert {one["relationships"]["tag-group"]["data"]["id"] for one in document["data"]} == {group}
    assert "included" not in await api.get("tags")


@pytest.mark.anyio
async def test_relationship_reads_answer_identifiers(api: Any) -> None:
    (profile,) = await people(api, 1)
    made = await api.make("list", "lists", name="L")
    members = {"data": [{"type": "profile", "id": profile}]}
    await api.post(f"lists/{made['id']}/relationships/profiles", members, 204)
    for path, type_, id_ in (
        (f"lists/{made['id']}/relationships/profiles", "profile", profile),
        (f"profiles/{profile}/relationships/lists", "list", made["id"]),
    ):
        assert (await api.get(path))["data"] == [{"type": type_, "id": id_}]


@pytest.mark.anyio
async def test_ids_with_marks_in_them_are_read_back(api: Any) -> None:
    id_ = "$custom:::$default:::A/B 1"
    api.sandbox.store.add(Record("catalog-item", id_, {"title": "T"}))
    document = await api.get("catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3AA%2FB%201")
    assert document["data"]["id"] == id_
    assert "A%2FB%201" in document["data"]["links"]["self"]
