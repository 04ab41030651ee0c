"""Updates: which objects are merged, and which are replaced."""

from __future__ import annotations

from typing import Any

import pytest

from klaviyo_mcp.sandbox.api.patches import MERGED, apply_patch


@pytest.mark.parametrize("path", sorted(MERGED))
def test_an_object_in_the_table_is_merged_key_by_key(path: tuple[str, ...]) -> None:
    type_, *names = path
    stored: dict[str, Any] = {"a": 1, "b": 2}
    changes: dict[str, Any] = {"b": 3}
    expected: dict[str, Any] = {"a": 1, "b": 3}
    for name in reversed(names):
        stored, changes, expected = {name: stored}, {name: changes}, {name: expected}
    before = stored[names[0]]
    apply_patch(type_, stored, changes)
    assert stored == expected
    assert before is not stored[names[0]]


@pytest.mark.parametrize(
    ("type_", "stored", "changes", "expected"),
    [
        ("template", {"definition": {"a": 1}}, {"definition": {"b": 2}}, {"definition": {"b": 2}}),
        ("campaign", {"send_options": {"a": 1}}, {"send_options": {"b": 2}}, {"send_options": {"b": 2}}),
        ("profile", {"location": {"a": 1}}, {"location": None}, {"location": None}),
        ("profile", {"location": {"a": 1}}, {"location": {"b": 2}}, {"location": {"b": 2}}),
        ("profile", {"location": None}, {"location": {"a": 1}}, {"location": {"a": 1}}),
        ("catalog-item", {"custom_metadata": {"a": 1}}, {"custom_metadata": {"b": 2}}, {"custom_metadata": {"b": 2}}),
        ("profile", {"properties": {"a": {"b": 1}}}, {"properties": {"a": {"c": 2}}}, {"properties": {"a": {"c": 2}}}),
        ("profile", {"title": "T", "email": "a"}, {"title": None}, {"title": None, "email": "a"}),
    ],
)
def test_everything_else_is_replaced(
    type_: str, stored: dict[str, Any], changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    apply_patch(type_, stored, changes)
    assert stored == expected
