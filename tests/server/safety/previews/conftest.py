"""An account with a record of each kind that previews are about."""

from __future__ import annotations

import pytest
from tests.server.sandbox_server import SandboxServer, sandbox_server


@pytest.fixture
def server() -> SandboxServer:
    """People, lists, a segment, tags, a campaign with a message, and a flow with actions; every write is confirmed."""
    server = sandbox_server(confirm="writes")
    for number in (1, 2, 3):
        server.put(
            "profile",
            f"P{number}",
            email=f"p{number}@example.com",
            first_name=f"Ann {number}",
            created="2025-03-01T09:00:00+00:00",
            subscriptions={"email": {"marketing": {"can_receive_email_marketing": True}}},
        )
    server.put("list", "L1", name="Newsletter", opt_in_process="double_opt_in")
    server.put("list", "L2", name="VIP", opt_in_process="single_opt_in")
    server.put("segment", "S1", name="Bounced")
    for profile in ("P1", "P2"):
        server.sandbox.store.join("list", "L1", profile)
    server.sandbox.store.join("segment", "S1", "P2")
    server.put("tag", "T1", name="spring", links={"tag-group": "G1"})
    server.put("tag-group", "G1", name="Seasons", links={"tags": ["T1"]})
    server.put("campaign-message", "M1", definition=MESSAGE, links={"campaign": "C1"})
    server.put(
        "campaign",
        "C1",
        name="Spring Sale",
        status="Draft",
        audiences={"included": ["L1"], "excluded": ["S1"]},
        send_strategy={"method": "static", "datetime": "2026-06-02T09:00:00+00:00", "options": {"is_local": True}},
        links={"campaign-messages": ["M1"], "tags": ["T1"]},
    )
    for number, kind in enumerate(("send-email", "time-delay", "send-sms")):
        server.put("flow-action", f"A{number}", definition={"type": kind}, links={"flow": "F1"})
    server.put(
        "flow",
        "F1",
        name="Welcome",
        status="draft",
        trigger_type="Added to List",
        links={"flow-actions": ["A0", "A1", "A2"]},
    )
    return server


MESSAGE = {
    "channel": "email",
    "label": "Spring",
    "content": {"subject": "20 % off tents", "from_email": "shop@example.com"},
}
