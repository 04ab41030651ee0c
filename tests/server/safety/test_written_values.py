"""A write sends what its preview and later answers show, and nothing that an answer shortened or escaped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.sandbox_server import confirmation_code, sandbox_server

from klaviyo_mcp.answers.values import cell, fit
from klaviyo_mcp.safety.written_values import MarkError, clean_written_values
from klaviyo_mcp.untrusted import clean_value, mark_untrusted

pytestmark = pytest.mark.anyio

HTML = "<p>❤️ 1️⃣ 👩\u200d🍳 می\u200cخواهم</p>"  # noqa: RUF001


async def test_emoji_and_joiners_are_sent_and_shown_as_they_are() -> None:
    server = sandbox_server()
    answer = await server.run("create_template", name="Tea", editor_type="CODE", html=HTML)
    assert not answer.startswith("ERROR")
    template = next(iter(server.sandbox.store.all("template")))
    assert template.attributes["html"] == HTML
    shown = await server.run("get_template", template_id=template.id, fields=["html"])
    assert HTML in shown


async def test_a_preview_shows_what_is_sent() -> None:
    server = sandbox_server(confirm="writes")
    arguments = {"name": f"Tea {HTML[3:-4]} in\u200bvisible"}
    preview = await server.run("create_list", **arguments)
    assert HTML[3:-4] in preview
    assert "in\u200bvisible" not in preview
    await server.run("create_list", **arguments, confirmation=confirmation_code(preview))
    assert [record.attributes["name"] for record in server.sandbox.store.all("list")] == [f"Tea {HTML[3:-4]} invisible"]


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<p>Hello …(+100,579)", "html ends in the note of a value that was cut"),
        ("<p>⏎</p>", "html holds ⏎, as tables write a line break"),
        (mark_untrusted("<p>Hello</p>"), "html holds a line that marks data in an answer"),
        ("(nested too deeply to show)", "html is the note of a value that is not shown"),
    ],
)
async def test_a_mark_of_an_answer_is_not_written(html: str, reason: str) -> None:
    server = sandbox_server()
    answer = await server.run("create_template", name="Tea", editor_type="CODE", html=html)
    assert answer.startswith(f"ERROR: create_template was not sent: {reason}")
    assert server.writes() == []


@pytest.mark.parametrize(
    "replacement",
    [
        {"find": "a", "replace": "⏎"},
        {"find": "Press ⏎", "replace": "Hello …(+12)"},
        {"find": "a …(+12)", "replace": "Hello …(+13)"},
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_replacement_writes_no_mark(replacement: dict[str, Any], as_json: bool) -> None:
    arguments = {"replacements": [replacement]}
    with pytest.raises(MarkError, match=r"^replacements\[0\]\.replace "):
        clean_written_values({"replacements": json.dumps([replacement])} if as_json else arguments)


@pytest.mark.parametrize(
    "replacement", [{"find": "⏎ a…(+12)", "replace": "b…(+12) ⏎"}, {"find": "…(+9)", "replace": ""}]
)
def test_what_a_replacement_finds_in_the_stored_text_is_no_mark(replacement: dict[str, Any]) -> None:
    assert clean_written_values({"replacements": [replacement]}) == {"replacements": [replacement]}
    assert clean_written_values({"replacements": json.dumps([replacement])}) == {"replacements": [replacement]}


@pytest.mark.parametrize(
    "definition",
    [
        {"body": {"sections": [{"text": "Dear …(+100)"}]}},
        {"body": {"sections": [{"text": "a", "…": "(+2 more)"}]}},
        {"body": {"a⏎b": 1}},
    ],
)
def test_a_mark_inside_a_nested_value_is_refused(definition: dict[str, Any]) -> None:
    with pytest.raises(MarkError, match=r"^definition\.body"):
        clean_written_values({"definition": definition})


@given(
    st.recursive(
        st.text(min_size=60, max_size=400),
        lambda inner: st.lists(inner, min_size=1) | st.dictionaries(st.text("abc"), inner, min_size=1),
    )
)
def test_a_value_that_was_cut_to_fit_cannot_be_written(value: Any) -> None:
    cut = fit(value, 60)
    if clean_value(value) != clean_value(cut):
        with pytest.raises(MarkError):
            clean_written_values(cut)


@given(st.lists(st.text(), min_size=1), st.integers(1, 40))
def test_a_cell_that_lost_something_cannot_be_written(parts: list[str], limit: int) -> None:
    text = " ".join(parts)
    shown = cell(text, limit)
    if len(shown) != len(text) or "\n" in text:
        try:
            written = clean_written_values(shown)
        except MarkError:
            return
        assert written == cell(text, 10_000)


@pytest.mark.parametrize("value", [{"…": "(+3 more)", "a": 1}, {"a": [{"b": "x …(+12 more)"}]}, '{"a":"\\u23ce"}'])
def test_a_mark_inside_a_value_is_found(value: Any) -> None:
    with pytest.raises(MarkError):
        clean_written_values({"properties": value})


@pytest.mark.parametrize("text", ["Wait… (+3)", "data-id", '<p data-0123abcd="1">', "data-0123abcd is", "More…"])
def test_ordinary_text_is_written(text: str) -> None:
    assert clean_written_values({"a": [text]}) == {"a": [text]}
