"""The preview of a flow's status shows its actions and its trigger."""

from __future__ import annotations

import pytest
from tests.server.safety.previews.preview_lines import HEAD, preview_lines
from tests.server.sandbox_server import SandboxServer

pytestmark = pytest.mark.anyio


async def test_setting_a_flow_live_shows_its_status_and_how_many_messages_it_has(server: SandboxServer) -> None:
    assert await preview_lines(server, "update_flow", flow_id="F1", status="live") == [
        f'{HEAD}set the flow "Welcome" (id F1) to live; now it is draft.',
        'It has 3 actions, 2 of them messages. Trigger: "Added to List".',
        "Once live, it messages everybody who meets its trigger from then on.",
    ]


async def test_a_flow_that_cannot_be_read_can_still_be_set_live(server: SandboxServer) -> None:
    server.sandbox.faults.add(status=403, path="*/flows/*", times=9)
    assert await preview_lines(server, "update_flow", flow_id="F1", status="live") == [
        f"{HEAD}set the flow with id F1 (its name is unknown) to live; now it is unknown.",
        "It has an unknown number of actions. Trigger: unknown.",
        "Once live, it messages everybody who meets its trigger from then on.",
    ]
