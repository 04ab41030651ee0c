"""An account in which something of each kind is at stake, and something alike is not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.safety.previews.conftest import MESSAGE
from tests.server.sandbox_server import SandboxServer, sandbox_server


@pytest.fixture
def server() -> SandboxServer:
    """Names that begin with `Live` or `Pending` stand for what is at stake."""
    server = sandbox_server()
    _put_flows(server)
    _put_groups(server)
    _put_campaigns(server)
    server.put("metric", "X1", name="Placed Order", links={"flow-triggers": ["F1"]})
    server.put("metric", "X2", name="Placed Order", links={"flow-triggers": []})
    server.put("metric", "X3", name="Visited Fair", links={"flow-triggers": ["F2"]})
    server.put("profile", "P1", email="p1@example.com", phone_number=None, external_id=None)
    server.put("profile", "P2", email="p2@example.com", phone_number="+4791234567", external_id=None)
    server.put("coupon", "SALE", external_id="SALE")
    server.put("coupon-code", "SALE-A", unique_code="A", status="UNASSIGNED", links={"coupon": "SALE"})
    server.put("coupon-code", "SALE-B", unique_code="B", status="ASSIGNED_TO_PROFILE", links={"coupon": "SALE"})
    server.put("webhook", "W1", name="Orders", endpoint_url="https://hooks.example.com/a", enabled=True)
    server.put("web-feed", "R1", name="News", url="https://feeds.example.com/a.json")
    server.put("template-universal-content", "U1", name="Footer", definition={"content_type": "block"})
    server.put("image", "I1", name="Tent", image_url="https://images.example.com/a.png", hidden=False)
    return server


def _put_flows(server: SandboxServer) -> None:
    for number, status in enumerate(("live", "draft", "manual"), 1):
        message = {"type": "send-email", "data": {"status": status, "message": {"template_id": f"E{number}"}}}
        server.put("flow-action", f"A{number}", definition=message, links={"flow": f"F{number}"})
        name = f"{status.capitalize()} Series"
        links = {"flow-actions": [f"A{number}"]}
        server.put("flow", f"F{number}", name=name, status=status, trigger_type="Added to List", links=links)
    live_in_draft = {"type": "send-sms", "data": {"status": "live", "message": {"body": "Hi"}}}
    server.put("flow-action", "A4", definition=live_in_draft, links={"flow": "F2"})


def _put_groups(server: SandboxServer) -> None:
    for type_, letter in (("list", "L"), ("segment", "S")):
        for number, flows in ((1, ["F1"]), (2, ["F2"]), (3, []), (4, []), (5, ["F3"])):
            attributes: dict[str, Any] = {"opt_in_process": "double_opt_in"} if type_ == "list" else {"definition": {}}
            server.put(
                type_, f"{letter}{number}", name=f"{letter}{number}", **attributes, links={"flow-triggers": flows}
            )
    server.put("list", "L6", name="Single", opt_in_process="single_opt_in")


def _put_campaigns(server: SandboxServer) -> None:
    rows: tuple[tuple[str, str, list[str], list[str]], ...] = (
        ("C1", "Draft", ["L2", "S2"], []),
        ("C2", "Scheduled", ["L3", "S3"], ["L4", "S4"]),
        ("C3", "Sent", ["L2", "S2"], ["L2"]),
        ("C4", "Cancelled: No Recipients", ["L2"], []),
    )
    for number, (id_, status, included, excluded) in enumerate(rows, 1):
        template = f"E{number + 4}"
        server.put("template", template, name=f"Template {number}", editor_type="CODE", html="<p>Hi</p>")
        server.put("campaign-message", f"M{number}", definition=MESSAGE, links={"campaign": id_, "template": template})
        audiences = {"included": included, "excluded": excluded}
        messages = {"campaign-messages": [f"M{number}"]}
        server.put("campaign", id_, name=f"{status} Sale", status=status, audiences=audiences, links=messages)
        server.sandbox.store.get("campaign-message", f"M{number}").attributes["channel"] = "email"  # type: ignore[union-attr]
    for number in (1, 2, 3, 9):
        server.put("template", f"E{number}", name=f"Flow {number}", editor_type="CODE", html="<p>Hi</p>")
