"""Flows with their actions and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.handlers import update
from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Record

_TRIGGER_TYPES = {"list": "Added to List", "metric": "Metric", "date": "Date Based", "segment": "Added to List"}


def _create_flow(request: ApiRequest) -> Answer:
    """Create a draft. The actions of its definition become flow-actions, their messages flow-messages."""
    definition = request.attributes["definition"]
    if not isinstance(definition.get("actions"), list) or not isinstance(definition.get("triggers"), list):
        raise invalid("A flow definition needs triggers and actions.", pointer="/data/attributes/definition")
    triggers = [trigger for trigger in definition["triggers"] if isinstance(trigger, dict)]
    trigger_type = _TRIGGER_TYPES.get(str(triggers[0].get("type")), "Unconfigured") if triggers else "Unconfigured"
    attributes = {
        "name": request.attributes["name"],
        "status": "draft",
        "archived": False,
        "trigger_type": trigger_type,
        "definition": definition,
    }
    flow = create_record(request, {"type": "flow", "attributes": attributes})
    actions = [action for action in definition["actions"] if isinstance(action, dict)]
    ids = [_create_action(request, action, flow.id).id for action in actions]
    request.store.link(flow, "flow-actions", ids)
    return request.answer_record(flow)


def _create_action(request: ApiRequest, definition: Mapping[str, Any], flow_id: str) -> Record:
    action = create_record(request, {"type": "flow-action", "attributes": {}})
    action.attributes["definition"] = {**definition, "id": action.id}
    request.store.link(action, "flow", flow_id)
    data = definition.get("data")
    message_definition = data.get("message") if isinstance(data, dict) else None
    ids = []
    if isinstance(message_definition, dict):
        channel = str(definition.get("type", "")).removeprefix("send-").replace("-notification", "") or "email"
        attributes = {"channel": channel, "definition": message_definition}
        message = create_record(request, {"type": "flow-message", "attributes": attributes})
        request.store.link(message, "flow-action", action.id)
        request.store.link(message, "template", message_definition.get("template_id"))
        ids.append(message.id)
    request.store.link(action, "flow-messages", ids)
    return action


def _update_flow(request: ApiRequest) -> Answer:
    if request.attributes.get("status") not in ("draft", "manual", "live"):
        raise invalid("status must be draft, manual or live.", pointer="/data/attributes/status")
    return update(request)


HANDLERS: Mapping[str, Handler] = {
    "create_flow": _create_flow,
    "update_flow": _update_flow,
}
