"""The preview of a flow's status shows its actions and its trigger."""

from __future__ import annotations

import pytest
from tests.server.safety.previews.preview_lines import HEAD, preview_lines, read_preview
from tests.server.sandbox_server import SandboxServer

pytestmark = pytest.mark.anyio


async def test_setting_a_flow_live_shows_its_status_and_how_many_messages_it_has(server: SandboxServer) -> None:
    assert await preview_lines(server, "update_flow", flow_id="F1", status="live") == [
        f'{HEAD}set the flow "Welcome" (id F1) to live; now it is draft.',
        'It has 3 actions, 2 of them messages (1 send-email, 1 time-delay, 1 send-sms). Trigger: "Added to List".',
        "Once live, it messages everybody who meets its trigger from then on.",
    ]


async def test_where_a_flow_posts_to_and_whom_it_alerts_comes_first(server: SandboxServer) -> None:
    webhook = {"type": "send-webhook", "data": {"message": {"url": "https://hooks.example.com/in?key=1"}}}
    alert = {"type": "send-internal-alert", "data": {"message": {"to_emails": ["ops@example.com", "x@example.org"]}}}
    test = {"type": "ab-test", "data": {"main_action": webhook, "current_experiment": {"variations": []}}}
    for id_, definition in (("A0", webhook), ("A1", alert), ("A2", test)):
        server.sandbox.store.get("flow-action", id_).attributes["definition"] = definition  # type: ignore[union-attr]
    assert (await preview_lines(server, "update_flow", flow_id="F1", status="live"))[1:3] == [
        "It posts data of people to hooks.example.com (2 webhooks).",
        "Its alerts go to ops@example.com, x@example.org.",
    ]


@pytest.mark.parametrize("url", [None, "", "https://[", 7])
async def test_an_address_that_cannot_be_read_is_an_unknown_host(server: SandboxServer, url: object) -> None:
    webhook = {"type": "send-webhook", "data": {"message": {"url": url}}}
    server.sandbox.store.get("flow-action", "A0").attributes["definition"] = webhook  # type: ignore[union-attr]
    lines = await preview_lines(server, "update_flow", flow_id="F1", status="live")
    assert lines[1].startswith("It posts data of people to ")


async def test_the_templates_of_a_flow_that_becomes_live_are_facts(server: SandboxServer) -> None:
    email = {"type": "send-email", "data": {"message": {"template_id": "E1"}}}
    server.sandbox.store.get("flow-action", "A0").attributes["definition"] = email  # type: ignore[union-attr]
    server.put("template", "E1", name="Welcome", editor_type="CODE", updated="2026-05-01T00:00:00+00:00")
    before = await read_preview(server, "update_flow", flow_id="F1", status="live")
    server.sandbox.store.get("template", "E1").attributes["updated"] = "2026-06-01T00:00:00+00:00"  # type: ignore[union-attr]
    after = await read_preview(server, "update_flow", flow_id="F1", status="live")
    assert before.lines == after.lines
    assert before.digest != after.digest


async def test_a_flow_that_cannot_be_read_can_still_be_set_live(server: SandboxServer) -> None:
    server.sandbox.faults.add(status=403, path="*/flows/*", times=9)
    assert await preview_lines(server, "update_flow", flow_id="F1", status="live") == [
        f"{HEAD}set the flow with id F1 (its name is unknown) to live; now it is unknown.",
        "It has an unknown number of actions. Trigger: unknown.",
        "Once live, it messages everybody who meets its trigger from then on.",
    ]
