"""Flows: automatic series of messages, the actions in them and their messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from klaviyo_tools.areas.profiles import TIME_OPERATORS
from klaviyo_tools.arguments.spelling import resolve_name
from klaviyo_tools.arguments.types import Arguments, OpenObject, Text
from klaviyo_tools.arguments.web_address import public_https
from klaviyo_tools.operation.area import XS, Area, S
from klaviyo_tools.operation.facts import Effect, RecordAddress
from klaviyo_tools.operation.preview import Preview, PreviewKind

area = Area("flows")

TIME_OPERATORS = f"{TIME_OPERATORS} equals"
NAME_OPERATORS = "contains equals starts-with ends-with"
MESSAGE_ACTION_TYPES = ("send-email", "send-sms", "send-mobile-push", "send-whatsapp")
"""The types of actions that send messages to people."""
ACTION_TYPES = (
    *MESSAGE_ACTION_TYPES,
    "send-webhook",
    "send-internal-alert",
    "time-delay",
    "countdown-delay",
    "back-in-stock-delay",
    "target-date",
    "conditional-split",
    "trigger-split",
    "multi-branch-split",
    "action-output-split",
    "ab-test",
    "content-experiment",
    "update-profile",
    "list-update",
    "internal-service",
    "code",
)
DEFINITION_KEYS = ("triggers", "actions", "entry_action_id", "profile_filter", "reentry_criteria")
"""The keys of a definition; the first three are required."""
ACTION_TYPES_WITH_DATA = (
    "ab-test",
    "content-experiment",
    "countdown-delay",
    "list-update",
    "target-date",
    "time-delay",
)
"""Types of action that need `data`."""
FLOW_EXAMPLE = (
    '{"triggers": [{"type": "list", "id": "Y6nRLr"}], "entry_action_id": "wait", "actions": [{"temporary_id": "wait", '
    '"type": "time-delay", "links": {"next": null}, "data": {"unit": "days", "value": 1}}]}'
)
ACTION_EXAMPLE = (
    '{"id": "12345", "type": "time-delay", "links": {"next": "12346"}, "data": {"unit": "days", "value": 2}}'
)
GUIDE = "klaviyo://guide/flow-definition"
GUIDE_HINT = f"describe_tool({GUIDE}) says more"


def _check_definition(definition: dict[str, Any]) -> dict[str, Any]:
    """Checks the keys of a flow and the links of its actions; Klaviyo checks the content of each action."""
    missing = [key for key in DEFINITION_KEYS[:3] if key not in definition]
    if missing:
        raise ValueError(f"needs {', '.join(missing)}: {FLOW_EXAMPLE}; {GUIDE_HINT}")
    for key in definition:
        resolve_name(key, DEFINITION_KEYS, "key")
    triggers, actions = definition["triggers"], definition["actions"]
    if not _are_typed_objects(triggers) or len(triggers) > 1:
        raise ValueError(f"triggers is a list of one object with a type: {FLOW_EXAMPLE}; {GUIDE_HINT}")
    if not _are_typed_objects(actions):
        raise ValueError(f"actions is a list of objects with a type: {FLOW_EXAMPLE}; {GUIDE_HINT}")
    actions = [_resolve_type(action) for action in actions]
    _check_links(definition["entry_action_id"], actions)
    return {**definition, "actions": actions}


def _check_links(entry: object, actions: list[dict[str, Any]]) -> None:
    ids = [action.get("temporary_id") for action in actions]
    named = all(isinstance(id_, str) and id_ for id_ in ids) and len(set(ids)) == len(ids)
    if not named or any(action.get("id") is not None for action in actions):
        raise ValueError(f"each action needs a temporary_id of its own, and no id: {FLOW_EXAMPLE}; {GUIDE_HINT}")
    for where, id_ in (("entry_action_id", entry), *_links(actions)):
        if id_ is not None and id_ not in ids:
            raise ValueError(f"{where} is {id_!r}, the temporary_id of no action; there are {', '.join(map(str, ids))}")


def _check_action(action: dict[str, Any]) -> dict[str, Any]:
    if not _are_typed_objects([action]):
        raise ValueError(f"needs type: {ACTION_EXAMPLE}; {GUIDE_HINT}")
    return _resolve_type(action)


def _resolve_type(action: dict[str, Any]) -> dict[str, Any]:
    """The action, with its type as Klaviyo writes it."""
    kind = resolve_name(action["type"], ACTION_TYPES, "action type")
    if kind == "send-webhook":
        _check_webhook(action.get("data"))
    if kind in ACTION_TYPES_WITH_DATA and not isinstance(action.get("data"), dict):
        raise ValueError(f"an action of type {kind} needs data, an object")
    return {**action, "type": kind}


def _check_webhook(data: object) -> None:
    """Refuse an address that is not public https: a webhook posts data of people to it."""
    message = data.get("message") if isinstance(data, dict) else None
    url = message.get("url") if isinstance(message, dict) else None
    if url is not None:
        if not isinstance(url, str):
            raise ValueError("the url of a send-webhook action is a text")
        try:
            public_https(url)
        except ValueError as error:
            raise ValueError(f"the url of a send-webhook action: {error}") from None


def _are_typed_objects(items: object) -> bool:
    return isinstance(items, list) and all(
        isinstance(item, dict) and isinstance(item.get("type"), str) for item in items
    )


def _links(actions: list[dict[str, Any]]) -> Iterator[tuple[str, object]]:
    for action in actions:
        links = action.get("links")
        if isinstance(links, dict):
            yield from ((f"links.{name} of action {action['temporary_id']}", id_) for name, id_ in links.items())


class NewFlow(Arguments):
    name: Text
    definition: Annotated[OpenObject, AfterValidator(_check_definition)] = Field(
        description='{"triggers":[one],"entry_action_id","actions":[{"temporary_id","type","links":{"next"},"data"}]}; '
        + GUIDE,
        examples=[json.loads(FLOW_EXAMPLE)],
    )


class FlowStatus(Arguments):
    status: Literal["draft", "manual", "live"]


class ActionChanges(Arguments):
    definition: Annotated[OpenObject, AfterValidator(_check_action)] = Field(
        description=f"the whole action, as get_flow_action shows it; {GUIDE}", examples=[json.loads(ACTION_EXAMPLE)]
    )


FLOW_MESSAGE = """
    action_buttons add_info_link add_opt_out_language add_org_prefix add_tracking_params
    additional_filters(condition_groups) android_link badge badge_options(badge_config set_from_property value)
    bcc_email body cc_email conversion_metric_id custom_tracking_params dynamic_image from_email from_label id image_id
    include_contact_card ios_link kv_pairs message_hierarchy name on_open preview_text push_type reply_to_email
    shorten_links smart_sending_enabled sms_quiet_hours_enabled sound subject_line template_id title transactional
    vendor_id video_asset_id web_url"""
area.resource_type(
    "flow",
    "name status trigger_type archived created updated",
    """archived created name status trigger_type updated
    definition(actions entry_action_id profile_filter(condition_groups) reentry_criteria(duration unit)
        triggers)""",
    label="name",
    facet="status",
    date="created",
    relationships="flow-actions:flow-action tags:tag",
    additional_fields="definition",
    stable_attributes="status trigger_type updated",
)
area.resource_type(
    "flow-action",
    "definition.type definition.data.status definition.data.message.name definition.data.message.subject_line"
    " definition.data.value definition.data.unit definition.links.next flow updated",
    f"""created updated
    definition(id temporary_id type links(next next_if_false next_if_true)
        data(action_output_filter(condition_groups) branches
            current_experiment(allocations id name started variations winner_metric
                automatic_winner_selection_settings(automatic_end_date automatic_end_statistical_certainty enabled))
            delay_until_time delay_until_weekdays experiment_status list_id
            main_action(id temporary_id type links(next) data(status message({FLOW_MESSAGE})))
            message({FLOW_MESSAGE} headers to_emails url)
            name on_execution profile_filter(condition_groups) profile_operations secondary_value
            service_configuration(event_key event_payload report_id service_method_type tracking_company_id)
            status target_days target_time timezone trigger_filter(condition_groups) trigger_id trigger_subtype
            trigger_type unit value))""",
    label="definition.type",
    facet="definition.type",
    date="created",
    relationships="flow flow-messages:flow-message",
    fields_since={
        "2026-07-15": """definition.data.main_action.data.message.message_hierarchy
        definition.data.main_action.data.message.vendor_id
        definition.data.main_action.data.message.web_url
        definition.data.message.message_hierarchy
        definition.data.message.web_url"""
    },
    stable_attributes="definition updated",
)
area.resource_type(
    "flow-message",
    "channel definition.name definition.subject_line definition.from_email definition.body flow-action template"
    " created updated",
    f"channel created updated definition({FLOW_MESSAGE} headers to_emails url)",
    label="definition.name channel",
    facet="channel",
    date="created",
    relationships="flow-action template",
    fields_since={"2026-07-15": "definition.message_hierarchy definition.web_url"},
    stable_attributes="definition updated",
)
area.collection(
    "get_flows",
    "/api/flows",
    "flow",
    "Flows by name or status (draft, manual, live).",
    rate=S,
    filter={
        "name": NAME_OPERATORS,
        "status": "equals",
        "trigger_type": "equals",
        "archived": "equals",
        "id": "any",
        "created": TIME_OPERATORS,
        "updated": TIME_OPERATORS,
    },
    sort=("created", "updated", "name", "status", "trigger_type", "id"),
    include=("flow-actions", "tags"),
    max_page_size=50,
)
area.record(
    "get_flow",
    "/api/flows/{flow_id}",
    "flow",
    "One flow; additional_fields=definition shows all of it.",
    rate=S,
    address=RecordAddress(
        "A flow, its trigger and its actions.", {"additional_fields": ["definition"]}, completes_ids=True
    ),
    include=("flow-actions", "tags"),
    additional_fields=("definition",),
)
area.create(
    "create_flow",
    "/api/flows",
    "flow",
    NewFlow,
    "Create a draft flow: a trigger and linked actions.",
    rate=XS.daily(100),
    additional_fields=("definition",),
)
area.update(
    "update_flow",
    "/api/flows/{flow_id}",
    "flow",
    FlowStatus,
    "Set a flow's status: live messages people, draft stops it.",
    rate=S,
    preview=PreviewKind.FLOW_STATUS,
    effect=Effect.REACHES_PEOPLE,
)
area.delete(
    "delete_flow",
    "/api/flows/{flow_id}",
    "flow",
    "Delete a flow with its actions and messages.",
    rate=S,
    preview=Preview(facts=("status", "trigger_type"), joined={"flow-actions": "has", "tags": "has"}),
)
area.collection(
    "get_actions_for_flow",
    "/api/flows/{flow_id}/flow-actions",
    "flow-action",
    "Steps of a flow: its messages, delays and splits.",
    rate=S,
    aliases="get_flow_flow_actions get_flow_actions",
    filter={
        "action_type": "any equals",
        "status": "equals",
        "id": "any",
        "created": TIME_OPERATORS,
        "updated": TIME_OPERATORS,
    },
    sort=("created", "updated", "action_type", "status", "id"),
    max_page_size=50,
    ids_operation="get_action_ids_for_flow",
)
area.collection(
    "get_flow_action_messages",
    "/api/flow-actions/{flow_action_id}/flow-messages",
    "flow-message",
    "Messages that a flow action sends.",
    rate=S,
    aliases="get_messages_for_flow_action",
    filter={"name": NAME_OPERATORS, "id": "any", "created": TIME_OPERATORS, "updated": TIME_OPERATORS},
    sort=("created", "updated", "name", "id"),
    max_page_size=50,
    ids_operation="get_message_ids_for_flow_action",
    ids_unsupported_filters=("id",),
)
area.record(
    "get_flow_action",
    "/api/flow-actions/{flow_action_id}",
    "flow-action",
    "One action of a flow with its definition.",
    rate=S,
    include=("flow", "flow-messages"),
)
area.update(
    "update_flow_action",
    "/api/flow-actions/{flow_action_id}",
    "flow-action",
    ActionChanges,
    "Change one action of a flow: its message, delay, split or status; a live one messages people.",
    rate=S,
    preview=Preview(
        ("replace an action of type {definition.type} (id {flow_action_id}) in {flow} (status {flow.status}).",)
    ),
    effect=Effect.REACHES_PEOPLE,
)
area.record(
    "get_flow_for_flow_action",
    "/api/flow-actions/{flow_action_id}/flow",
    "flow",
    "The flow that an action belongs to.",
    rate=S,
    aliases="get_flow_action_flow",
    ids_operation="get_flow_id_for_flow_action",
)
area.record(
    "get_flow_message",
    "/api/flow-messages/{flow_message_id}",
    "flow-message",
    "One message of a flow: subject, sender, text.",
    rate=S,
    include=("flow-action", "template"),
)
area.record(
    "get_action_for_flow_message",
    "/api/flow-messages/{flow_message_id}/flow-action",
    "flow-action",
    "The action that sends a flow message.",
    rate=S,
    aliases="get_flow_message_action",
    ids_operation="get_action_id_for_flow_message",
)
area.record(
    "get_template_for_flow_message",
    "/api/flow-messages/{flow_message_id}/template",
    "template",
    "The template of a flow message, with its HTML.",
    rate=S,
    scopes="templates:read",
    aliases="get_flow_message_template",
    ids_operation="get_template_id_for_flow_message",
)
area.collection(
    "get_tags_for_flow",
    "/api/flows/{flow_id}/tags",
    "tag",
    "Tags on a flow.",
    rate=S,
    paged=False,
    scopes="flows:read tags:read",
    aliases="get_flow_tags",
    ids_operation="get_tag_ids_for_flow",
)
area.delete(
    "delete_flow_action",
    "/api/flow-actions/{flow_action_id}",
    "flow-action",
    "Delete an action of a flow.",
    rate=S,
    since="2026-04-15",
)
