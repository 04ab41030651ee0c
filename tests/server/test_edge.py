"""No secret leaves the process, in whichever form a text holds it."""

from __future__ import annotations

import csv
import io
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.edge import Redactor

SECRET = 'k"ey\\with /ø+%'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        json.dumps({"key": SECRET}),
        json.dumps({"key": SECRET}, ensure_ascii=False),
        repr({"key": SECRET}),
        quote(SECRET),
        quote(SECRET, safe=""),
    ],
    ids=["plain", "JSON", "JSON in Unicode", "Python", "a path", "a query"],
)
def test_a_secret_is_found_however_it_is_escaped(text: str) -> None:
    redacted = Redactor([SECRET])(text)
    assert "***" in redacted
    assert "with" not in redacted


def test_a_secret_in_a_cell_of_csv_is_found() -> None:
    row = io.StringIO()
    csv.writer(row).writerow(["a,b", SECRET])
    assert "with" not in Redactor([SECRET])(row.getvalue())


def test_a_secret_inside_another_goes_with_the_longer_one() -> None:
    assert Redactor(["token", "token-of-ann"], "[hidden]")("token-of-ann token") == "[hidden] [hidden]"


@pytest.mark.parametrize("secrets", [[], [""]])
def test_without_a_secret_nothing_is_changed(secrets: list[str]) -> None:
    assert Redactor(secrets)("any text") == "any text"


@given(st.text(min_size=4), st.text(), st.text())
def test_what_stands_around_a_secret_stays(secret: str, before: str, after: str) -> None:
    redacted = Redactor([secret], "")(f"{before}{secret}{after}")
    assert len(redacted) <= len(before) + len(after)


@pytest.mark.parametrize("cut", ["…", "'…", "…(+12)"])
def test_the_beginning_of_a_secret_that_a_text_cuts_is_found(cut: str) -> None:
    secret = "mtn_0123456789abcdef"
    assert Redactor([secret])(f"x {secret[:15]}{cut}") == f"x ***{cut}"
    assert Redactor([secret])(f"x {secret[:15]} is no secret") == f"x {secret[:15]} is no secret"


def test_a_value_without_a_secret_is_the_same_object() -> None:
    value = {"content": [{"text": "any"}], "isError": False}
    assert Redactor(["a-long-secret"]).value(value) is value
    assert Redactor(["a-long-secret"], "*").value({"a": ["a-long-secret", 1]}) == {"a": ["*", 1]}
