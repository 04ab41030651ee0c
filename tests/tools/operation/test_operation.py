"""Arguments, request, limits, effect and sparse fields derive from the declaration."""

from __future__ import annotations

import pytest

from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.types import Arguments, CatalogId, clearable
from klaviyo_tools.fieldsets import accepted_fields
from klaviyo_tools.operation.area import XS, Area, L, M
from klaviyo_tools.operation.facts import AnswerKind, Effect, Rate
from klaviyo_tools.operation.request import Request


class Status(Arguments):
    status: str


area = Area("things")
things = area.collection(
    "get_things",
    "/api/lists/{list_id}/things",
    "list",
    "Things.",
    rate=L,
    filter={"name": "any equals"},
    sort=("name",),
    include=("tags",),
    additional_fields=("profile_count",),
    lower_rates={"profile_count": XS},
    max_page_size=100,
)
required = area.collection(
    "get_other", "/api/other", "campaign", "Other.", rate=M, filter={"channel": "equals"}, filter_required=("channel",)
)
update = area.update(
    "update_thing", "/api/things/{thing_id}", "flow", Status, "Update.", rate=M, effect=Effect.REACHES_PEOPLE
)


def test_a_read_carries_its_query_and_encodes_its_path() -> None:
    arguments = check_arguments(
        things.arguments,
        {"list_id": "a:b+c", "filter": 'equals(name,"x")', "sort": "-name", "include": "tags", "max_results": 5},
    )
    assert things.request(arguments, {"page[size]": "5"}) == Request(
        "GET",
        "/api/lists/a%3Ab%2Bc/things",
        {"filter": 'equals(name,"x")', "sort": "-name", "include": "tags", "page[size]": "5"},
    )


def test_additional_fields_lower_the_limits() -> None:
    plain = check_arguments(things.arguments, {"list_id": "a"})
    slow = check_arguments(things.arguments, {"list_id": "a", "additional_fields": ["profile_count"]})
    assert things.rate_of(plain) == L
    assert things.rate_of(slow) == XS
    assert things.request(slow).query == {"additional-fields[list]": "profile_count"}


def test_an_update_that_would_change_nothing_is_refused() -> None:
    class Changes(Arguments):
        name: str | None = None
        title: clearable(str) = None  # type: ignore[valid-type]

    path = "/api/things/{thing_id}"
    rename = Area("other").update("rename_thing", path, "flow", Changes, "Rename.", rate=M)
    for nothing in ({"thing_id": "T"}, {"thing_id": "T", "name": None}):
        with pytest.raises(ArgumentsError) as raised:
            check_arguments(rename.arguments, nothing)
        assert str(raised.value) == "arguments: nothing to change: give at least one of name, title"
    body = rename.request(check_arguments(rename.arguments, {"thing_id": "T", "title": None})).body
    assert body == {"data": {"type": "flow", "attributes": {"title": None}, "id": "T"}}


def test_an_update_names_its_record_in_path_and_body() -> None:
    request = update.request(check_arguments(update.arguments, {"thing_id": "F", "status": "draft"}))
    assert (request.method, request.path) == ("PATCH", "/api/things/F")
    assert request.body == {"data": {"type": "flow", "id": "F", "attributes": {"status": "draft"}}}


def test_a_required_filter_is_a_required_argument() -> None:
    with pytest.raises(ArgumentsError, match=r'^filter is required, such as equals\(channel,"email"\)$'):
        check_arguments(required.arguments, {})


def test_sparse_fields_leave_out_fields_that_only_other_operations_answer() -> None:
    assert "profile_count" in accepted_fields(things)["list"]
    assert accepted_fields(things)["tag"] == {"name"}
    assert accepted_fields(things, "2026-07-15")["tag"] == {"id", "name"}
    assert accepted_fields(update) == {}


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        area.delete("get_things", "/api/x/{x_id}", "list", "Again.", rate=M)


def test_daily_limits_keep_burst_and_steady() -> None:
    assert M.daily(150) == Rate(10, 150, 150)
    assert things.answer is AnswerKind.COLLECTION


def test_only_a_replacement_takes_an_empty_list_of_members() -> None:
    replace = area.relate(
        "update_tags_for_thing", "/api/things/{thing_id}/relationships/tags", "tag", "Replace.", rate=M, method="PATCH"
    )
    add = area.relate("add_tags_to_thing", "/api/things/{thing_id}/relationships/tags", "tag", "Add.", rate=M)
    with pytest.raises(ArgumentsError, match=r"^tag_ids: is empty: give at least 1"):
        check_arguments(add.arguments, {"thing_id": "T", "tag_ids": []})
    empty = check_arguments(replace.arguments, {"thing_id": "T", "tag_ids": []})
    assert replace.request(empty).body == {"data": []}
    many = check_arguments(add.arguments, {"thing_id": "T", "tag_ids": [f"t{n}" for n in range(2000)]})
    assert len(add.request(many).body["data"]) == 2000


def test_an_operation_can_have_its_own_type_of_ids() -> None:
    plain = area.record("get_plain", "/api/plain/{plain_id}", "tag", "Plain.", rate=M)
    product = area.record("get_product", "/api/products/{product_id}", "tag", "Product.", rate=M, id_type=CatalogId)
    with pytest.raises(ArgumentsError, match="is not an id"):
        check_arguments(plain.arguments, {"plain_id": "50% off"})
    request = product.request(check_arguments(product.arguments, {"product_id": "50% off"}))
    assert request.path == "/api/products/50%25%20off"
