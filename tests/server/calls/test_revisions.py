"""What a revision of Klaviyo's API has and another lacks, and ids in place of records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.server.sandbox_server import UnattendedContext, sandbox_server

from klaviyo_mcp.calls.inventory import UnknownTool
from klaviyo_mcp.cli import tools as listing
from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.settings import Settings
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import UnknownName, registry
from klaviyo_tools.schema.input_schema import input_schema
from klaviyo_tools.search.index import Index

pytestmark = pytest.mark.anyio

LATER = "exists from revision 2026-07-15 on (KLAVIYO_REVISION)."


@pytest.mark.parametrize(
    ("tool", "arguments", "refusal"),
    [
        (
            "create_event",
            {"metric": "Bought", "profile": {"email": "ann@example.com"}, "properties": {}, "backfill": True},
            f"backfill {LATER}",
        ),
        (
            "update_profile",
            {"profile_id": "P", "patch_identifiers": {"append": {"email": ["an@example.com"]}}},
            f"patch_identifiers {LATER}",
        ),
        (
            "bulk_subscribe_profiles",
            {
                "profiles": [
                    {
                        "email": "ann@example.com",
                        "subscriptions": {"email": {"open_tracking": {"consent": "SUBSCRIBED"}}},
                    }
                ]
            },
            f"profiles.subscriptions.email.open_tracking {LATER}",
        ),
        ("get_profiles", {"include": ["conversations"]}, f"include: conversations {LATER}"),
        ("get_events", {"filter": "has(metric)"}, f"filter: metric {LATER}"),
        ("get_templates", {"additional_fields": ["definition"]}, f"additional_fields: definition {LATER}"),
        (
            "create_template",
            {
                "name": "T",
                "editor_type": "SYSTEM_DRAGGABLE",
                "definition": {"body": {"properties": {}, "styles": {}}, "styles": []},
            },
            f"editor_type: SYSTEM_DRAGGABLE {LATER}",
        ),
    ],
)
async def test_an_argument_of_a_newer_revision_is_refused_at_an_older_one(
    tool: str, arguments: dict[str, Any], refusal: str
) -> None:
    server = sandbox_server(confirm="never")
    assert await server.run(tool, **arguments) == f"ERROR: {tool} was not sent: {refusal}"
    assert server.requests() == []


async def test_a_value_that_a_newer_revision_removed_is_refused_there() -> None:
    server = sandbox_server(confirm="never", revision="2026-07-15")
    form = {"versions": [{"type": "popup", "steps": [{"columns": []}]}]}
    answer = await server.run("create_form", name="F", status="live", ab_test=False, definition=form)
    assert answer == (
        "ERROR: create_form was not sent: status: live exists only before revision 2026-07-15 (KLAVIYO_REVISION)."
    )


def properties(tool: str, revision: str) -> dict[str, Any]:
    schema: dict[str, dict[str, Any]] = input_schema(registry()[tool].arguments, revision)
    return schema["properties"]


def test_a_schema_has_only_the_arguments_of_its_revision() -> None:
    old, new = (properties("create_template", revision) for revision in ("2026-01-15", "2026-07-15"))
    assert {*new} - {*old} == {"definition", "additional_fields"}
    assert old["editor_type"]["enum"] == ["CODE", "USER_DRAGGABLE"]
    assert new["editor_type"]["enum"] == ["CODE", "USER_DRAGGABLE", "SYSTEM_DRAGGABLE"]
    assert properties("get_profiles", "2026-01-15")["include"]["description"] == "push-tokens"
    assert properties("get_profiles", "2026-07-15")["include"]["description"] == "push-tokens, conversations"
    assert "include" not in properties("get_form_version", "2026-01-15")
    assert "metric: has" in properties("get_events", "2026-07-15")["filter"]["description"].replace("profile, ", "")
    assert properties("create_form", "2026-07-15")["status"]["enum"] == ["draft"]


async def test_operations_of_a_newer_revision_are_listed_at_that_revision_alone() -> None:
    old = create_service(Settings(sandbox=True, toolsets=("all",)))
    new = create_service(Settings(sandbox=True, toolsets=("all",), revision="2026-07-15"))
    added = {operation.name for operation in registry().values() if operation.revisions.since > "2026-01-15"}
    assert len(added) >= 31
    assert set(new.inventory.listed_operations) == set(registry())
    assert set(old.inventory.listed_operations) == set(registry()) - added
    with pytest.raises(
        UnknownTool, match=r"^get_object_types exists from revision 2026-07-15 on \(KLAVIYO_REVISION\)$"
    ):
        await old.call("get_object_types", {}, UnattendedContext())


async def test_ids_only_reads_the_relationship_and_answers_ids() -> None:
    server = sandbox_server()
    server.put("profile", "P1", email="ann@example.com")
    server.put("list", "L1", name="News")
    server.sandbox.store.join("list", "L1", "P1")
    assert await server.run("get_profiles_for_list", list_id="L1", ids_only=True) == "1 profile; complete\nid\nP1"
    [query] = [
        request.query for request in server.sandbox.requests if request.path.endswith("/L1/relationships/profiles")
    ]
    assert dict(query) == {"page[size]": "50"}


async def test_one_id_is_answered_where_one_record_would_be() -> None:
    server = sandbox_server()
    server.put("metric", "M1", name="Placed Order")
    server.put("event", "E1", {"metric": "M1"}, timestamp=0, datetime="2026-01-01T00:00:00+00:00", event_properties={})
    assert await server.run("get_metric_for_event", event_id="E1", ids_only=True) == '{"id":"M1"}'
    assert "GET /klaviyo/api/events/E1/relationships/metric" in server.requests()


@pytest.mark.parametrize(
    ("tool", "arguments", "refusal"),
    [
        (
            "get_profiles_for_list",
            {"list_id": "L1", "ids_only": True, "fields": ["email"], "count_by": "email"},
            "arguments: ids_only answers ids and nothing else: leave out fields and count_by.",
        ),
        (
            "get_flow_action_messages",
            {"flow_action_id": "1", "ids_only": True, "filter": 'any(id,["1"])'},
            'arguments: unknown filter field "id": there are name: = contains ends-with starts-with; created, updated: '
            "= < <= > >=.",
        ),
    ],
)
async def test_ids_only_refuses_arguments_that_klaviyo_does_not_take_there(
    tool: str, arguments: dict[str, Any], refusal: str
) -> None:
    assert await sandbox_server().run(tool, **arguments) == f"ERROR: {tool} was not sent: {refusal}"


async def test_the_name_of_an_operation_that_is_an_argument_leads_to_its_tool() -> None:
    with pytest.raises(UnknownName) as unknown:
        registry()["get_profile_ids_for_list"]
    text = "there is no tool get_profile_ids_for_list: call get_profiles_for_list with ids_only=true"
    assert unknown.value.args == (text,)
    with pytest.raises(UnknownTool) as refused:
        await sandbox_server().calls.call("get_profile_ids_for_list", {"list_id": "L1"}, UnattendedContext())
    assert refused.value.args == (text,)


@pytest.mark.parametrize("revision", ["2026-01-15", "2026-07-15"])
def test_the_listing_for_programs_has_every_operation_of_its_revision(revision: str) -> None:
    listed = json.loads(listing.operations_json(listing.operations_of(revision), revision))
    klaviyo = [row for row in listed if row["path"].startswith("/api/")]
    names = [row["name"] for row in klaviyo]
    reads = [one for one in registry().at_revision(revision) if one.reading.ids_operation]
    tools = [one.name for one in registry().at_revision(revision) if one.service is Service.KLAVIYO]
    assert sorted(names) == sorted([*tools, *(str(one.reading.ids_operation) for one in reads)])
    arguments = [row for row in klaviyo if "as" in row]
    assert len(arguments) == len(reads) >= 40
    assert {row["name"]: row["as"] for row in arguments}["get_tag_ids_for_list"] == {
        "tool": "get_tags_for_list",
        "argument": "ids_only",
    }


def test_an_operation_that_is_an_argument_is_found_by_its_name() -> None:
    operations = registry()
    index = Index(operations.values())
    hits = {name: index.search(name, 1)[0].operation.name for name in operations.argument_operations}
    assert hits == {name: tool for name, (tool, _) in operations.argument_operations.items()}
