"""The preview of a change names the record, and shows the attributes and joined records that are declared."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.safety.previews.preview_lines import FINAL, HEAD, preview_lines, read_preview
from tests.server.sandbox_server import SandboxServer, sandbox_server

from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "arguments", "lines"),
    [
        (
            "delete_list",
            {"list_id": "L1"},
            ['delete the list "Newsletter" (id L1).', "It holds 2 profiles, which stay in the account."],
        ),
        (
            "delete_segment",
            {"segment_id": "S1"},
            ['delete the segment "Bounced" (id S1).', "It holds 1 profile, which stays in the account."],
        ),
        (
            "delete_campaign",
            {"campaign_id": "C1"},
            [
                'delete the campaign "Spring Sale" (id C1).',
                "Status: Draft.",
                'It has 1 campaign message: "Spring".',
                'It has 1 tag: "spring".',
            ],
        ),
        (
            "delete_flow",
            {"flow_id": "F1"},
            [
                'delete the flow "Welcome" (id F1).',
                'Status: draft, trigger type: "Added to List".',
                'It has 3 flow actions: "send-email", "time-delay", "send-sms".',
            ],
        ),
        ("delete_tag", {"tag_id": "T1"}, ['delete the tag "spring" (id T1).', "It is on 1 campaign."]),
        (
            "delete_tag_group",
            {"tag_group_id": "G1"},
            [
                'delete the tag group "Seasons" (id G1).',
                'It contains 1 tag: "spring".',
                "Its tags are deleted with it, and taken off everything that has them.",
            ],
        ),
        (
            "bulk_delete_catalog_items",
            {"catalog_item_ids": [f"$custom:::$default:::{n}" for n in range(7)]},
            ["delete 7 catalog items: " + ", ".join(f'"$custom:::$default:::{n}"' for n in range(5)) + " and 2 more."],
        ),
    ],
)
async def test_a_delete_shows_the_name_of_the_record_and_its_contents(
    server: SandboxServer, name: str, arguments: dict[str, Any], lines: list[str]
) -> None:
    assert await preview_lines(server, name, **arguments) == [f"{HEAD}{lines[0]}", *lines[1:], FINAL]


@pytest.mark.parametrize(
    ("name", "type_", "attributes", "lines"),
    [
        ("delete_template", "template", {"name": "Base", "editor_type": "CODE"}, ["Editor type: CODE."]),
        ("delete_universal_content", "template-universal-content", {"name": "Base"}, []),
        ("delete_catalog_item", "catalog-item", {"title": "Base", "external_id": "SKU-1"}, ["External id: SKU-1."]),
        ("delete_catalog_category", "catalog-category", {"name": "Base"}, []),
        ("delete_coupon", "coupon", {"external_id": "Base", "description": "A gift"}, ['Description: "A gift".']),
        ("delete_form", "form", {"name": "Base", "status": "live"}, ["Status: live."]),
        ("delete_custom_metric", "custom-metric", {"name": "Base"}, []),
        ("delete_data_source", "data-source", {"title": "Base"}, []),
    ],
)
async def test_any_delete_shows_the_name_of_the_record(
    server: SandboxServer, name: str, type_: str, attributes: dict[str, Any], lines: list[str]
) -> None:
    server.put(type_, "X1", **attributes)
    operation = registry()[name]
    first, *rest = await preview_lines(server, name, **{operation.path_ids[-1]: "X1"})
    kind = type_.removeprefix("template-").replace("-", " ")
    assert first == f'{HEAD}delete the {kind} "Base" (id X1).'
    assert rest == [*lines, FINAL]


async def test_disconnecting_shows_the_connection(server: SandboxServer) -> None:
    id_ = "21fd90f9-5935-43cd-b6c8-bde9d915ca80"
    assert await preview_lines(server, "delete_connection", connection_id=id_) == [
        f"Maton: disconnect the Klaviyo connection with id {id_}.",
        "Status: ACTIVE, creation time: 2026-06-01T12:00:00Z.",
        "Nothing more can be done in its account from here until a person authorizes a new connection; its data stay.",
    ]


async def test_changing_an_action_shows_its_flow(server: SandboxServer) -> None:
    definition = {"type": "time-delay", "data": {"unit": "days", "value": 2}}
    assert await preview_lines(server, "update_flow_action", flow_action_id="A1", definition=definition) == [
        f'{HEAD}replace an action of type time-delay (id A1) in flow "Welcome" (status draft).',
        "definition.data: nothing → unit days, value 2",
    ]


async def test_a_reply_shows_its_text() -> None:
    server = sandbox_server(revision="2026-07-15")
    assert await preview_lines(
        server, "create_conversation_message", conversation_id="V1", body="It ships\ntoday."
    ) == [
        f"{HEAD}send a message to the person in the conversation with id V1; Klaviyo does not tell who that is.",
        'Message: "It ships today.".',
    ]


async def test_a_push_token_is_shown_with_its_owner(server: SandboxServer) -> None:
    server.put("push-token", "T1", platform="ios", links={"profile": "P1"})
    assert await preview_lines(server, "delete_push_token", push_token_id="T1") == [
        f'{HEAD}delete the push token "ios" (id T1) of profile "p1@example.com": '
        "that device gets no more push messages."
    ]


async def test_the_owner_of_a_push_token_is_shown_by_id_where_strangers_text_is_hidden() -> None:
    server = sandbox_server(user_content="hide")
    server.put("profile", "P1", email="p1@example.com")
    server.put("push-token", "T1", platform="ios", links={"profile": "P1"})
    lines = await preview_lines(server, "delete_push_token", push_token_id="T1")
    assert ' of profile "P1": ' in lines[0]


async def test_a_device_is_registered_for_a_person_and_a_platform(server: SandboxServer) -> None:
    device = {"platform": "ios", "token": "abc", "vendor": "apns", "profile": {"email": "a@example.com"}}
    assert await preview_lines(server, "create_push_token", **device) == [
        f'{HEAD}register a device (ios) for push messages to "a@example.com".',
        "This counts as their consent.",
    ]


async def test_a_back_in_stock_notice_names_the_person_the_channels_and_the_variant(server: SandboxServer) -> None:
    server.put("catalog-variant", "$custom:::$default:::V1", title="Tent, red")
    notice = {
        "profile": {"email": "a@example.com"},
        "channels": ["EMAIL", "SMS"],
        "variant_id": "$custom:::$default:::V1",
    }
    assert await preview_lines(server, "create_back_in_stock_subscription", **notice) == [
        f'{HEAD}notify "a@example.com" by EMAIL, SMS once the catalog variant "Tent, red" '
        "(id $custom:::$default:::V1) is in stock again."
    ]


async def test_a_change_without_a_declared_preview_shows_its_record_and_its_values() -> None:
    server = sandbox_server(confirm="writes")
    server.put("list", "L1", name="Newsletter")
    assert await preview_lines(server, "update_list", list_id="L1", name="Weekly news") == [
        f'{HEAD}update list: list "Newsletter" (id L1).',
        'name: "Newsletter" → "Weekly news"',
    ]
    assert await preview_lines(server, "create_list", name="VIP") == [f"{HEAD}create list.", "Values: name VIP"]


async def test_a_change_of_a_person_hides_their_name_where_strangers_text_is_hidden() -> None:
    server = sandbox_server(confirm="writes", user_content="hide")
    server.put("profile", "P1", email="p1@example.com")
    lines = await preview_lines(server, "update_profile", profile_id="P1", first_name="Ann")
    assert lines[0] == f"{HEAD}update profile: profile with id P1."


async def test_a_record_that_cannot_be_read_is_shown_by_its_id(server: SandboxServer) -> None:
    server.sandbox.faults.add(status=403, path="*/tags/*", times=9)
    server.sandbox.faults.add(status=403, path="*/tag-groups/*", times=9)
    assert await preview_lines(server, "delete_tag", tag_id="T1") == [
        f"{HEAD}delete the tag with id T1 (its name is unknown).",
        "It is on an unknown number of campaigns, an unknown number of flows, an unknown number of lists, an unknown "
        "number of segments.",
        FINAL,
    ]
    assert (await preview_lines(server, "delete_tag_group", tag_group_id="G1"))[1] == (
        "It contains an unknown number of tags."
    )


async def test_facts_are_what_somebody_changes_and_no_counts(server: SandboxServer) -> None:
    async def facts() -> dict[str, Any]:
        return dict((await read_preview(server, "delete_list", list_id="L1")).facts)

    before = await facts()
    assert before == {
        "id": "L1",
        "name": "Newsletter",
        "opt_in_process": "double_opt_in",
        "flow-triggers": {},
        "tags": {},
    }
    server.sandbox.store.join("list", "L1", "P3")
    assert await facts() == before
    server.sandbox.store.get("list", "L1").attributes["name"] = "News"  # type: ignore[union-attr]
    assert await facts() == {**before, "name": "News"}
