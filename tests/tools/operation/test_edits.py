"""What an update sends: the change laid over the stored record, and nothing that Klaviyo does not take."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.operation.edits import edit_record, needs_record, settable_attributes
from klaviyo_tools.registry import registry

MESSAGE = {
    "definition": {
        "channel": "email",
        "label": "Spring",
        "content": {"subject": "Old", "preview_text": "Look", "from_email": "a@example.com", "media_url": None},
    }
}

SEGMENT = {
    "condition_groups": [{"conditions": [{"type": "profile-group-membership", "is_member": True, "group_ids": ["L"]}]}]
}


def attributes_of_update(name: str, stored: dict[str, Any], /, **arguments: Any) -> Any:
    """The attributes that a call sends over a stored record."""
    operation = registry()[name]
    ids = dict.fromkeys(operation.path_ids, "x")
    return edit_record(operation, check_arguments(operation.arguments, {**ids, **arguments}), stored).attributes


def reads(name: str, /, **arguments: Any) -> bool:
    operation = registry()[name]
    ids = dict.fromkeys(operation.path_ids, "x")
    return needs_record(operation, check_arguments(operation.arguments, {**ids, **arguments}))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("update_campaign_message", {"channel": "email", "subject": "New"}),
        ("update_campaign", {"audiences": {"included": ["L1"]}}),
        ("update_campaign", {"send_strategy": {"method": "static", "datetime": "2026-07-01T09:00:00Z"}}),
        ("update_campaign", {"tracking_options": {"is_tracking_opens": True}}),
        ("update_profile", {"location": {"city": "Oslo"}}),
        ("update_catalog_item", {"custom_metadata": {"color": "red"}}),
        ("update_coupon", {"monitor_configuration": {"low_balance_threshold": 5}}),
        ("update_tracking_setting", {"utm_source": {"flow": {"type": "static", "value": "x"}}}),
        ("update_template", {"replacements": [{"find": "a", "replace": "b"}]}),
    ],
)
def test_a_nested_object_in_part_and_a_replacement_need_the_record(name: str, arguments: dict[str, Any]) -> None:
    assert reads(name, **arguments)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("update_campaign", {"name": "N"}),
        ("update_campaign", {"audiences": {"included": ["L1"], "excluded": []}}),
        ("update_campaign", {"send_options": {"use_smart_sending": True}}),
        ("update_campaign_message", {"image_id": "7"}),
        ("update_profile", {"properties": {"size": "M"}, "title": None}),
        ("update_segment", {"definition": SEGMENT}),
        ("update_template", {"html": "<p>New</p>"}),
        ("update_flow", {"status": "draft"}),
        ("create_template", {"name": "T", "editor_type": "CODE", "html": ""}),
    ],
)
def test_every_other_call_needs_no_read(name: str, arguments: dict[str, Any]) -> None:
    operation = registry()[name]
    if operation.method == "PATCH":
        assert not reads(name, **arguments)
    else:
        assert not needs_record(operation, check_arguments(operation.arguments, arguments))


def test_the_change_is_laid_over_the_stored_object_at_every_depth() -> None:
    assert attributes_of_update("update_campaign_message", MESSAGE, channel="email", subject="New") == {
        "definition": {
            "channel": "email",
            "label": "Spring",
            "content": {"subject": "New", "preview_text": "Look", "from_email": "a@example.com"},
        }
    }


def test_what_klaviyo_answers_and_does_not_take_is_not_sent() -> None:
    stored = {"definition": {"channel": "sms", "content": {"body": "Old", "media_url": "https://example.com/a.png"}}}
    attributes = attributes_of_update("update_campaign_message", stored, channel="sms", body="New")
    assert attributes == {"definition": {"channel": "sms", "content": {"body": "New"}}}


def test_what_a_call_gives_whole_or_not_at_all_is_sent_as_it_is() -> None:
    stored = {"name": "Old", "audiences": {"included": ["L1"], "excluded": ["L2"]}, "status": "Draft"}
    assert attributes_of_update("update_campaign", stored, name="New") == {"name": "New"}
    audiences = {"included": ["L3"], "excluded": []}
    assert attributes_of_update("update_campaign", stored, audiences=audiences) == {"audiences": audiences}


def test_an_object_of_another_kind_keeps_no_member_of_the_old_one() -> None:
    static = {"method": "static", "datetime": "2026-07-01T09:00:00Z", "options": {"is_local": False}}
    stored = {"send_strategy": static, "status": {"value": "rejected", "rejection_reason": {"reason": "other"}}}
    assert attributes_of_update("update_campaign", stored, send_strategy={"method": "immediate"}) == {
        "send_strategy": {"method": "immediate"}
    }
    later = {"method": "static", "datetime": "2026-08-01T09:00:00Z"}
    assert attributes_of_update("update_campaign", stored, send_strategy=later) == {
        "send_strategy": {**static, **later}
    }
    assert attributes_of_update("update_review", stored, status="published") == {"status": {"value": "published"}}


def test_null_in_an_open_object_clears_the_member_and_leaves_the_others() -> None:
    stored = {"custom_metadata": {"color": "red", "size": "M"}}
    attributes = attributes_of_update("update_catalog_item", stored, custom_metadata={"color": None})
    assert attributes == {"custom_metadata": {"color": None, "size": "M"}}


def test_merged_objects_are_sent_in_part() -> None:
    assert attributes_of_update("update_profile", {"properties": {"a": 1}}, properties={"b": 2}) == {
        "properties": {"b": 2}
    }


def test_members_of_an_open_object_name_no_kind() -> None:
    stored = {"definition": {"channel": "mobile_push", "kv_pairs": {"type": "a", "page": "sale"}}}
    attributes = attributes_of_update("update_campaign_message", stored, channel="mobile_push", kv_pairs={"type": "b"})
    assert attributes["definition"]["kv_pairs"] == {"type": "b", "page": "sale"}


def test_a_stored_object_that_is_missing_takes_nothing_from_the_change() -> None:
    assert attributes_of_update("update_profile", {"location": None}, location={"city": "Oslo"}) == {
        "location": {"city": "Oslo"}
    }
    assert attributes_of_update("update_profile", {}, location={"city": "Oslo"}) == {"location": {"city": "Oslo"}}


def test_replacements_change_the_text_and_send_the_object_around_it_whole() -> None:
    changes = [{"find": "Old", "replace": "New"}, {"find": "New", "replace": "Newer"}]
    attributes = attributes_of_update("update_campaign_message", MESSAGE, replacements=changes)
    assert attributes["definition"] == {
        "channel": "email",
        "label": "Spring",
        "content": {"subject": "Newer", "preview_text": "Look", "from_email": "a@example.com"},
    }


def test_replacements_are_made_in_the_html_unless_they_say_otherwise() -> None:
    stored = {"html": "<p>Hi</p>", "text": "Hi", "editor_type": "CODE"}
    changes: list[dict[str, Any]] = [{"find": "Hi", "replace": "Ho"}]
    assert attributes_of_update("update_template", stored, replacements=changes) == {"html": "<p>Ho</p>"}
    assert attributes_of_update("update_template", stored, replacements=[{**changes[0], "in": "text"}]) == {
        "text": "Ho"
    }


@pytest.mark.parametrize(
    ("stored", "arguments", "text"),
    [
        ({"html": None}, {"replacements": [{"find": "a", "replace": "b"}]}, "replacements.0: the record has no html"),
        (
            {"html": "a"},
            {"html": "b", "replacements": [{"find": "a", "replace": "b"}]},
            "replacements.0: html is given whole in the same call: give one of the two",
        ),
        (
            {"html": "a"},
            {"replacements": [{"find": "a", "replace": "b", "in": "name"}]},
            "replacements.0.in takes html, text, amp",
        ),
        (
            {"html": "a", "editor_type": "SYSTEM_DRAGGABLE"},
            {"replacements": [{"find": "a", "replace": "b"}]},
            "replacements.0: the template's editor_type is SYSTEM_DRAGGABLE (drag and drop): Klaviyo makes its html "
            "from its definition, and takes no other. Change its definition, or edit it in Klaviyo",
        ),
        (
            {"html": "ab"},
            {"replacements": [{"find": "a", "replace": "b"}, {"find": "a", "replace": "c"}]},
            'replacements.1: find "a" does not stand in html (2 characters). Read the text again',
        ),
    ],
)
def test_a_replacement_that_cannot_be_made_is_refused(
    stored: dict[str, Any], arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ArgumentsError) as refused:
        attributes_of_update("update_template", stored, **arguments)
    assert str(refused.value) == text


def test_a_block_without_text_has_nothing_to_replace() -> None:
    stored = {"definition": {"content_type": "block", "type": "spacer", "data": None}}
    with pytest.raises(ArgumentsError, match="the record has no content"):
        attributes_of_update("update_universal_content", stored, replacements=[{"find": "a", "replace": "b"}])


def test_settable_attributes_are_those_of_the_request() -> None:
    assert settable_attributes(registry()["update_campaign_message"]) == ("definition",)
    assert "status" not in settable_attributes(registry()["update_campaign"])
    assert "editor_type" in settable_attributes(registry()["update_template"])
