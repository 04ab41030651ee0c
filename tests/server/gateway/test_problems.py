"""From the body of an error to what is shown of it."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_mcp.gateway.options import RequestContext, RequestOptions
from klaviyo_mcp.gateway.problems import Problem, argument_of
from klaviyo_mcp.gateway.retry import RequestKind

CONTEXT = RequestContext(RequestOptions("get_lists", RequestKind.READ))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ({"pointer": "/data/attributes/email"}, "email"),
        ({"pointer": "/data/attributes/location/address1"}, "location.address1"),
        ({"pointer": "/data/attributes/send-strategy/datetime"}, "send_strategy.datetime"),
        ({"pointer": "/data/attributes/profiles/data/3/attributes/email"}, "profiles[3].email"),
        ({"pointer": "/data/relationships/list/data/id"}, "list_id"),
        ({"pointer": "/data/relationships/list/data"}, "list_id"),
        ({"pointer": "/data/relationships/tag-group/data/id"}, "tag_group_id"),
        ({"pointer": "/data/relationships/profiles/data/2/id"}, "profile_ids[2]"),
        ({"pointer": "/data/relationships/categories/data/0/id"}, "category_ids[0]"),
        ({"pointer": "/data/4/id"}, "member_ids[4]"),
        ({"pointer": "/data/id"}, "profile_id"),
        ({"pointer": "/data"}, ""),
        ({"pointer": ""}, ""),
        ({"pointer": None}, ""),
        ({"parameter": "filter"}, "filter"),
        ({"parameter": "fields[profile]"}, "fields"),
        ({"parameter": "additional-fields[profile]"}, "additional_fields"),
        ({"parameter": "page[size]"}, "max_results"),
        ({"parameter": "page[cursor]"}, "cursor"),
        ({}, ""),
    ],
)
def test_klaviyos_source_becomes_our_argument(source: dict[str, Any], name: str) -> None:
    assert argument_of(source, {"id": "profile_id", "ids": "member_ids"}) == name


@pytest.mark.parametrize("source", [None, "pointer", ["pointer"], 7])
def test_a_source_of_another_shape_names_no_argument(source: object) -> None:
    assert argument_of(source, {}) == ""


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"null", b"{", b"[" * 100_000])
def test_a_body_without_a_json_object_gives_an_empty_problem(body: bytes) -> None:
    assert Problem.read(body, CONTEXT) == Problem()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b'{"message": "No connection"}', "No connection"),
        (b'{"error": {"message": "No connection"}}', "No connection"),
        (b'{"error": "no", "detail": "No connection"}', "No connection"),
        (b'{"errors": []}', ""),
        (b'{"errors": ["text"], "title": "Bad"}', "Bad"),
        (b'{"status": 400}', ""),
    ],
)
def test_the_gateways_message_is_found_under_any_of_its_names(body: bytes, detail: str) -> None:
    problem = Problem.read(body, CONTEXT)
    assert (problem.detail, problem.is_json, problem.from_klaviyo) == (detail, True, False)
