"""A call asks where something is at stake when it is made, and runs where it touches nobody."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox_server import SandboxServer, confirmation_code

from klaviyo_mcp.safety.stake import rule_of
from klaviyo_mcp.safety.stakes.assessment import read_stake
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

DEFINITION = {"condition_groups": [{"conditions": [{"type": "profile-marketing-consent"}]}]}
EVENT = {"properties": {}, "profile": {"email": "a@example.com"}}
FORM = {"name": "Popup", "definition": {"versions": [{"steps": [{"columns": []}]}]}, "ab_test": False}
BLOCK = {"content_type": "block", "type": "html", "data": {"content": "<p>New</p>", "display_options": {}}}


def action(status: str | None = None) -> dict[str, Any]:
    return {"id": "A", "type": "send-email", "data": {"message": {}, **({"status": status} if status else {})}}


AT_STAKE: list[tuple[str, dict[str, Any], str]] = [
    (
        "create_event",
        {"metric": "Placed Order", **EVENT},
        'the metric "Placed Order" starts 1 live flow: "Live Series"',
    ),
    ("create_event", {"metric": " placed order", **EVENT}, "starts 1 live flow"),
    (
        "bulk_create_events",
        {
            "events_bulk_create": [
                {"profile": {"email": "a@example.com"}, "events": [{"metric": name, "properties": {}}]}
                for name in ("Visited Fair", "Placed Order")
            ]
        },
        'the metric "Placed Order" starts 1 live flow: "Live Series"',
    ),
    (
        "add_profiles_to_list",
        {"list_id": "L1", "profile_ids": ["P1"]},
        'the list "L1" starts 1 live flow: "Live Series"',
    ),
    (
        "add_profiles_to_list",
        {"list_id": "L3", "profile_ids": ["P1"]},
        'the list "L3" is an audience of 1 campaign that is scheduled or being sent: "Scheduled Sale"',
    ),
    (
        "bulk_import_profiles",
        {"profiles": [{"email": "a@example.com"}], "list_ids": ["L2", "L1"]},
        'the list "L1" starts 1 live flow: "Live Series"',
    ),
    (
        "bulk_import_profiles",
        {"profiles": [{"email": f"{number}@example.com"} for number in range(101)]},
        "it may overwrite what 101 profiles hold",
    ),
    (
        "remove_profiles_from_list",
        {"list_id": "L4", "profile_ids": ["P1"]},
        'the list is excluded by 1 campaign that is scheduled or being sent: "Scheduled Sale"',
    ),
    ("update_segment", {"segment_id": "S1", "definition": DEFINITION}, 'the segment "S1" starts 1 live flow'),
    ("update_segment", {"segment_id": "S3", "definition": DEFINITION}, 'the segment "S3" is an audience of 1 campaign'),
    ("update_segment", {"segment_id": "S4", "definition": DEFINITION}, 'the segment "S4" is an audience of 1 campaign'),
    ("update_campaign", {"campaign_id": "C2", "name": "New"}, 'the campaign "Scheduled Sale" is scheduled'),
    ("update_campaign_message", {"campaign_message_id": "M2", "channel": "email", "subject": "New"}, "is scheduled"),
    ("assign_template_to_campaign_message", {"campaign_message_id": "M2", "template_id": "E9"}, "is scheduled"),
    ("update_image_for_campaign_message", {"campaign_message_id": "M2", "image_id": "I1"}, "is scheduled"),
    ("cancel_campaign_send", {"campaign_id": "C2", "action": "cancel"}, "the campaign is cancelled for good"),
    ("update_flow", {"flow_id": "F2", "status": "live"}, "the flow messages people once it is live"),
    (
        "update_flow",
        {"flow_id": "F1", "status": "draft"},
        "the flow is live: the people in it get nothing more from it",
    ),
    ("update_flow", {"flow_id": "F1", "status": "manual"}, "the flow is live"),
    ("update_flow_action", {"flow_action_id": "A1", "definition": action()}, 'the flow "Live Series" is live'),
    ("update_flow_action", {"flow_action_id": "A3", "definition": action()}, 'the flow "Manual Series" is manual'),
    ("update_flow_action", {"flow_action_id": "A4", "definition": action()}, "the action is live"),
    ("update_flow_action", {"flow_action_id": "A2", "definition": action("live")}, "the action becomes live"),
    ("update_template", {"template_id": "E1", "replacements": [{"find": "Hi", "replace": "Ho"}]}, "1 live flow uses"),
    ("update_template", {"template_id": "E1", "html": "<p>New</p>"}, '1 live flow uses the template: "Live Series"'),
    (
        "update_template",
        {"template_id": "E6", "html": "<p>New</p>"},
        'the template is that of 1 campaign that is scheduled or being sent: "Scheduled Sale"',
    ),
    ("update_universal_content", {"universal_content_id": "U1", "definition": BLOCK}, "every message that shows it"),
    (
        "update_web_feed",
        {"web_feed_id": "R1", "url": "https://feeds.example.com/b.json"},
        "every message that shows it",
    ),
    ("create_form", {**FORM, "status": "live"}, "visitors of the site see the form at once"),
    ("create_list", {"name": "Fair", "opt_in_process": "single_opt_in"}, "without a confirming click"),
    ("update_list", {"list_id": "L3", "opt_in_process": "single_opt_in"}, "without a confirming click"),
    (
        "create_webhook",
        {
            "name": "Orders",
            "endpoint_url": "https://hooks.example.com/b",
            "secret_key": "0123456789abcdef",
            "webhook_topic_ids": ["event:klaviyo.sent_sms"],
        },
        "data of people leaves the account",
    ),
    ("update_webhook", {"webhook_id": "W1", "endpoint_url": "https://other.example.com/"}, "data of people leaves"),
    ("update_webhook", {"webhook_id": "W1", "enabled": True}, "data of people leaves the account"),
    ("update_profile", {"profile_id": "P1", "email": None}, "it removes the last identifier of the profile"),
    ("create_or_update_profile", {"profile_id": "P1", "email": None}, "it removes the last identifier"),
    ("update_coupon_code", {"coupon_code_id": "SALE-B", "expires_at": "2027-01-01T00:00:00Z"}, "a person may hold it"),
]
HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("create_event", {"metric": "Visited Fair", **EVENT}),
    ("create_event", {"metric": "Never Seen", **EVENT}),
    ("add_profiles_to_list", {"list_id": "L2", "profile_ids": ["P1", "P2"]}),
    ("add_profiles_to_list", {"list_id": "L4", "profile_ids": ["P1"]}),
    ("add_profiles_to_list", {"list_id": "L5", "profile_ids": ["P1"]}),
    ("bulk_import_profiles", {"profiles": [{"email": "a@example.com"}], "list_ids": ["L2", "L4"]}),
    ("bulk_import_profiles", {"profiles": [{"email": "a@example.com"}]}),
    ("remove_profiles_from_list", {"list_id": "L3", "profile_ids": ["P1"]}),
    ("update_segment", {"segment_id": "S2", "definition": DEFINITION}),
    ("update_segment", {"segment_id": "S1", "name": "New"}),
    ("update_campaign", {"campaign_id": "C1", "name": "New"}),
    ("update_campaign", {"campaign_id": "C3", "name": "New"}),
    ("update_campaign", {"campaign_id": "C4", "name": "New"}),
    ("update_campaign_message", {"campaign_message_id": "M1", "channel": "email", "subject": "New"}),
    ("assign_template_to_campaign_message", {"campaign_message_id": "M1", "template_id": "E9"}),
    ("update_image_for_campaign_message", {"campaign_message_id": "M1", "image_id": "I1"}),
    ("cancel_campaign_send", {"campaign_id": "C2", "action": "revert"}),
    ("update_flow", {"flow_id": "F3", "status": "draft"}),
    ("update_flow", {"flow_id": "F2", "status": "manual"}),
    ("update_flow_action", {"flow_action_id": "A2", "definition": action("draft")}),
    ("update_template", {"template_id": "E1", "name": "New"}),
    ("update_template", {"template_id": "E2", "html": "<p>New</p>"}),
    ("update_template", {"template_id": "E5", "html": "<p>New</p>"}),
    ("update_template", {"template_id": "E9", "html": "<p>New</p>"}),
    ("update_universal_content", {"universal_content_id": "U1", "name": "New"}),
    ("update_web_feed", {"web_feed_id": "R1", "name": "New"}),
    ("create_form", {**FORM, "status": "draft"}),
    ("create_list", {"name": "Fair"}),
    ("create_list", {"name": "Fair", "opt_in_process": "double_opt_in"}),
    ("update_list", {"list_id": "L3", "name": "New"}),
    ("update_list", {"list_id": "L6", "opt_in_process": "single_opt_in"}),
    ("update_webhook", {"webhook_id": "W1", "enabled": False}),
    ("update_webhook", {"webhook_id": "W1", "name": "New"}),
    ("update_profile", {"profile_id": "P1", "first_name": None}),
    ("update_profile", {"profile_id": "P2", "email": None}),
    ("update_profile", {"profile_id": "P1", "email": None, "external_id": "7"}),
    ("update_coupon_code", {"coupon_code_id": "SALE-A", "expires_at": "2027-01-01T00:00:00Z"}),
]


def case_id(value: object) -> str:
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("tool", "arguments", "reason"), AT_STAKE, ids=case_id)
async def test_a_call_asks_where_something_is_at_stake(
    server: SandboxServer, tool: str, arguments: dict[str, Any], reason: str
) -> None:
    answer = await server.run(tool, **arguments)
    assert answer.startswith(f"Nothing has been changed yet: {tool} needs a confirmation.")
    assert reason in next(line for line in answer.splitlines() if line.startswith("Asks because "))
    assert server.writes() == []
    again = await server.run(tool, **arguments, confirmation=confirmation_code(answer))
    assert not again.startswith("Nothing has been changed yet")


@pytest.mark.parametrize(("tool", "arguments"), HARMLESS, ids=case_id)
async def test_a_call_that_touches_nobody_runs_at_once(
    server: SandboxServer, tool: str, arguments: dict[str, Any]
) -> None:
    answer = await server.run(tool, **arguments)
    assert not answer.startswith("Nothing has been changed yet"), answer
    assert len(server.writes()) == 1, answer


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [(tool, arguments) for tool, arguments, _ in AT_STAKE] + HARMLESS,
    ids=case_id,
)
async def test_a_call_is_judged_by_the_reads_that_its_row_names(
    server: SandboxServer, tool: str, arguments: dict[str, Any]
) -> None:
    operation = registry()[tool]
    await read_stake(server.calls.reads, operation, operation.arguments.model_validate(arguments))
    declared = {registry()[name].path.partition("{")[0].rstrip("/") for name in rule_of(operation).reads}
    paths = {request.removeprefix("GET /klaviyo").rstrip("/") for request in server.requests()}
    assert [path for path in paths if not any(path == one or path.startswith(f"{one}/") for one in declared)] == []


ASSESSED_BY_READS = [
    ("create_event", {"metric": "Never Seen", **EVENT}),
    ("add_profiles_to_list", {"list_id": "L2", "profile_ids": ["P1"]}),
    ("bulk_import_profiles", {"profiles": [{"email": "a@example.com"}], "list_ids": ["L2"]}),
    ("remove_profiles_from_list", {"list_id": "L3", "profile_ids": ["P1"]}),
    ("update_segment", {"segment_id": "S2", "definition": DEFINITION}),
    ("update_campaign", {"campaign_id": "C1", "name": "New"}),
    ("update_campaign_message", {"campaign_message_id": "M1", "channel": "email", "subject": "New"}),
    ("update_flow", {"flow_id": "F2", "status": "manual"}),
    ("update_flow_action", {"flow_action_id": "A2", "definition": action()}),
    ("update_template", {"template_id": "E9", "html": "<p>New</p>"}),
    ("update_list", {"list_id": "L3", "opt_in_process": "single_opt_in"}),
    ("update_profile", {"profile_id": "P2", "email": None}),
    ("update_coupon_code", {"coupon_code_id": "SALE-A", "expires_at": "2027-01-01T00:00:00Z"}),
]


@pytest.mark.parametrize(("tool", "arguments"), ASSESSED_BY_READS, ids=case_id)
@pytest.mark.parametrize("status", [403, 500])
async def test_what_cannot_be_read_is_at_stake(
    server: SandboxServer, tool: str, arguments: dict[str, Any], status: int
) -> None:
    server.sandbox.faults.add(status=status, method="GET", path="/klaviyo/*", times=99)
    answer = await server.run(tool, **arguments)
    assert answer.startswith(f"Nothing has been changed yet: {tool} needs a confirmation.")
    assert "Asks because it could not be read whether" in answer
    assert server.writes() == []


async def test_an_answer_of_a_shape_that_nobody_expected_is_at_stake(server: SandboxServer) -> None:
    server.sandbox.store.get("campaign", "C1").attributes["status"] = ["Draft"]  # type: ignore[union-attr]
    assert "Nothing has been changed yet" in await server.run("update_campaign", campaign_id="C1", name="New")


async def test_where_there_is_no_such_record_nobody_is_asked_and_nothing_is_sent(server: SandboxServer) -> None:
    answer = await server.run("add_profiles_to_list", list_id="none", profile_ids=["P1"])
    assert answer.startswith("ERROR")
    assert "list_id: there is no list by that id; nothing was changed" in answer
    assert server.writes() == []


async def test_a_metric_of_several_integrations_counts_with_all_its_flows(server: SandboxServer) -> None:
    server.put("metric", "X4", name="Placed Order", links={"flow-triggers": ["F1"]})
    answer = await server.run("create_event", metric="Placed Order", **EVENT)
    assert "starts 1 live flow" in answer


async def test_a_collection_of_more_pages_than_are_read_is_at_stake(server: SandboxServer) -> None:
    for number in range(2_100):
        server.put("metric", f"Y{number:04}", name=f"Metric {number}", links={"flow-triggers": []})
    answer = await server.run("create_event", metric="Never Seen", **EVENT)
    assert "Asks because it could not be read whether a live flow starts with the metric" in answer
