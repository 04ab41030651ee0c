"""Flows: what is refused, and what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from klaviyo_tools.areas.flows import FLOW_EXAMPLE, area
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

WAIT = {"temporary_id": "wait", "type": "time-delay", "links": {"next": "mail"}, "data": {"unit": "days", "value": 5}}
MAIL = {"temporary_id": "mail", "type": "send-email", "links": {"next": None}}


def flow(**changes: object) -> dict[str, object]:
    return {
        "triggers": [{"type": "list", "id": "Y6nRLr"}],
        "entry_action_id": "wait",
        "actions": [WAIT, MAIL],
        **changes,
    }


@pytest.mark.parametrize(
    ("definition", "refusal"),
    [
        ({"triggers": []}, f"needs actions, entry_action_id: {FLOW_EXAMPLE}"),
        (flow(trigger={}), "key 'trigger' is unknown; did you mean triggers?"),
        (flow(triggers=[{"type": "list"}, {"type": "list"}]), "triggers is a list of one object with a type: "),
        (flow(actions=["send-email"]), "actions is a list of objects with a type: "),
        (flow(actions=[{**WAIT, "type": "wait"}]), "action type 'wait' is unknown; valid: send-email, "),
        (flow(actions=[{**WAIT, "data": None}]), "an action of type time-delay needs data, an object"),
        (flow(actions=[WAIT, WAIT]), "each action needs a temporary_id of its own, and no id: "),
        (flow(actions=[{**MAIL, "id": "12345"}]), "each action needs a temporary_id of its own, and no id: "),
        (
            flow(entry_action_id="start"),
            "entry_action_id is 'start', the temporary_id of no action; there are wait, mail",
        ),
        (flow(actions=[WAIT]), "links.next of action wait is 'mail', the temporary_id of no action; there are wait"),
    ],
)
def test_a_flow_with_broken_links_is_not_sent(
    refusal_of: RefusalOf, definition: dict[str, object], refusal: str
) -> None:
    read = refusal_of("create_flow", name="Thanks", definition=definition)
    assert read.startswith(f"definition: {refusal}")
    assert len(read.encode()) < 600


def test_a_flow_has_three_statuses(refusal_of: RefusalOf) -> None:
    assert refusal_of("update_flow", flow_id="VJvBNr", status="paused") == (
        "status: should be 'draft', 'manual' or 'live', not \"paused\""
    )


def test_an_action_has_a_type_of_klaviyos(refusal_of: RefusalOf) -> None:
    assert refusal_of("update_flow_action", flow_action_id="12345", definition={"data": {}}).startswith(
        "definition: needs type: {"
    )
    assert refusal_of("update_flow_action", flow_action_id="12345", definition={"type": "time-delay"}) == (
        "definition: an action of type time-delay needs data, an object"
    )


def test_flows_by_name_and_status(request_of: RequestOf) -> None:
    sent = request_of(
        "get_flows", filter=['contains(name,"Welcome")', 'equals(status,"live")'], sort="-updated", include=["tags"]
    )
    assert sent == Request(
        "GET",
        "/api/flows",
        {
            "filter": 'and(contains(name,"Welcome"),equals(status,"live"))',
            "sort": "-updated",
            "include": "tags",
        },
    )


def test_a_flow_with_its_definition(request_of: RequestOf) -> None:
    sent = request_of("get_flow", flow_id="VJvBNr", additional_fields=["definition"])
    assert sent == Request("GET", "/api/flows/VJvBNr", {"additional-fields[flow]": "definition"})


def test_the_definition_of_a_flow_is_sent_unchanged(request_of: RequestOf) -> None:
    sent = request_of("create_flow", name="Thanks", definition=json.dumps(flow()), additional_fields="definition")
    assert sent == Request(
        "POST",
        "/api/flows",
        {"additional-fields[flow]": "definition"},
        {"data": {"type": "flow", "attributes": {"name": "Thanks", "definition": flow()}}},
    )


def test_a_flow_is_set_to_draft(request_of: RequestOf) -> None:
    assert request_of("update_flow", flow_id="VJvBNr", status="draft") == Request(
        "PATCH",
        "/api/flows/VJvBNr",
        {},
        {"data": {"type": "flow", "id": "VJvBNr", "attributes": {"status": "draft"}}},
    )


def test_an_action_is_replaced(request_of: RequestOf) -> None:
    definition = {"id": "12345", "type": "send_email", "data": {"status": "draft"}}
    assert request_of("update_flow_action", flow_action_id="12345", definition=definition) == Request(
        "PATCH",
        "/api/flow-actions/12345",
        {},
        {
            "data": {
                "type": "flow-action",
                "id": "12345",
                "attributes": {"definition": {**definition, "type": "send-email"}},
            }
        },
    )


def test_the_messages_of_a_flow_are_read_action_by_action(request_of: RequestOf) -> None:
    actions = request_of("get_actions_for_flow", flow_id="VJvBNr", filter='any(action_type,["SEND_EMAIL"])')
    assert actions == Request("GET", "/api/flows/VJvBNr/flow-actions", {"filter": 'any(action_type,["SEND_EMAIL"])'})
    messages = request_of("get_flow_action_messages", flow_action_id="12345", sort="name")
    assert messages == Request("GET", "/api/flow-actions/12345/flow-messages", {"sort": "name"})


def test_the_status_and_the_actions_of_a_flow_reach_people() -> None:
    assert area.operations["update_flow"].effect is Effect.REACHES_PEOPLE
    assert area.operations["create_flow"].effect is Effect.WRITE
    assert area.operations["update_flow_action"].effect is Effect.REACHES_PEOPLE
