"""Segments: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.segments import area
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

EXAMPLE = (
    '{"condition_groups": [{"conditions": [{"type": "profile-group-membership", "is_member": true, '
    '"group_ids": ["Y6nRLr"]}]}]}'
)
MORE = f"{EXAMPLE}; describe_tool(klaviyo://guide/segment-definition) says more"
RULES = {
    "condition_groups": [
        {"conditions": [{"type": "profile-group-membership", "is_member": True, "group_ids": ["Y6nRLr"]}]}
    ]
}


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (
            {"conditions": []},
            f"definition: takes condition_groups (all must hold), a list of groups, and nothing else: {MORE}",
        ),
        (
            {"condition_groups": [{"type": "profile-metric"}]},
            f"definition: condition_groups.0 needs conditions (one must hold), a list: {MORE}",
        ),
        (
            {"condition_groups": [*RULES["condition_groups"], {"conditions": [{"is_member": True}]}]},
            f"definition: each condition in condition_groups.1 is an object with a type: {MORE}",
        ),
    ],
)
def test_rules_of_the_wrong_shape_are_refused_with_a_correct_example(
    refusal_of: RefusalOf, definition: dict[str, object], message: str
) -> None:
    assert refusal_of("create_segment", name="VIP", definition=definition) == message
    assert refusal_of("update_segment", segment_id="S1", definition=definition) == message


def test_creating_a_segment(request_of: RequestOf) -> None:
    assert request_of("create_segment", name="VIP", definition=RULES, is_starred=True) == Request(
        "POST",
        "/api/segments",
        {},
        {"data": {"type": "segment", "attributes": {"name": "VIP", "definition": RULES, "is_starred": True}}},
    )


def test_rules_may_come_as_text(request_of: RequestOf) -> None:
    sent = request_of("create_segment", name="VIP", definition=EXAMPLE)
    assert sent.body["data"]["attributes"]["definition"] == RULES


def test_changing_a_segment(request_of: RequestOf) -> None:
    assert request_of("update_segment", segment_id="S1", is_active=False) == Request(
        "PATCH", "/api/segments/S1", {}, {"data": {"type": "segment", "id": "S1", "attributes": {"is_active": False}}}
    )
    assert request_of("delete_segment", segment_id="S1") == Request("DELETE", "/api/segments/S1")


def test_reading_segments(request_of: RequestOf) -> None:
    operation = area.operations["get_segments"]
    query = {"fields[segment]": "name,created,updated"}
    assert operation.request(operation.arguments(), query) == Request("GET", "/api/segments", query)
    assert request_of("get_segments", filter={"is_active": True}) == Request(
        "GET", "/api/segments", {"filter": "equals(is_active,true)"}
    )
    assert request_of("get_profiles_for_segment", segment_id="S1", sort="-joined_group_at") == Request(
        "GET", "/api/segments/S1/profiles", {"sort": "-joined_group_at"}
    )


def test_the_size_of_a_segment_lowers_the_limits(request_of: RequestOf) -> None:
    assert request_of("get_segment", segment_id="S1", additional_fields="profile_count") == Request(
        "GET", "/api/segments/S1", {"additional-fields[segment]": "profile_count"}
    )
    operation = area.operations["get_segment"]
    arguments = check_arguments(operation.arguments, {"segment_id": "S1", "additional_fields": ["profile_count"]})
    assert operation.rate_of(arguments).steady == 15
