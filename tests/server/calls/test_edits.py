"""Updates lose nothing: read directly before, sent whole, compared after; a text is edited where it is stored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import pytest
from tests.server.sandbox_server import SandboxServer, sandbox_server

from klaviyo_mcp.sandbox.http import HttpRequest, HttpResponse

pytestmark = pytest.mark.anyio

EMAIL = {
    "channel": "email",
    "label": "Spring",
    "content": {"subject": "Old", "preview_text": "Look", "from_email": "a@example.com", "from_label": "A"},
}
HTML = "<p>Press ⏎ to shop</p>\r\n<p>Sale ❤️ Sale</p>"


def with_message(definition: dict[str, Any] | None = None) -> SandboxServer:
    server = sandbox_server(confirm="never")
    server.put("campaign", "C1", {"campaign-messages": ["M1"]}, name="C", status="Draft", audiences={"included": []})
    server.put("campaign-message", "M1", {"campaign": "C1"}, definition=definition or EMAIL, updated_at="2026-01-01")
    return server


def with_template(**attributes: Any) -> SandboxServer:
    server = sandbox_server(confirm="never")
    server.put("template", "T1", **{"name": "T", "editor_type": "CODE", "html": HTML, "text": "Sale", **attributes})
    return server


def stored(server: SandboxServer, type_: str, id_: str) -> dict[str, Any]:
    record = server.sandbox.store.get(type_, id_)
    assert record is not None
    return record.attributes


def before_write(server: SandboxServer, monkeypatch: pytest.MonkeyPatch, change: Callable[[], None]) -> None:
    """Have somebody else change the account after the server's read and before its write."""
    respond = server.sandbox.respond

    async def respond_after_change(request: HttpRequest) -> HttpResponse:
        if request.method == "PATCH":
            change()
        return await respond(request)

    monkeypatch.setattr(server.sandbox, "respond", respond_after_change)


async def test_a_change_of_the_subject_keeps_the_rest_of_the_message() -> None:
    server = with_message()
    await server.run("update_campaign_message", campaign_message_id="M1", channel="email", subject="New")
    content = {**EMAIL["content"], "subject": "New"}  # type: ignore[dict-item]
    assert stored(server, "campaign-message", "M1")["definition"] == {**EMAIL, "content": content}
    of_message = [request for request in server.requests() if "campaign-messages" in request]
    assert of_message == ["GET /klaviyo/api/campaign-messages/M1", "PATCH /klaviyo/api/campaign-messages/M1"]


async def test_calls_at_once_lose_nothing_of_each_other() -> None:
    server = with_message()
    changes = {"subject": "S", "preview_text": "P", "from_label": "F", "from_email": "f@example.com", "label": "L"}
    async with anyio.create_task_group() as group:
        for name, value in changes.items():
            arguments = {"campaign_message_id": "M1", "channel": "email", name: value}
            group.start_soon(partial(server.run, "update_campaign_message", **arguments))
    content = {name: value for name, value in changes.items() if name != "label"}
    assert stored(server, "campaign-message", "M1")["definition"] == {
        "channel": "email",
        "label": "L",
        "content": content,
    }


async def test_a_call_that_fails_lets_the_next_one_run() -> None:
    server = with_message()
    server.sandbox.faults.add(status=403, method="PATCH", times=1)
    arguments = {"campaign_message_id": "M1", "channel": "email", "subject": "S"}
    assert (await server.run("update_campaign_message", **arguments)).startswith("ERROR")
    assert not (await server.run("update_campaign_message", **arguments)).startswith("ERROR")


@pytest.mark.parametrize("fault", [{"status": 404}, {"status": 403}, {"status": 200, "body": "{}"}])
async def test_a_record_that_cannot_be_read_is_not_changed(fault: dict[str, Any]) -> None:
    server = with_message()
    server.sandbox.faults.add(method="GET", path="*/campaign-messages/*", **fault)
    arguments = {"campaign_message_id": "M1", "channel": "email", "subject": "S"}
    assert (await server.run("update_campaign_message", **arguments)).startswith("ERROR")
    assert server.writes() == []


async def test_a_definition_that_only_later_revisions_answer_is_read_on_request() -> None:
    server = sandbox_server(confirm="never", revision="2026-07-15")
    body = {"properties": {"css_class": "a"}, "styles": {"width": 600, "background_color": "#fff"}, "sections": []}
    definition = {"id": "D1", "template_id": "T1", "body": body, "styles": []}
    server.put("template", "T1", name="T", editor_type="SYSTEM_DRAGGABLE", html="", definition=definition)
    change = {"body": {"properties": {}, "styles": {"width": 500}, "sections": []}, "styles": []}
    text = await server.run("update_template", template_id="T1", definition=change)
    assert not text.startswith("ERROR"), text
    changed = {**body, "styles": {"width": 500, "background_color": "#fff"}}
    assert stored(server, "template", "T1")["definition"] == {**definition, "body": changed}


async def test_an_update_that_gives_no_object_in_part_reads_nothing() -> None:
    server = with_template()
    await server.run("update_template", template_id="T1", html="<p>New</p>")
    assert "GET /klaviyo/api/templates/T1" not in server.requests()


async def test_a_record_that_is_not_there_is_told_and_nothing_is_sent() -> None:
    server = with_message()
    text = await server.run("update_campaign_message", campaign_message_id="M9", channel="email", subject="New")
    assert text.startswith("ERROR: ")
    assert server.writes() == []


async def test_location_of_a_profile_is_changed_in_part() -> None:
    server = sandbox_server(confirm="never")
    server.put("profile", "P1", email="a@example.com", location={"city": "Oslo", "country": "Norway"}, properties={})
    await server.run("update_profile", profile_id="P1", location={"city": "Bergen"})
    location = stored(server, "profile", "P1")["location"]
    assert (location["city"], location["country"]) == ("Bergen", "Norway")


async def test_custom_metadata_keeps_its_other_keys() -> None:
    server = sandbox_server(confirm="never")
    id_ = "$custom:::$default:::SKU"
    server.put("catalog-item", id_, title="T", custom_metadata={"color": "red", "size": "M"})
    await server.run("update_catalog_item", catalog_item_id=id_, custom_metadata={"color": "blue"})
    assert stored(server, "catalog-item", id_)["custom_metadata"] == {"color": "blue", "size": "M"}


async def test_replacements_edit_the_stored_text_and_nothing_else() -> None:
    server = with_template()
    await server.run(
        "update_template", template_id="T1", replacements=[{"find": "Sale", "replace": "Deal", "count": 2}]
    )
    assert stored(server, "template", "T1")["html"] == "<p>Press ⏎ to shop</p>\r\n<p>Deal ❤️ Deal</p>"
    assert stored(server, "template", "T1")["text"] == "Sale"


async def test_the_answer_shows_the_places_and_not_the_long_text() -> None:
    server = with_template(html=f"<p>Sale now</p>{'x' * 30_000}<p>Sale</p>")
    changes = [{"find": "Sale", "replace": "Deal", "count": 2}, {"find": "now", "replace": "today"}]
    text = await server.run("update_template", template_id="T1", replacements=changes)
    assert text.split("\n")[:2] == [
        f'html: replaced 2 times, "<p>Sale now</p>{"x" * 16}…" → "<p>Deal now</p>{"x" * 16}…"',
        f'html: replaced 1 time, "<p>Deal now</p>{"x" * 20}…" → "<p>Deal today</p>{"x" * 20}…"',
    ]
    assert len(text) < 500
    assert '"text":"Sale"' in text


async def test_a_text_as_it_was_read_is_found_again() -> None:
    server = with_template()
    shown = await server.run("get_template", template_id="T1", fields="html")
    assert "to shop</p>\\n<p>Sale ❤️ Sale" in shown
    change = {"find": "to shop</p>\n<p>Sale ❤️", "replace": "to shop</p>\n<p>Sold ❤️"}
    await server.run("update_template", template_id="T1", replacements=[change])
    assert stored(server, "template", "T1")["html"] == "<p>Press ⏎ to shop</p>\n<p>Sold ❤️ Sale</p>"


@pytest.mark.parametrize(
    ("replacement", "reason"),
    [
        ({"find": "Sales", "replace": "Deal"}, 'find "Sales" does not stand in html'),
        ({"find": "Sale", "replace": "Deal"}, 'find "Sale" stands 2 times in html'),
        ({"find": "Sale", "replace": "Deal", "count": 3}, "not 3"),
        ({"find": "Sale"}, "replace"),
        ({"find": "", "replace": "Deal"}, "find"),
        ({"find": "Sale", "replace": "Deal", "in": "name"}, "replacements.0.in takes html, text, amp"),
        ({"find": "Sale", "replace": "line⏎line"}, "⏎"),
        ({"find": "Sale", "replace": "Dear …(+1,234)"}, "cut"),
    ],
)
async def test_a_replacement_that_does_not_fit_sends_nothing(replacement: dict[str, Any], reason: str) -> None:
    server = with_template()
    text = await server.run("update_template", template_id="T1", replacements=[replacement])
    assert text.startswith("ERROR: ")
    assert reason in text
    assert len(text.encode()) <= 607
    assert server.writes() == []


async def test_a_text_longer_than_an_answer_is_read_on_and_edited() -> None:
    html = f"<p>{'Spring ❤️ ' * 11_000}</p><a>needle</a>"
    server = with_template(html=html)
    whole = await server.run("get_template", template_id="T1")
    assert "to read on: fields=html, offset=" in whole.split("\n")[0]
    parts, offset = [], "0"
    while True:
        facts, shown = (await server.run("get_template", template_id="T1", fields="html", offset=offset)).split("\n")
        parts.append(re.sub(r"…\(\+[\d,]+\)\Z", "", json.loads(shown)["html"]))
        if "offset=" not in facts:
            break
        offset = facts.rpartition("offset=")[2]
    assert "".join(parts) == html
    await server.run("update_template", template_id="T1", replacements=[{"find": "needle", "replace": "thread"}])
    assert stored(server, "template", "T1")["html"] == html.replace("needle", "thread")


async def test_an_offset_needs_one_field() -> None:
    server = with_template()
    assert "offset goes on in one text" in await server.run("get_template", template_id="T1", offset=10)


async def test_a_text_beside_a_character_of_our_tables_can_be_edited() -> None:
    server = with_template()
    change = {"find": "Press ⏎ to", "replace": "Hit ⏎ to"}
    assert not (await server.run("update_template", template_id="T1", replacements=[change])).startswith("ERROR")
    assert stored(server, "template", "T1")["html"].startswith("<p>Hit ⏎ to shop</p>")


async def test_the_html_of_a_drag_and_drop_template_is_not_changed() -> None:
    server = with_template(editor_type="SYSTEM_DRAGGABLE")
    change = {"find": "Press", "replace": "Hit"}
    text = await server.run("update_template", template_id="T1", replacements=[change])
    assert "SYSTEM_DRAGGABLE (drag and drop)" in text
    assert server.writes() == []


async def test_the_subject_of_a_message_is_edited_in_place() -> None:
    server = with_message()
    change = {"find": "Old", "replace": "Brand-new"}
    await server.run("update_campaign_message", campaign_message_id="M1", replacements=[change])
    content = {**EMAIL["content"], "subject": "Brand-new"}  # type: ignore[dict-item]
    assert stored(server, "campaign-message", "M1")["definition"] == {**EMAIL, "content": content}


async def test_universal_content_is_edited_in_place() -> None:
    server = sandbox_server(confirm="never")
    data = {
        "content": f"<p>© 2025</p>{'x' * 500}",
        "display_options": {"show_on": "all"},
        "styles": {"text_align": "left"},
    }
    definition = {"content_type": "block", "type": "text", "data": data}
    server.put("template-universal-content", "U1", name="Footer", definition=definition)
    change = {"find": "2025", "replace": "2026"}
    text = await server.run("update_universal_content", universal_content_id="U1", replacements=[change])
    assert not text.startswith("ERROR"), text
    changed = {**definition, "data": {**data, "content": f"<p>© 2026</p>{'x' * 500}"}}
    assert stored(server, "template-universal-content", "U1")["definition"] == changed
    assert "xxxxx" not in text.split("\n")[-2]


async def test_a_change_by_somebody_else_is_told_with_both_values(monkeypatch: pytest.MonkeyPatch) -> None:
    server = with_template()
    before_write(server, monkeypatch, lambda: stored(server, "template", "T1").update(name="Theirs", text="Sale"))
    change = {"find": "Press", "replace": "Hit"}
    text = await server.run("update_template", template_id="T1", replacements=[change])
    first, _ = text.split("\n", 1)
    assert first == 'Changed by somebody else meanwhile: name was "T" when read, is now "Theirs".'


async def test_an_update_that_nobody_else_touched_says_nothing() -> None:
    server = with_message()
    text = await server.run("update_campaign_message", campaign_message_id="M1", channel="email", subject="New")
    assert "somebody else" not in text
