"""Requests rendered for a gateway, and the JSON of answers, read to the values that the standard library reads."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.gateway.request import GatewayScheme, parse_json, render_request
from klaviyo_tools.operation.request import Request

_TEXT = st.text(st.characters(blacklist_categories=()))  # halves of characters too
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
)


@given(_VALUES, st.booleans())
def test_json_is_read_to_the_values_of_the_standard_library(value: object, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert parse_json(text.encode(errors="replace")) == json.loads(text.encode(errors="replace"))


@pytest.mark.parametrize(
    "content",
    [
        b'{"note": "\\ud83d"}',
        b"\xef\xbb\xbf{}",
        '{"name": "Zo\u00eb"}'.encode("utf-16"),
        b'{"a": 1, "a": 2}',
        b'{"large": 123456789012345678901234567890, "beyond": 1e999}',
        b"[" * 400 + b"]" * 400,
    ],
    ids=["half a character", "byte order mark", "UTF-16", "a name twice", "large numbers", "deep"],
)
def test_json_that_the_faster_reader_refuses_is_read_by_the_standard_library(content: bytes) -> None:
    assert parse_json(content) == json.loads(content)


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1}{', b'{"a": "\xff"}', b"<html>", b"[" * 100_000])
def test_a_body_that_is_not_json_raises(content: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        parse_json(content)


def test_another_way_to_klaviyo_is_another_scheme() -> None:
    direct = GatewayScheme("Klaviyo-API-Key", "", None)
    rendered = render_request(
        Request("GET", "/api/lists"),
        base="https://a.klaviyo.com",
        key="pk_1",
        revision="2026-01-15",
        connection="conn-1",
        scheme=direct,
    )
    assert (rendered.method, rendered.url) == ("GET", "https://a.klaviyo.com/api/lists")
    assert rendered.headers == {
        "Authorization": "Klaviyo-API-Key pk_1",
        "Accept": "application/vnd.api+json",
        "revision": "2026-01-15",
        "X-Klaviyo-Revision-Fall-Forward-Opt-Out": "1",
    }
