"""A record with a million members is looked at as far as an answer can show it, and the answer counts the others."""

from __future__ import annotations

import json
from collections.abc import ItemsView, Iterator
from typing import Any

import pytest
from tests.server.answers.records import PROFILE, page, resources

from klaviyo_mcp.answers.budget import ANSWER_BYTES
from klaviyo_mcp.answers.collection import collection_text
from klaviyo_mcp.answers.members import MAX_MEMBERS, LeftOut, left_out
from klaviyo_mcp.answers.record import record_text
from klaviyo_mcp.answers.values import cell, fit, without_empties
from klaviyo_mcp.answers.view import View
from klaviyo_tools.jsonapi.records import Record, RelatedIds
from klaviyo_tools.resource_types import unknown_resource_type

MANY = 1_000_000


class CountedMembers(dict[str, Any]):
    """An object that counts the members that are looked at."""

    looked_at = 0

    def items(self) -> Any:
        return _CountedItems(self)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all names are looked at")

    def values(self) -> Any:
        raise AssertionError("all values are looked at")


class _CountedItems(ItemsView[str, Any]):
    _mapping: CountedMembers

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for name in dict.keys(self._mapping):
            self._mapping.looked_at += 1
            yield name, self._mapping[name]


def many() -> CountedMembers:
    return CountedMembers((f"m{n}", n) for n in range(MANY))


@pytest.mark.parametrize("view", [View(), View(detail="full"), View(("properties",))])
def test_of_a_million_members_of_an_object_few_are_looked_at(view: View) -> None:
    members = many()
    profile = Record("profile", "P1", {"email": "a@example.com", "properties": members}, {})
    text = record_text(profile, PROFILE, view=view, resources=resources)
    assert 0 < members.looked_at <= MAX_MEMBERS + 1
    assert len(text.encode()) <= ANSWER_BYTES
    shown = json.loads(text.split("\n")[-2])["properties"]
    assert shown.pop("…") == f"(+{MANY - len(shown):,} more)"
    assert shown == {f"m{n}": n for n in range(len(shown))}


@pytest.mark.parametrize("detail", ["summary", "full"])
def test_of_a_million_attributes_few_are_looked_at(detail: Any) -> None:
    members = many()
    text = collection_text(
        unknown_resource_type("thing"), page([Record("thing", "T", members, {})]), view=View(detail=detail)
    )
    assert 0 < members.looked_at <= 2 * (MAX_MEMBERS + 1)
    assert len(text.encode()) <= ANSWER_BYTES
    if detail == "full":
        shown = json.loads(text.split("\n")[-2])
        assert shown.pop("…") == f"(+{MANY + 1 - len(shown):,} more)"
    else:
        assert "further attributes are left out: ask for detail=full" in text


def test_of_a_million_items_of_an_array_few_are_shown_and_the_others_are_counted() -> None:
    profile = Record("profile", "P1", {"properties": {"seen": list(range(MANY))}}, {})
    shown = json.loads(record_text(profile, PROFILE, resources=resources).split("\n")[-2])["properties"]["seen"]
    assert shown[-1] == f"…(+{MANY - len(shown) + 1:,} more)"
    assert shown[:-1] == list(range(len(shown) - 1))


def test_of_a_million_related_records_few_are_shown_and_the_others_are_counted() -> None:
    ids = tuple(f"L{n}" for n in range(MANY))
    profile = Record("profile", "P1", {}, {"lists": RelatedIds("list", ids, many=True)})
    shown = json.loads(record_text(profile, PROFILE, resources=resources).split("\n")[-2])["lists"]
    assert shown[-1] == f"…(+{MANY - len(shown) + 1:,} more)"
    assert shown[:-1] == list(ids[: len(shown) - 1])


def test_few_members_stay_as_they_are() -> None:
    value = {"a": list(range(MAX_MEMBERS)), "b": {f"m{n}": n for n in range(MAX_MEMBERS)}}
    assert without_empties(value) == value


def test_a_cell_looks_at_what_it_can_show() -> None:
    members = many()
    assert cell(members, 20).startswith('{"m0":0,"m1":1,"m2":')
    assert members.looked_at == MAX_MEMBERS


def test_a_second_cut_adds_to_the_count_of_the_first() -> None:
    once = without_empties({f"m{n}": n for n in range(MAX_MEMBERS + 10)})
    twice = fit(once, 100)
    assert left_out(once["…"]) == 10
    assert left_out(twice["…"]) == MAX_MEMBERS + 10 - (len(twice) - 1)


def test_text_that_looks_like_a_note_is_none() -> None:
    assert left_out("(+10 more)") == 0
    assert LeftOut(10) == "(+10 more)"
