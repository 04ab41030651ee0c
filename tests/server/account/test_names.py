"""Filters for records by their ids are written so that no id can change them."""

from __future__ import annotations

from klaviyo_mcp.account.names import any_id


def test_ids_in_filters_are_escaped() -> None:
    assert any_id(['a"b', "c\\d"]) == 'any(id,["a\\"b","c\\\\d"])'
