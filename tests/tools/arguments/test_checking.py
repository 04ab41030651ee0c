"""Arguments are read forgivingly and checked strictly, and errors are in words."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import Query, place_of
from klaviyo_tools.arguments.spelling import nearest, resolve_name
from klaviyo_tools.arguments.types import (
    Arguments,
    CatalogId,
    Day,
    Email,
    Id,
    OpenObject,
    Phone,
    Text,
    Timestamp,
    clearable,
)


class Place(Arguments):
    city: str | None = None


class Person(Arguments):
    email: Email | None = None
    phone_number: Phone | None = None
    first_name: clearable(str) = None  # type: ignore[valid-type]
    status: Literal["live", "draft"] | None = None
    size: int | None = Field(None, le=10)
    location: Place | None = None
    properties: OpenObject | None = None
    ids: list[Id] | None = None
    at: Timestamp | None = None
    day: Day | None = None
    name: Text | None = None
    id: Id | None = None
    sku: CatalogId | None = None


def fault(**arguments: object) -> str:
    with pytest.raises(ArgumentsError) as raised:
        check_arguments(Person, arguments)
    return str(raised.value)


def test_an_unknown_argument_is_refused_with_the_nearest() -> None:
    assert fault(emial="a@example.com") == "unknown argument 'emial': did you mean email?"


def test_an_unknown_key_of_an_object_is_refused_with_the_nearest() -> None:
    assert fault(location={"citty": "Oslo"}) == "unknown argument 'location.citty': did you mean city?"


def test_all_errors_are_reported_at_once() -> None:
    assert fault(email="nobody", phone_number="555") == (
        'email: "nobody" is not an e-mail address; '
        'phone_number: "555" is not a phone number in E.164 form such as +14155550123'
    )


@pytest.mark.parametrize("id_", ["", "  ", "../lists/x?y=1", "a/b", "..", "a b", "a%2Fb", "x\x00", "x\u202ey", "a#b"])
def test_a_hostile_or_empty_id_is_refused(id_: str) -> None:
    assert fault(id=id_).startswith("id: ")


@pytest.mark.parametrize("id_", ["01GDDKASAP8TKDDA2GRZDSVP4H", "event:klaviyo.sent_sms", "10OFF-CODE", "Y6nRLr"])
def test_klaviyo_ids_are_accepted(id_: str) -> None:
    assert check_arguments(Person, {"id": f" {id_} "}).id == id_


def test_a_catalog_id_can_contain_any_printable_character() -> None:
    assert check_arguments(Person, {"sku": "$custom:::$default:::A/B 1"}).sku == "$custom:::$default:::A/B 1"
    assert "catalog ids look like" in fault(sku="")


def test_json_text_is_decoded_where_an_object_or_array_is_expected() -> None:
    arguments = check_arguments(
        Person, {"location": '{"city": "Oslo"}', "properties": '{"vip": true}', "ids": '["a", "b"]'}
    )
    assert arguments.location == Place(city="Oslo")
    assert arguments.properties == {"vip": True}
    assert arguments.ids == ["a", "b"]


def test_a_lone_value_and_a_comma_list_become_an_array() -> None:
    assert check_arguments(Person, {"ids": "a"}).ids == ["a"]
    assert check_arguments(Person, {"ids": "a, b"}).ids == ["a", "b"]


def test_numeric_strings_become_numbers_and_numbers_ids() -> None:
    assert check_arguments(Person, {"size": "5"}).size == 5
    assert check_arguments(Person, {"id": 123}).id == "123"


def test_null_means_not_given_unless_it_clears() -> None:
    assert check_arguments(Person, {"email": None, "size": None}).model_fields_set == set()
    assert check_arguments(Person, {"first_name": None}).model_fields_set == {"first_name"}


@pytest.mark.parametrize(
    ("given_", "sent"),
    [
        ("2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        ("2026-03-01T09:00:00+02:00", "2026-03-01T09:00:00+02:00"),
        ("2026-03-01 09:00", "2026-03-01T09:00:00Z"),
        ("2026-03-01", "2026-03-01T00:00:00Z"),
    ],
)
def test_times_are_iso_8601_with_an_offset(given_: str, sent: str) -> None:
    assert check_arguments(Person, {"at": given_}).at == sent


def test_an_invalid_time_or_date_is_refused_with_an_example() -> None:
    assert fault(at="tomorrow") == "at: 'tomorrow' is not an ISO 8601 time such as 2026-03-01T09:00:00Z"
    assert fault(day="1 March") == "day: '1 March' is not a date such as 2026-03-01"


def test_a_value_outside_its_choices_is_refused_with_the_choices() -> None:
    assert fault(status="active") == "status: should be 'live' or 'draft', not \"active\""


def test_blank_text_is_refused() -> None:
    assert fault(name=" ") == "name: is empty"


def test_nearest_finds_misspellings_and_parts() -> None:
    assert nearest("get_profile", ["get_lists", "get_profiles", "create_list"])[0] == "get_profiles"
    assert nearest("flow-trigger", ["tags", "flow-triggers"]) == ["flow-triggers"]
    assert nearest("zzz", ["tags"]) == []


def test_resolve_name_treats_hyphen_and_underscore_alike() -> None:
    assert resolve_name("flow_triggers", ["flow-triggers"], "include") == "flow-triggers"


def test_the_place_of_an_optional_field_is_found() -> None:
    class Some(Arguments):
        outer: Annotated[str | None, Query("a")] = None
        inner: Annotated[str, Query("b")] | None = None

    assert [place_of(field) for field in Some.model_fields.values()] == [Query("a"), Query("b")]


class Measured(Arguments):
    some: Annotated[list[str] | None, Field(min_length=2, max_length=3)] = None
    short: Annotated[str | None, Field(min_length=2, max_length=4)] = None
    share: Annotated[float | None, Field(gt=0, lt=1)] = None
    price: Annotated[float | None, Field(ge=0, le=0.5)] = None
    count: int | None = None
    enabled: bool | None = None
    open: OpenObject | None = None
    place: Place | None = None
    places: list[Place] | None = None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"some": ["a", "b", "c", "d"]}, "some: at most 3, not 4: split the call in 2"),
        ({"some": ["a"]}, "some: at least 2, not 1"),
        ({"some": []}, "some: is empty: give at least 2"),
        ({"short": "abcde"}, "short: at most 4 characters, not 5"),
        ({"short": "a"}, "short: at least 2 characters, not 1"),
        ({"share": 0}, "share: should be more than 0, not 0"),
        ({"share": 1}, "share: should be less than 1, not 1"),
        ({"price": -1}, "price: should be at least 0, not -1"),
        ({"price": 1}, "price: should be at most 0.5, not 1"),
        ({"price": "much"}, 'price: should be a number, not "much"'),
        ({"count": "many"}, 'count: should be a whole number, not "many"'),
        ({"count": 1.5}, "count: should be a whole number, not 1.5"),
        ({"enabled": "maybe"}, 'enabled: should be true or false, not "maybe"'),
        ({"short": ["a"]}, 'short: should be a text, not ["a"]'),
        ({"open": 5}, "open: should be an object, not 5"),
        ({"place": 5}, "place: should be an object, not 5"),
        ({"places": ["Oslo"]}, 'places.0: should be an object, not "Oslo"'),
    ],
)
def test_an_error_has_no_terms_of_pydantics(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ArgumentsError) as raised:
        check_arguments(Measured, arguments)
    assert str(raised.value) == words


@pytest.mark.slow
@given(
    st.dictionaries(st.text(max_size=12), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
)
def test_any_arguments_are_valid_or_an_arguments_error(arguments: dict[str, object]) -> None:
    try:
        check_arguments(Person, arguments)
    except ArgumentsError as error:
        assert str(error)


@given(
    st.sampled_from(list(Person.model_fields)),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists),
)
def test_any_value_of_a_known_argument_is_valid_or_an_arguments_error(name: str, value: object) -> None:
    try:
        check_arguments(Person, {name: value})
    except ArgumentsError as error:
        assert name in str(error)


def test_json_that_is_nested_too_deep_is_refused_as_text() -> None:
    class Nested(Arguments):
        properties: dict[str, int]

    with pytest.raises(ArgumentsError, match="properties"):
        check_arguments(Nested, {"properties": "[" * 100_000})
