"""Tags, their groups, and the records that have them."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.areas.tags import area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]


def test_a_tag_needs_a_name(refusal_of: Refuse) -> None:
    assert refusal_of("create_tag") == "name is required"
    assert refusal_of("create_tag", name=" ") == "name: is empty"
    assert refusal_of("update_tag_group", tag_group_id="G") == "name is required"


def test_a_tag_stays_in_its_group(refusal_of: Refuse) -> None:
    assert refusal_of("update_tag", tag_id="T", name="Spring", tag_group_id="G").startswith(
        "unknown argument 'tag_group_id': did you mean tag_id"
    )


def test_tagging_needs_ids(refusal_of: Refuse) -> None:
    assert refusal_of("tag_campaigns", tag_id="T") == "campaign_ids is required"
    assert refusal_of("tag_flows", tag_id="T", flow_ids=[]).startswith("flow_ids: is empty: give at least 1")


def test_an_id_is_not_a_path(refusal_of: Refuse) -> None:
    assert refusal_of("delete_tag", tag_id="../tags") == (
        "tag_id: '../tags' is not an id: give the id alone, not a path, URL or name"
    )


def test_an_operator_that_tags_do_not_take_is_refused_with_the_valid_ones(refusal_of: Refuse) -> None:
    assert refusal_of("get_tags", filter='greater-than(name,"x")').startswith(
        "filter: name does not take greater-than; it takes contains, ends-with, equals, starts-with"
    )


def test_tags_are_read_with_their_groups(request_of: Render) -> None:
    assert request_of("get_tags") == Request("GET", "/api/tags")
    assert request_of("get_tags", filter='contains(name,"Spring")', sort="-name", include="tag_group") == Request(
        "GET", "/api/tags", {"filter": 'contains(name,"Spring")', "sort": "-name", "include": "tag-group"}
    )


def test_a_tag_is_created_in_a_group(request_of: Render) -> None:
    assert request_of("create_tag", name="Spring", tag_group_id="G1") == Request(
        "POST",
        "/api/tags",
        body={
            "data": {
                "type": "tag",
                "attributes": {"name": "Spring"},
                "relationships": {"tag-group": {"data": {"type": "tag-group", "id": "G1"}}},
            }
        },
    )


def test_a_tag_is_renamed_and_deleted(request_of: Render) -> None:
    assert request_of("update_tag", tag_id="T1", name="Summer") == Request(
        "PATCH", "/api/tags/T1", body={"data": {"type": "tag", "id": "T1", "attributes": {"name": "Summer"}}}
    )
    assert request_of("delete_tag", tag_id="T1") == Request("DELETE", "/api/tags/T1")


def test_groups_are_read_created_renamed_and_deleted(request_of: Render) -> None:
    assert request_of("get_tag_groups", filter="equals(exclusive,true)") == Request(
        "GET", "/api/tag-groups", {"filter": "equals(exclusive,true)"}
    )
    assert request_of("create_tag_group", name="Season", exclusive="true").body == {
        "data": {"type": "tag-group", "attributes": {"name": "Season", "exclusive": True}}
    }
    assert request_of("update_tag_group", tag_group_id="G1", name="Seasons", return_fields=["name"]) == Request(
        "PATCH",
        "/api/tag-groups/G1",
        body={"data": {"type": "tag-group", "id": "G1", "attributes": {"name": "Seasons", "return_fields": ["name"]}}},
    )
    assert request_of("delete_tag_group", tag_group_id="G1") == Request("DELETE", "/api/tag-groups/G1")


def test_campaigns_and_flows_are_tagged(request_of: Render) -> None:
    assert request_of("tag_campaigns", tag_id="T1", campaign_ids="C1, C2") == Request(
        "POST",
        "/api/tags/T1/relationships/campaigns",
        body={"data": [{"type": "campaign", "id": "C1"}, {"type": "campaign", "id": "C2"}]},
    )
    assert request_of("tag_flows", tag_id="T1", flow_ids=["F1"]) == Request(
        "POST", "/api/tags/T1/relationships/flows", body={"data": [{"type": "flow", "id": "F1"}]}
    )


def test_deleting_a_tag_is_confirmed_and_tagging_is_not() -> None:
    deletes = {operation.name for operation in area if operation.effect is Effect.DELETE}
    assert deletes == {"delete_tag", "delete_tag_group"}


def test_tags_are_read_one_by_one_and_by_group(request_of: Render) -> None:
    assert request_of("get_tag", tag_id="T1", include="tag-group").query == {"include": "tag-group"}
    assert request_of("get_tag_group", tag_group_id="G1") == Request("GET", "/api/tag-groups/G1")
    assert request_of("get_tags_for_tag_group", tag_group_id="G1") == Request("GET", "/api/tag-groups/G1/tags")
    assert request_of("get_tag_group_for_tag", tag_id="T1") == Request("GET", "/api/tags/T1/tag-group")


def test_a_tag_is_added_to_and_removed_from_every_type(request_of: Render) -> None:
    for kind in ("campaign", "flow", "list", "segment"):
        path, body = f"/api/tags/T1/relationships/{kind}s", {"data": [{"type": kind, "id": "X1"}]}
        members = {"tag_id": "T1", f"{kind}_ids": ["X1"]}
        assert request_of(f"tag_{kind}s", **members) == Request("POST", path, body=body)
        assert request_of(f"remove_tag_from_{kind}s", **members) == Request("DELETE", path, body=body)
