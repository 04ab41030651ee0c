"""A value is one line in a cell, and fits into any room with a note of how much was cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.answers.records import PROFILE, VALUES, page, resources

from klaviyo_mcp.answers import record
from klaviyo_mcp.answers.collection import collection_text
from klaviyo_mcp.answers.values import cell, fit, json_bytes, value_at
from klaviyo_mcp.answers.view import View
from klaviyo_tools.jsonapi.records import Record


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (0, "0"),
        (1.5, "1.5"),
        ("2026-01-05T09:00:00.999999+00:00", "2026-01-05T09:00:00Z"),
        ("2026-01-05 09:00:00", "2026-01-05T09:00:00"),
        ("2026-01-05T00:30:00+0200", "2026-01-04T22:30:00Z"),
        ("2026-01-05", "2026-01-05"),
        ("2026-99-99T99:99:99+02:00", "2026-99-99T99:99:99+02:00"),
        (["a", 1, None, True], "a; 1; ; true"),
        ([], ""),
        ({"a": [1, {"b": "ü"}]}, '{"a":[1,{"b":"ü"}]}'),
        ([{"a": 1}], '[{"a":1}]'),
        ("two\nlines\tand a tab", "two⏎lines and a tab"),
    ],
)
def test_a_value_is_one_line_in_a_cell(value: Any, text: str) -> None:
    assert cell(value) == text


def test_a_path_leads_through_objects_arrays_and_names_with_dots() -> None:
    attributes = {"a": {"b.c": 1, "d": [{"e": 2}, {"e": 3}, {}]}, "x": None}
    assert value_at(attributes, ["a", "b", "c"]) == 1
    assert value_at(attributes, ["a", "d", "e"]) == [2, 3]
    assert value_at(attributes, ["x", "y"]) is None
    assert value_at(attributes, ["nothing"]) is None


@given(VALUES, st.integers(60, 3_000))
def test_a_value_is_cut_to_any_room(value: Any, room: int) -> None:
    fitted = fit(value, room)
    assert json_bytes(fitted) <= room
    if json_bytes(value) <= room:
        assert fitted == value


def test_a_value_nested_too_deeply_is_replaced_by_a_note() -> None:
    value: Any = "x"
    for _ in range(100_000):
        value = [value]
    assert cell(value) == '"(nested too deeply to show)"'
    flat = Record("profile", "P1", {"properties": value, "email": "a@example.com"}, {})
    for view in (View(), View(["properties", "email"])):
        line = record.record_text(flat, PROFILE, view=view, resources=resources).split("\n")[2]
        assert "(nested too deeply to show)" in line
        assert json.loads(line)["email"] == "a@example.com"
    text = collection_text(PROFILE, page([flat]), view=View(detail="full"), resources=resources)
    assert "P1" in text
    hidden = record.record_text(flat, PROFILE, view=View(hide=True), resources=resources)
    assert hidden == 'hidden by KLAVIYO_MCP_USER_CONTENT: email, first_name, properties\n{"id":"P1"}'
