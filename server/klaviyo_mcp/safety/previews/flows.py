"""The preview of a flow's change of status: how many of its actions send messages, and when they start to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record
from klaviyo_mcp.answers.wording import count_noun, describe, describe_record
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_tools.areas.flows import MESSAGE_ACTION_TYPES
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import resource_type

FACTS = ("name", *resource_type("flow").stable_attributes)


async def preview_status(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such flow."""
    id_ = arguments.flow_id
    page = await reads.page_or_none("get_flow", flow_id=id_, fields=FACTS, include=["flow-actions"])
    require_record(page, "flow_id", "flow")
    status, trigger = (describe(attribute_of(page, name) or "unknown") for name in ("status", "trigger_type"))
    lines = [
        f"set the {describe_record('flow', page, id_)} to {arguments.status}; now it is {status}.",
        f"It has {_actions_words(page)}. Trigger: {trigger}.",
    ]
    if arguments.status == "live":
        lines.append("Once live, it messages everybody who meets its trigger from then on.")
    if page is None:
        return CallPreview(tuple(lines))
    actions = {record.id: dict(record.attributes) for record in _actions(page)}
    return CallPreview(tuple(lines), {**{name: attribute_of(page, name) for name in FACTS}, "actions": actions})


def _actions(page: Page | None) -> list[Record]:
    """The actions of a flow. They were included, so that a flow without any has none."""
    related = page.records[0].related.get("flow-actions") if page is not None and page.records else None
    if page is None or related is None:
        return []
    return [page.included.get((related.type, id_)) or Record(related.type, id_, {}, {}) for id_ in related.ids]


def _actions_words(page: Page | None) -> str:
    if page is None:
        return count_noun(None, "action")
    actions = _actions(page)
    messages = sum(_action_type(action) in MESSAGE_ACTION_TYPES for action in actions)
    of_them = f", {messages} of them {'a message' if messages == 1 else 'messages'}" if actions else ""
    return f"{count_noun(len(actions), 'action')}{of_them}"


def _action_type(action: Record) -> str:
    definition = action.attributes.get("definition")
    type_ = definition.get("type") if isinstance(definition, Mapping) else action.attributes.get("action_type")
    return str(type_ or "").lower().replace("_", "-")
