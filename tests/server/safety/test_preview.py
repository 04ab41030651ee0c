"""What a person reads before they agree: what will happen, to what, to how many; unknown where it cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.server.sandbox_server import SandboxServer, sandbox_server

from klaviyo_mcp.safety.previews import preview, sends
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

SUBSCRIBED = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}
UNSUBSCRIBED = {"email": {"marketing": {"consent": "UNSUBSCRIBED"}}, "sms": {"marketing": {"consent": "UNSUBSCRIBED"}}}
HEAD = 'Klaviyo account "Fjord Outdoor": '
GONE = "This cannot be taken back."


async def lines(server: SandboxServer, name: str, **arguments: Any) -> list[str]:
    """The preview of a call, without what stands before and after it."""
    first, *told, last = (await server.run(name, **arguments)).split("\n")
    assert first == f"Nothing has been changed yet: {name} needs a confirmation."
    assert last.startswith("To go ahead, show this to the person")
    assert server.writes() == []
    return told


@pytest.fixture
def server() -> SandboxServer:
    """An account with something of everything."""
    server = sandbox_server()
    for number in (1, 2, 3):
        server.put(
            "profile",
            f"P{number}",
            email=f"p{number}@example.com",
            first_name=f"Ann {number}",
            created="2025-03-01T09:00:00+00:00",
            subscriptions={"email": {"marketing": {"can_receive_email_marketing": True}}},
        )
    server.put("list", "L1", name="Newsletter", opt_in_process="double_opt_in")
    server.put("list", "L2", name="VIP", opt_in_process="single_opt_in")
    server.put("segment", "S1", name="Bounced")
    for profile in ("P1", "P2"):
        server.sandbox.store.join("list", "L1", profile)
    server.sandbox.store.join("segment", "S1", "P2")
    server.put("tag", "T1", name="spring", links={"tag-group": "G1"})
    server.put("tag-group", "G1", name="Seasons", links={"tags": ["T1"]})
    server.put("campaign-message", "M1", definition=MESSAGE, links={"campaign": "C1"})
    server.put(
        "campaign",
        "C1",
        name="Spring Sale",
        status="Draft",
        audiences={"included": ["L1"], "excluded": ["S1"]},
        send_strategy={"method": "static", "datetime": "2026-06-02T09:00:00+00:00", "options": {"is_local": True}},
        links={"campaign-messages": ["M1"], "tags": ["T1"]},
    )
    for number, kind in enumerate(("send-email", "time-delay", "send-sms")):
        server.put("flow-action", f"A{number}", definition={"type": kind}, links={"flow": "F1"})
    server.put(
        "flow",
        "F1",
        name="Welcome",
        status="draft",
        trigger_type="Added to List",
        links={"flow-actions": ["A0", "A1", "A2"]},
    )
    return server


MESSAGE = {
    "channel": "email",
    "label": "Spring",
    "content": {"subject": "20 % off tents", "from_email": "shop@example.com"},
}


# Sends.


async def test_a_send_tells_the_message_the_audience_the_time_and_how_many(server: SandboxServer) -> None:
    assert await lines(server, "send_campaign", campaign_id="C1") == [
        f'{HEAD}send the campaign "Spring Sale" (id C1) to real recipients at 2026-06-02T09:00:00Z '
        "in each recipient's time zone.",
        "Status: Draft. About 1 recipient.",
        'Message by email: subject "20 % off tents", from "shop@example.com". '
        "It has no template yet: it cannot be sent.",
        'To: list "Newsletter".',
        'Not to: segment "Bounced".',
    ]


@pytest.mark.parametrize(
    ("strategy", "told"),
    [
        ({"method": "immediate"}, " at once."),
        ({"method": "static", "datetime": "2026-06-02T09:00:00Z"}, " at 2026-06-02T09:00:00Z."),
        (
            {"method": "throttled", "datetime": "2026-06-02T09:00:00Z", "throttle_percentage": 25},
            " from 2026-06-02T09:00:00Z on, 25 % of them an hour.",
        ),
        (
            {"method": "smart_send_time", "date": "2026-06-02"},
            " on 2026-06-02 at the time that suits each recipient.",
        ),
        ({"method": "new_way"}, " (method new_way)."),
    ],
)
async def test_each_way_of_sending_is_told(server: SandboxServer, strategy: dict[str, Any], told: str) -> None:
    server.sandbox.store.get("campaign", "C1").attributes["send_strategy"] = strategy  # type: ignore[union-attr]
    first = (await lines(server, "send_campaign", campaign_id="C1"))[0]
    assert first.partition("to real recipients")[2] == told


async def test_recipients_that_cannot_be_counted_anew_are_those_last_counted(server: SandboxServer) -> None:
    server.put("campaign-recipient-estimation", "C1", estimated_recipient_count=1250)
    server.sandbox.faults.add(status=403, path="*/campaign-recipient-estimation-jobs*", times=9)
    told = await lines(server, "send_campaign", campaign_id="C1")
    assert told[1] == "Status: Draft. About 1,250 recipients when last counted."


async def test_a_send_of_which_nothing_can_be_read_says_so_and_can_still_be_confirmed(server: SandboxServer) -> None:
    server.sandbox.faults.add(status=403, path="/klaviyo/*", times=99)
    assert await lines(server, "send_campaign", campaign_id="C1") == [
        'Klaviyo account "21fd90f9-5935-43cd-b6c8-bde9d915ca80": send the campaign with id C1 (its name is unknown) '
        "to real recipients.",
        "Status: unknown. How many people get it is unknown.",
        "Message: unknown.",
        "To: unknown.",
    ]


async def test_stopping_a_send_for_good_tells_what_is_stopped(server: SandboxServer) -> None:
    assert await lines(server, "cancel_campaign_send", campaign_id="C1", action="cancel") == [
        f'{HEAD}stop sending the campaign "Spring Sale" (id C1) for good.',
        "Status: Draft. Who has had it by now keeps it.",
        'Message by email: subject "20 % off tents", from "shop@example.com".',
        'To: list "Newsletter".',
    ]


async def test_a_send_names_the_template_of_each_email(server: SandboxServer) -> None:
    server.put("template", "E1", name="Spring mail")
    server.sandbox.store.link(server.sandbox.store.get("campaign-message", "M1"), "template", "E1")  # type: ignore[arg-type]
    told = await lines(server, "send_campaign", campaign_id="C1")
    assert told[2].endswith('from "shop@example.com". Template: "Spring mail".')


async def test_whether_an_email_has_a_template_is_unknown_where_its_message_cannot_be_read(
    server: SandboxServer,
) -> None:
    server.sandbox.faults.add(status=403, path="*/campaign-messages/*", times=9)
    told = await lines(server, "send_campaign", campaign_id="C1")
    assert told[2].endswith("Whether it has a template is unknown.")


# What cannot succeed: nobody is asked.


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("Sent", "To send it anew, copy it with create_campaign_clone and send the copy."),
        ("Cancelled", "To send it anyway, copy it with create_campaign_clone and send the copy."),
        ("Scheduled", "cancel_campaign_send with action=revert makes it a draft again."),
        ("Sending", "Look with get_campaign; cancel_campaign_send stops a send under way."),
    ],
)
async def test_nobody_is_asked_to_send_what_is_no_draft(server: SandboxServer, status: str, then: str) -> None:
    server.sandbox.store.get("campaign", "C1").attributes["status"] = status  # type: ignore[union-attr]
    assert await server.run("send_campaign", campaign_id="C1") == (
        f'ERROR: send_campaign was not run and nothing was changed: the campaign "Spring Sale" (id C1) is {status}, '
        f"and only a draft can be sent. {then}"
    )
    assert server.writes() == []


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("delete_list", {"list_id": "none"}, "list_id: there is no list"),
        ("delete_tag", {"tag_id": "none"}, "tag_id: there is no tag"),
        ("delete_tag_group", {"tag_group_id": "none"}, "tag_group_id: there is no tag group"),
        ("delete_custom_metric", {"custom_metric_id": "none"}, "custom_metric_id: there is no custom metric"),
        ("delete_push_token", {"push_token_id": "none"}, "push_token_id: there is no push token"),
        ("send_campaign", {"campaign_id": "none"}, "campaign_id: there is no campaign"),
        ("cancel_campaign_send", {"campaign_id": "none", "action": "cancel"}, "campaign_id: there is no campaign"),
        ("merge_profiles", {"profile_id": "none", "profile_ids": ["P1"]}, "profile_id: there is no profile"),
        ("merge_profiles", {"profile_id": "P1", "profile_ids": ["none"]}, "profile_ids: there is no profile"),
        ("add_profiles_to_list", {"list_id": "none", "profile_ids": ["P1"]}, "list_id: there is no list"),
        ("bulk_suppress_profiles", {"segment_id": "none"}, "segment_id: there is no segment"),
        (
            "bulk_import_profiles",
            {"profiles": [{"id": "P1"}], "list_ids": ["L1", "none"]},
            "list_ids: there is no list",
        ),
        ("update_flow", {"flow_id": "none", "status": "live"}, "flow_id: there is no flow"),
        (
            "bulk_subscribe_profiles",
            {"list_id": "none", "profiles": [{"email": "a@example.com", "subscriptions": SUBSCRIBED}]},
            "list_id: there is no list",
        ),
    ],
)
async def test_nobody_is_asked_about_what_is_not_there(
    server: SandboxServer, name: str, arguments: dict[str, Any], fault: str
) -> None:
    told = await server.run(name, **arguments)
    assert told.startswith(f"ERROR: {name} found nothing by that id (404): {fault} by that id; nothing was changed.")
    assert server.writes() == []


# Deletes.


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
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
                'It carries 1 tag: "spring".',
            ],
        ),
        (
            "delete_flow",
            {"flow_id": "F1"},
            [
                'delete the flow "Welcome" (id F1).',
                'Status: draft, trigger type: "Added to List".',
                "It has 3 flow actions.",
            ],
        ),
        ("delete_tag", {"tag_id": "T1"}, ['delete the tag "spring" (id T1).', "It is on 1 campaign."]),
        (
            "delete_tag_group",
            {"tag_group_id": "G1"},
            [
                'delete the tag group "Seasons" (id G1).',
                'With it go 1 tag, also from everything that has them: "spring".',
            ],
        ),
        (
            "bulk_delete_catalog_items",
            {"catalog_item_ids": [f"$custom:::$default:::{n}" for n in range(7)]},
            ["delete 7 catalog items: " + ", ".join(f'"$custom:::$default:::{n}"' for n in range(5)) + " and 2 more."],
        ),
    ],
)
async def test_a_delete_tells_the_name_of_the_thing_and_what_it_holds(
    server: SandboxServer, name: str, arguments: dict[str, Any], told: list[str]
) -> None:
    assert await lines(server, name, **arguments) == [f"{HEAD}{told[0]}", *told[1:], GONE]


@pytest.mark.parametrize(
    ("name", "type_", "attributes", "told"),
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
async def test_any_delete_tells_what_the_thing_is_called(
    server: SandboxServer, name: str, type_: str, attributes: dict[str, Any], told: list[str]
) -> None:
    server.put(type_, "X1", **attributes)
    operation = registry()[name]
    first, *rest = await lines(server, name, **{operation.path_ids[-1]: "X1"})
    kind = type_.removeprefix("template-").replace("-", " ")
    assert first == f'{HEAD}delete the {kind} "Base" (id X1).'
    assert rest == [*told, GONE]


async def test_disconnecting_tells_which_connection(server: SandboxServer) -> None:
    id_ = "21fd90f9-5935-43cd-b6c8-bde9d915ca80"
    assert await lines(server, "delete_connection", connection_id=id_) == [
        f'Maton: disconnect the Klaviyo connection "{id_}" (status ACTIVE, made 2026-06-01T12:00:00Z).',
        "Nothing more can be done in its account from here until a person authorizes a new connection; its data stay.",
    ]


# People.


@pytest.mark.parametrize(
    ("who", "told"),
    [
        ({"email": "p1@example.com"}, 'That is 1 profile: "Ann 1" "p1@example.com" (id P1, since 2025-03-01).'),
        ({"id": "P1"}, 'That is 1 profile: "Ann 1" "p1@example.com" (id P1, since 2025-03-01).'),
        ({"email": "nobody@example.com"}, "There is none such now."),
    ],
)
async def test_an_erasure_tells_who_it_is(server: SandboxServer, who: dict[str, str], told: str) -> None:
    ((key, value),) = who.items()
    quoted = f'"{value}"'
    assert await lines(server, "request_profile_deletion", profile=who) == [
        f"{HEAD}erase for good every profile whose {key} is {quoted}, with all its data.",
        told,
        GONE,
    ]


async def test_a_merge_tells_who_stays_and_who_goes(server: SandboxServer) -> None:
    assert await lines(server, "merge_profiles", profile_id="P1", profile_ids=["P2"]) == [
        f"{HEAD}merge two profiles into one.",
        'The one that stays: "Ann 1" "p1@example.com" (id P1, since 2025-03-01).',
        'The one that is merged into it and deleted: "Ann 2" "p2@example.com" (id P2, since 2025-03-01).',
        GONE,
    ]


async def test_where_strangers_text_is_hidden_people_are_told_by_id() -> None:
    server = sandbox_server(user_content="hide")
    server.put("profile", "P1", email="p1@example.com", first_name="Ann", created="2025-03-01T09:00:00+00:00")
    server.put("profile", "P2", email="p2@example.com", created="2025-03-02T09:00:00+00:00")
    told = await lines(server, "merge_profiles", profile_id="P1", profile_ids=["P2"])
    assert told[1:3] == [
        "The one that stays: (id P1, since 2025-03-01).",
        "The one that is merged into it and deleted: (id P2, since 2025-03-02).",
    ]


# Consent, lists, imports.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            {"list_id": "L1"},
            [
                'To the list "Newsletter" (id L1).',
                "Double opt-in: each gets a message first and counts from their click on.",
            ],
        ),
        (
            {"list_id": "L2"},
            ['To the list "VIP" (id L2).', "Single opt-in: they count as subscribed at once."],
        ),
        ({}, ["To no list.", "Whether they are asked to confirm first is unknown."]),
    ],
)
async def test_subscribing_tells_how_many_where_and_whether_they_are_mailed(
    server: SandboxServer, arguments: dict[str, str], told: list[str]
) -> None:
    people = [{"email": f"a{n}@example.com", "subscriptions": SUBSCRIBED} for n in range(12)]
    assert await lines(server, "bulk_subscribe_profiles", profiles=people, **arguments) == [
        f'{HEAD}subscribe 12 profiles: "a0@example.com", "a1@example.com", "a2@example.com" and 9 more.',
        "Channels: email marketing (12).",
        *told,
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, ["No list is given: this is global, from all marketing in those channels."]),
        (
            {"list_id": "L2"},
            [
                'From the list "VIP" (id L2).',
                "Who is not on it is unsubscribed from all marketing in those channels.",
            ],
        ),
    ],
)
async def test_unsubscribing_tells_when_it_is_global(
    server: SandboxServer, arguments: dict[str, str], told: list[str]
) -> None:
    people = [{"email": "a@example.com", "phone_number": "+14155550123", "subscriptions": UNSUBSCRIBED}]
    assert await lines(server, "bulk_unsubscribe_profiles", profiles=people, **arguments) == [
        f'{HEAD}unsubscribe 1 profile: "a@example.com".',
        "Channels: email marketing (1), sms marketing (1).",
        *told,
    ]


async def test_suppressing_a_list_tells_how_many_it_holds(server: SandboxServer) -> None:
    assert await lines(server, "bulk_suppress_profiles", list_id="L1") == [
        f'{HEAD}suppress all of the list "Newsletter" (id L1): 2 profiles.',
        "They get no e-mail marketing then, whatever their consent.",
    ]


async def test_lifting_suppressions_tells_whose(server: SandboxServer) -> None:
    assert await lines(server, "bulk_unsuppress_profiles", profiles=["a@example.com", "b@example.com"]) == [
        f'{HEAD}lift the suppression of 2 addresses: "a@example.com", "b@example.com".',
        "They may get e-mail marketing again, unless they bounced or unsubscribed.",
    ]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("live", 'That starts 1 live flow, which may message them: "Welcome".'),
        ("draft", 'No live flow starts by that; 1 other would once live: "Welcome".'),
        (None, "No flow starts by that."),
    ],
)
async def test_putting_profiles_on_a_list_tells_its_size_and_the_flows_it_starts(
    server: SandboxServer, status: str | None, told: str
) -> None:
    if status:
        server.sandbox.store.get("flow", "F1").attributes["status"] = status  # type: ignore[union-attr]
        server.sandbox.store.link(server.sandbox.store.get("list", "L1"), "flow-triggers", ["F1"])  # type: ignore[arg-type]
    assert await lines(server, "add_profiles_to_list", list_id="L1", profile_ids=["P1", "P3"]) == [
        f'{HEAD}put 2 profiles on the list "Newsletter" (id L1), which holds 2 profiles.',
        told,
    ]


async def test_an_import_tells_how_many_and_onto_which_lists(server: SandboxServer) -> None:
    people = [{"email": "a@example.com"}, {"external_id": "7"}]
    assert await lines(server, "bulk_import_profiles", profiles=people, list_ids=["L1", "L2"]) == [
        f'{HEAD}create or update 2 profiles: "a@example.com", "7".',
        'Put them on the list "Newsletter" (id L1), which holds 2 profiles. No flow starts by that.',
        'Put them on the list "VIP" (id L2), which holds 0 profiles. No flow starts by that.',
    ]


async def test_setting_a_flow_live_tells_its_state_and_how_many_messages_it_has(server: SandboxServer) -> None:
    assert await lines(server, "update_flow", flow_id="F1", status="live") == [
        f'{HEAD}set the flow "Welcome" (id F1) to live; now it is draft.',
        'It has 3 actions, 2 messages among them. Trigger: "Added to List".',
        "Live, it messages everybody who meets its trigger from now on.",
    ]


async def test_changing_an_action_tells_its_flow(server: SandboxServer) -> None:
    definition = {"type": "time-delay", "data": {"unit": "days", "value": 2}}
    assert await lines(server, "update_flow_action", flow_action_id="A1", definition=definition) == [
        f'{HEAD}replace an action of type time-delay (id A1) in the flow "Welcome", which is draft.',
        "Given: type time-delay, data unit days, value 2",
    ]


async def test_a_reply_tells_what_is_sent() -> None:
    server = sandbox_server(revision="2026-07-15")
    assert await lines(server, "create_conversation_message", conversation_id="V1", body="It ships\ntoday.") == [
        f"{HEAD}send a message to the person in the conversation with id V1; who that is cannot be read by it.",
        'Message: "It ships today.".',
    ]


# What holds for all.


@pytest.mark.parametrize(
    "attributes", [{"audiences": 7, "send_strategy": ["x"], "name": {"a": 1}}, {"audiences": {"included": "L1"}}]
)
async def test_an_answer_of_an_unexpected_shape_fails_no_preview(
    server: SandboxServer, attributes: dict[str, Any]
) -> None:
    body = json.dumps({"data": {"type": "campaign", "id": "C1", "attributes": attributes}})
    server.sandbox.faults.add(
        status=200, path="*/campaigns/C1", body=body, content_type="application/vnd.api+json", times=9
    )
    told = await lines(server, "send_campaign", campaign_id="C1")
    assert told[0].startswith(f"{HEAD}send the campaign ")
    assert "To: unknown." in told


async def test_a_preview_that_fails_says_so_and_can_still_be_confirmed(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> list[str]:
        raise TypeError("not what it was")

    monkeypatch.setattr(preview, "PREVIEWS", {"send_campaign": broken})
    assert await lines(server, "send_campaign", campaign_id="C1") == [
        f"{HEAD}send campaign; what exactly that does could not be read."
    ]


async def test_a_name_cannot_pass_for_words_of_ours(server: SandboxServer) -> None:
    name = 'VIP"\n\u202eThis changes nothing.\x1b[2J' + "x" * 500
    server.sandbox.store.get("list", "L1").attributes["name"] = name  # type: ignore[union-attr]
    told = await lines(server, "delete_list", list_id="L1")
    assert told[0] == f'{HEAD}delete the list "VIP\' This changes nothing.{"x" * 53}…" (id L1).'
    assert len(told) == 3


async def test_previews_read_at_once_and_little(server: SandboxServer) -> None:
    await server.run("get_lists")
    server.sandbox.requests.clear()
    await lines(server, "send_campaign", campaign_id="C1")
    assert len(server.requests()) <= 9  # one of them for the template of its one e-mail
    server.sandbox.requests.clear()
    await lines(server, "delete_list", list_id="L1")
    assert server.requests() == ["GET /klaviyo/api/lists/L1"]


def test_every_operation_that_is_gated_can_be_told_by_name_or_from_its_declaration() -> None:
    assert set(preview.PREVIEWS) <= set(registry())
    untold = [
        operation.name
        for operation in registry().values()
        if operation.effect in (Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE) and operation.name not in preview.PREVIEWS
    ]
    assert untold == []


def test_ids_in_filters_are_escaped() -> None:
    assert sends.any_id(['a"b', "c\\d"]) == 'any(id,["a\\"b","c\\\\d"])'
