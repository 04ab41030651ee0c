"""Stage 3: a plan holds everything that the requests and the answer need, and leaves the arguments as they were."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from klaviyo_mcp.answers.cursors import START, Position
from klaviyo_mcp.calls.authorize import Authorized
from klaviyo_mcp.calls.plan import CollectionPlan, Plan, plan_call
from klaviyo_mcp.errors import ArgumentError
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.registry import registry


def plan(name: str, /, *, revision: str = "2026-01-15", hide: bool = False, **arguments: Any) -> Plan:
    operation = registry()[name]
    return plan_call(
        Authorized(operation, check_arguments(operation.arguments, arguments), 10.0), revision=revision, hide=hide
    )


def collection(name: str, /, **arguments: Any) -> CollectionPlan:
    planned = plan(name, **arguments).collection
    assert planned is not None
    return planned


def refusal(name: str, /, **arguments: Any) -> str:
    with pytest.raises(ArgumentError) as raised:
        plan(name, **arguments)
    return str(raised.value)


def test_a_plan_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        plan("get_lists").deadline = 11.0  # type: ignore[misc]


def test_a_field_of_a_related_record_includes_that_record_in_the_plan_alone() -> None:
    operation = registry()["get_lists"]
    arguments = check_arguments(operation.arguments, {"fields": ["name", "tags.name"]})
    planned = plan_call(Authorized(operation, arguments, 10.0), revision="2026-01-15", hide=False)
    assert planned.view.include == ("tags",)
    assert operation.request(planned.arguments, planned.query).query == {
        "include": "tags",
        "fields[list]": "name",
        "fields[tag]": "name",
    }
    assert getattr(arguments, "include") is None  # noqa: B009


def test_an_additional_field_that_is_named_is_requested() -> None:
    planned = plan("get_list", list_id="L1", fields=["profile_count"])
    assert planned.view.additional == ("profile_count",)
    request = planned.operation.request(planned.arguments, planned.query)
    assert request.query["additional-fields[list]"] == "profile_count"


def test_a_summary_includes_what_its_columns_join() -> None:
    assert plan("get_events").view.include == ("metric",)
    assert plan("get_events", fields=["datetime"]).view.include == ()


def test_one_record_is_requested_whole_unless_fields_are_named() -> None:
    assert plan("get_profile", profile_id="P1").query == {}
    assert plan("get_profile", profile_id="P1", fields=["email"]).query == {"fields[profile]": "email"}


def test_ids_are_requested_without_fields() -> None:
    planned = plan("get_profiles_for_list", list_id="L1", ids_only=True)
    assert (planned.query, planned.view.include) == ({}, ())


@pytest.mark.parametrize(
    ("arguments", "size", "most"),
    [
        ({}, 50, 50),
        ({"max_results": 3}, 3, 3),
        ({"max_results": 150}, 75, 150),
        ({"count_by": "location.country"}, 100, None),
    ],
)
def test_the_page_size_reads_what_is_wanted_in_the_fewest_requests(
    arguments: dict[str, Any], size: int, most: int | None
) -> None:
    paged = collection("get_profiles", **arguments)
    assert (paged.page_size, paged.max_results) == (size, most)


def test_a_cursor_goes_on_in_the_same_call_and_in_no_other() -> None:
    text = 'equals(email,"ann@example.com")'
    first = collection("get_profiles", filter=text, sort="-created")
    assert first.start == START
    cursor = first.cursor(Position("abc", 50, 7))
    again = collection("get_profiles", filter=text, sort="-created", cursor=cursor, fields=["email"], max_results=9)
    assert again.start == Position("abc", 50, 7)
    assert again.fingerprint == first.fingerprint
    for other in ({"filter": text}, {"sort": "-created"}, {"filter": text, "sort": "created"}):
        assert refusal("get_profiles", cursor=cursor, **other).startswith(
            "get_profiles was not sent: the cursor belongs to another call"
        )


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("get_profiles", {"fields": ["emial"]}, "a profile has no field 'emial'; did you mean email"),
        ("get_profiles", {"count_by": "created:hour"}, "'hour' is no period to count by"),
        ("get_profiles", {"cursor": "k~damaged"}, "the cursor is damaged"),
        (
            "get_profiles_for_list",
            {"list_id": "L1", "fields": ["lists.name"]},
            "get_profiles_for_list cannot include",
        ),
    ],
)
def test_what_cannot_be_planned_is_refused_in_words(name: str, arguments: dict[str, Any], words: str) -> None:
    assert refusal(name, **arguments).startswith(f"{name} was not sent: {words}")


def test_the_kind_of_an_answer_is_that_of_the_revision() -> None:
    changed = [one for one in registry().values() if one.revisions.empty_success_since]
    assert changed
    for operation in changed:
        since = operation.revisions.empty_success_since
        authorized = Authorized(operation, operation.arguments.model_construct(), 10.0)
        assert plan_call(authorized, revision=str(since), hide=False).kind is AnswerKind.NOTHING


def test_what_strangers_write_is_hidden_where_the_setting_says_so() -> None:
    assert plan("get_reviews", hide=True).view.hide
    assert not plan("get_reviews").view.hide
