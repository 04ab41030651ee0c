"""The preview of a flow's change of status: how many of its actions send messages, and when they start to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from klaviyo_mcp.account.names import IDS_PER_FILTER, any_id
from klaviyo_mcp.account.reads import AccountReads, attribute_of, require_record
from klaviyo_mcp.answers.wording import count_noun, describe, describe_record, quote_words
from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_mcp.safety import flow_definitions
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_mcp.safety.previews.stable_attributes import stable_attributes
from klaviyo_tools.areas.flows import MESSAGE_ACTION_TYPES
from klaviyo_tools.jsonapi.records import Page, Record
from klaviyo_tools.registry import resource_type

FACTS = ("name", *resource_type("flow").stable_attributes)
MAX_TARGETS = 20
"""Hosts and addresses outside the account that are named."""


async def preview_status(reads: AccountReads, arguments: Any) -> CallPreview:
    """Raises MissingRecord where there is no such flow."""
    id_ = arguments.flow_id
    page = await reads.page_or_none("get_flow", flow_id=id_, fields=FACTS, include=["flow-actions"])
    require_record(page, "flow_id", "flow")
    status, trigger = (describe(attribute_of(page, name) or "unknown") for name in ("status", "trigger_type"))
    definitions = [record.attributes.get("definition") for record in _actions(page)]
    lines = [
        f"set the {describe_record('flow', page, id_)} to {arguments.status}; now it is {status}.",
        *_outside_lines(definitions),
        f"It has {_actions_words(page)}. Trigger: {trigger}.",
    ]
    if arguments.status == "live":
        lines.append("Once live, it messages everybody who meets its trigger from then on.")
    if page is None:
        return CallPreview(tuple(lines))
    actions = {record.id: dict(record.attributes) for record in _actions(page)}
    facts = {**{name: attribute_of(page, name) for name in FACTS}, "actions": actions}
    if arguments.status == "live":
        facts["templates"] = await _read_templates(reads, definitions)
    return CallPreview(tuple(lines), facts)


def _outside_lines(definitions: Sequence[Any]) -> list[str]:
    """What leaves the account once the flow runs: where its webhooks post to, and whom its alerts write to."""
    hosts = Counter(host for one in definitions for host in flow_definitions.webhook_hosts(one))
    alerts = list(dict.fromkeys(address for one in definitions for address in flow_definitions.alert_addresses(one)))
    lines = []
    if hosts:
        words = [f"{quote_words(host)} ({count_noun(count, 'webhook')})" for host, count in hosts.items()]
        lines.append(f"It posts data of people to {_joined(words)}.")
    if alerts:
        lines.append(f"Its alerts go to {_joined([quote_words(address) for address in alerts])}.")
    return lines


def _joined(words: Sequence[str]) -> str:
    rest = len(words) - MAX_TARGETS
    return ", ".join([*words[:MAX_TARGETS], *([f"and {rest} more"] if rest > 0 else [])])


async def _read_templates(reads: AccountReads, definitions: Sequence[Any]) -> Mapping[str, Any]:
    """The templates of a flow's messages -> when each was updated; None for what cannot be read."""
    ids = sorted({id_ for one in definitions for id_ in flow_definitions.template_ids(one)})
    found: dict[str, Any] = dict.fromkeys(ids)
    for start in range(0, len(ids), IDS_PER_FILTER):
        filter_ = any_id(ids[start : start + IDS_PER_FILTER])
        try:
            async for record in reads.records("get_templates", filter=filter_, fields=("updated",)):
                found[record.id] = stable_attributes(record)
        except KlaviyoMcpError:
            break  # the others stay unknown
    return found


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
    types = Counter(_action_type(action) for action in actions)
    messages = sum(types[type_] for type_ in MESSAGE_ACTION_TYPES)
    of_them = f", {messages} of them {'a message' if messages == 1 else 'messages'}" if actions else ""
    kinds = ", ".join(f"{count:,} {quote_words(type_ or 'unknown')}" for type_, count in types.most_common())
    return f"{count_noun(len(actions), 'action')}{of_them}{f' ({kinds})' if kinds else ''}"


def _action_type(action: Record) -> str:
    return flow_definitions.action_type(action.attributes.get("definition"))
