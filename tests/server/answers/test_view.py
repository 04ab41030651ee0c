"""Fields are found by their names, hyphen or underscore alike, and become sparse fieldsets that Klaviyo accepts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest

from klaviyo_mcp.answers.view import (
    FieldError,
    View,
    choose_fields,
    needed_additional_fields,
    needed_includes,
    sparse_fieldsets,
)
from klaviyo_tools.resource_types import ResourceType

PROFILE = ResourceType(
    "profile",
    columns=("email", "location.city", "created"),
    fields=(
        "email",
        "first_name",
        "location",
        "location.city",
        "location.country",
        "properties",
        "created",
        "subscriptions",
    ),
    label=("email", "phone_number"),
    facet=None,
    date="created",
    relationships={"lists": "list", "push-tokens": "push-token"},
    untrusted=("email",),
    additional_columns=("subscriptions.email.marketing.consent",),
)
LIST = ResourceType("list", ("name",), ("name", "created"), ("name",), None, "created", {"tags": "tag"}, ())
TOKEN = ResourceType("push-token", ("platform",), ("platform",), (), None, None, {}, ())
NEW = ResourceType("new-thing", (), (), ("name",), None, None, {}, ("*",))
ACCEPTED: Mapping[str, Collection[str]] = {
    "profile": PROFILE.fields,
    "list": LIST.fields,
    "push-token": TOKEN.fields,
}


def resources(type_: str) -> ResourceType:
    return {"profile": PROFILE, "list": LIST, "push-token": TOKEN, "new-thing": NEW}[type_]


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        ("emial", "a profile has no field 'emial'; did you mean email?"),
        (
            "location.ctiy",
            "a profile has no field 'location.ctiy'; did you mean location.city, location.country or location?",
        ),
        ("list.name", "a profile has no field 'list.name'; did you mean first_name or lists?"),
        ("lists.nmae", "a list has no field 'nmae'; did you mean name?"),
        (
            "zzz",
            "a profile has no field 'zzz'; it has email, first_name, location, location.city, location.country, "
            "properties, created, subscriptions",
        ),
        ("x" * 101, f"field {'x' * 40!r}… is longer than 100 characters"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest(field: str, fault: str) -> None:
    with pytest.raises(FieldError) as error:
        choose_fields(PROFILE, [field], ACCEPTED, resources)
    assert str(error.value) == fault
    with pytest.raises(FieldError):
        sparse_fieldsets(PROFILE, View([field]), ACCEPTED, resources)


def test_more_fields_than_the_most_columns_are_refused() -> None:
    with pytest.raises(FieldError) as error:
        choose_fields(PROFILE, [f"properties.p{n}" for n in range(41)], ACCEPTED, resources)
    assert str(error.value) == "41 fields are too many: name at most 40, or ask for detail=full"


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (["first-name", "Email", "email", "id"], ("first_name", "email")),
        (["properties.vip", "properties.Shoe Size"], ("properties.vip", "properties.Shoe Size")),
        (["push_tokens.platform", "lists"], ("push-tokens.platform", "lists")),
        (["location"], ("location",)),
    ],
)
def test_fields_are_found_with_hyphens_or_underscores_and_below_open_attributes(
    fields: list[str], names: tuple[str, ...]
) -> None:
    assert choose_fields(PROFILE, fields, ACCEPTED, resources) == names


def test_a_type_that_nobody_declared_takes_any_field() -> None:
    assert choose_fields(NEW, ["anything.at_all"], {}, resources) == ("anything.at_all",)


def test_an_operation_without_sparse_fieldsets_still_checks_the_fields_of_its_type() -> None:
    assert choose_fields(PROFILE, ["first_name"], {}, resources) == ("first_name",)
    with pytest.raises(FieldError):
        choose_fields(PROFILE, ["emial"], {}, resources)
    assert sparse_fieldsets(PROFILE, View(["first_name"]), {}, resources) == {}


@pytest.mark.parametrize(
    ("view", "query"),
    [
        (View(), {"fields[profile]": "email,location.city,created"}),
        (View(["first_name"]), {"fields[profile]": "first_name"}),
        (View(["properties.vip"]), {"fields[profile]": "properties"}),
        (View(detail="full"), {}),
        (View(["first_name"], detail="full"), {"fields[profile]": "first_name"}),
        (View(include=["lists"]), {"fields[profile]": "email,location.city,created", "fields[list]": "name"}),
        (View(include=["lists"], detail="full"), {"fields[list]": "name"}),
        (View(include=["push-tokens"]), {"fields[profile]": "email,location.city,created"}),
        (View(["lists.created"]), {"fields[profile]": "email", "fields[list]": "name,created"}),
        (View(additional=["subscriptions"]), {"fields[profile]": "email,location.city,created,subscriptions"}),
    ],
)
def test_the_request_asks_for_the_fields_of_the_view_and_no_more(view: View, query: dict[str, str]) -> None:
    assert sparse_fieldsets(PROFILE, view, ACCEPTED, resources) == query


def test_an_attribute_of_which_only_members_are_accepted_asks_for_all_of_them() -> None:
    accepted = {"profile": ("location.country", "location.city")}
    assert sparse_fieldsets(PROFILE, View(["location"]), accepted, resources) == {
        "fields[profile]": "location.city,location.country"
    }


def test_fields_need_their_relationships_and_additional_fields() -> None:
    assert needed_includes(PROFILE, ["email", "lists.name", "lists.created", "push-tokens"]) == ("lists",)
    assert needed_additional_fields(["email", "subscriptions.email"], ["predictive_analytics", "subscriptions"]) == (
        "subscriptions",
    )
