"""Flows: what one request does, the next reads."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api

pytestmark = pytest.mark.anyio

DEFINITION = {
    "triggers": [{"type": "metric", "id": "M"}],
    "actions": [
        {"type": "time-delay", "temporary_id": "a", "data": {"unit": "days", "value": 1}},
        {
            "type": "send-email",
            "temporary_id": "b",
            "data": {"message": {"name": "Hi", "subject_line": "S"}, "status": "draft"},
        },
    ],
    "entry_action_id": "a",
}


async def test_a_flow_is_created_as_a_draft_with_its_actions_and_messages(api: Api) -> None:
    flow = await api.create("flow", "flows", name="F", definition=DEFINITION)
    assert (flow["attributes"]["status"], flow["attributes"]["trigger_type"]) == ("draft", "Metric")
    assert await api.ids("flows", filter='equals(trigger_type,"Metric")') == [flow["id"]]
    actions = (await api.get(f"flows/{flow['id']}/flow-actions", sort="id"))["data"]
    types = {action["id"]: action["attributes"]["definition"]["type"] for action in actions}
    assert sorted(types.values()) == ["send-email", "time-delay"]
    (email,) = await api.ids(f"flows/{flow['id']}/flow-actions", filter='equals(action_type,"send-email")')
    (message,) = (await api.get(f"flow-actions/{email}/flow-messages"))["data"]
    assert (message["attributes"]["channel"], message["attributes"]["definition"]["name"]) == ("email", "Hi")
    assert await api.ids(f"flow-actions/{email}/flow-messages", filter='starts-with(name,"H")') == [message["id"]]


async def test_a_flow_is_set_live_and_deleted_with_its_actions(api: Api) -> None:
    flow = await api.create("flow", "flows", name="F", definition=DEFINITION)
    action_ids = await api.ids(f"flows/{flow['id']}/flow-actions")
    change = {"type": "flow", "id": flow["id"], "attributes": {"status": "live"}}
    assert (await api.patch(f"flows/{flow['id']}", {"data": change}))["data"]["attributes"]["status"] == "live"
    await api.patch(f"flows/{flow['id']}", {"data": {**change, "attributes": {"status": "on"}}}, 400)
    await api.delete(f"flows/{flow['id']}")
    await api.get(f"flow-actions/{action_ids[0]}", 404)
