"""The preview of a send shows the messages, the audiences, the time and the number of recipients."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.server.safety.previews.preview_lines import HEAD, preview_lines, read_preview
from tests.server.sandbox_server import SandboxServer

pytestmark = pytest.mark.anyio


async def test_a_send_shows_the_message_the_audience_the_time_and_how_many(server: SandboxServer) -> None:
    assert await preview_lines(server, "send_campaign", campaign_id="C1") == [
        f'{HEAD}send the campaign "Spring Sale" (id C1) to real recipients at 2026-06-02T09:00:00Z '
        "in each recipient's time zone.",
        "Status: Draft. About 1 recipient.",
        'Message by email: subject "20 % off tents", from "shop@example.com". '
        "It has no template yet: it cannot be sent.",
        'To: list "Newsletter".',
        'Not to: segment "Bounced".',
    ]


@pytest.mark.parametrize(
    ("strategy", "lines"),
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
async def test_each_way_of_sending_is_shown(server: SandboxServer, strategy: dict[str, Any], lines: str) -> None:
    server.sandbox.store.get("campaign", "C1").attributes["send_strategy"] = strategy  # type: ignore[union-attr]
    first = (await preview_lines(server, "send_campaign", campaign_id="C1"))[0]
    assert first.partition("to real recipients")[2] == lines


async def test_recipients_that_cannot_be_counted_anew_are_those_counted_last(server: SandboxServer) -> None:
    server.put("campaign-recipient-estimation", "C1", estimated_recipient_count=1250)
    server.sandbox.faults.add(status=403, path="*/campaign-recipient-estimation-jobs*", times=9)
    lines = await preview_lines(server, "send_campaign", campaign_id="C1")
    assert lines[1] == "Status: Draft. About 1,250 recipients, as counted last."


async def test_a_send_can_still_be_confirmed_where_the_campaign_cannot_be_read(server: SandboxServer) -> None:
    server.sandbox.faults.add(status=403, path="/klaviyo/*", times=99)
    assert await preview_lines(server, "send_campaign", campaign_id="C1") == [
        'Klaviyo account "21fd90f9-5935-43cd-b6c8-bde9d915ca80": send the campaign with id C1 (its name is unknown) '
        "to real recipients.",
        "Status: unknown. The number of recipients is unknown.",
        "Message: unknown.",
        "To: unknown.",
    ]


async def test_stopping_a_send_for_good_shows_the_campaign(server: SandboxServer) -> None:
    assert await preview_lines(server, "cancel_campaign_send", campaign_id="C1", action="cancel") == [
        f'{HEAD}stop sending the campaign "Spring Sale" (id C1) for good.',
        "Status: Draft. Recipients who already got it keep it.",
        'Message by email: subject "20 % off tents", from "shop@example.com".',
        'To: list "Newsletter".',
    ]


async def test_a_send_names_the_template_of_each_email(server: SandboxServer) -> None:
    server.put("template", "E1", name="Spring mail")
    server.sandbox.store.link(server.sandbox.store.get("campaign-message", "M1"), "template", "E1")  # type: ignore[arg-type]
    lines = await preview_lines(server, "send_campaign", campaign_id="C1")
    assert lines[2].endswith('from "shop@example.com". Template: "Spring mail".')


async def test_a_template_is_unknown_where_its_message_cannot_be_read(
    server: SandboxServer,
) -> None:
    server.sandbox.faults.add(status=403, path="*/campaign-messages/*", times=9)
    lines = await preview_lines(server, "send_campaign", campaign_id="C1")
    assert lines[2].endswith("Its template could not be read.")


@pytest.mark.parametrize(
    ("status", "then"),
    [
        ("Sent", "To send it anew, copy it with create_campaign_clone and send the copy."),
        ("Cancelled", "To send it anyway, copy it with create_campaign_clone and send the copy."),
        ("Scheduled", "cancel_campaign_send with action=revert makes it a draft again."),
        ("Sending", "Look with get_campaign; cancel_campaign_send stops a send under way."),
    ],
)
async def test_nobody_is_asked_to_send_a_campaign_that_is_no_draft(
    server: SandboxServer, status: str, then: str
) -> None:
    server.sandbox.store.get("campaign", "C1").attributes["status"] = status  # type: ignore[union-attr]
    assert await server.run("send_campaign", campaign_id="C1") == (
        f'ERROR: send_campaign was not run and nothing was changed: the campaign "Spring Sale" (id C1) is {status}, '
        f"and only a draft can be sent. {then}"
    )
    assert server.writes() == []


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
    lines = await preview_lines(server, "send_campaign", campaign_id="C1")
    assert lines[0].startswith(f"{HEAD}send the campaign ")
    assert "To: unknown." in lines


async def test_audiences_beyond_those_shown_are_counted(server: SandboxServer) -> None:
    ids = [server.put("list", f"M{number}", name=f"List {number}") for number in range(63)]
    server.sandbox.store.get("campaign", "C1").attributes["audiences"] = {"included": ids, "excluded": []}  # type: ignore[union-attr]
    preview = await read_preview(server, "cancel_campaign_send", campaign_id="C1", action="revert")
    assert preview.lines[-1] == "To also: and 3 more."
    text = preview.text
    assert all(f'list "List {number}"' in text for number in range(60))


async def test_thirty_audiences_are_all_shown(server: SandboxServer) -> None:
    ids = [server.put("list", f"M{number}", name=f"List {number}") for number in range(30)]
    audiences = {"included": ids[:15], "excluded": ids[15:]}
    server.sandbox.store.get("campaign", "C1").attributes["audiences"] = audiences  # type: ignore[union-attr]
    text = (await read_preview(server, "send_campaign", campaign_id="C1")).text
    assert all(f'list "List {number}"' in text for number in range(30))
    assert "more" not in text


async def test_the_order_in_which_messages_come_is_no_fact(server: SandboxServer) -> None:
    server.put("template", "E1", name="Spring mail")
    for id_ in ("M2", "M3"):
        definition = {"channel": "email", "content": {"subject": id_}}
        server.put("campaign-message", id_, definition=definition, links={"campaign": "C1", "template": "E1"})
    campaign = server.sandbox.store.get("campaign", "C1")
    assert campaign is not None
    digests = set()
    for order in (["M1", "M2", "M3"], ["M3", "M1", "M2"]):
        campaign.links["campaign-messages"] = order
        digests.add((await read_preview(server, "send_campaign", campaign_id="C1")).digest)
    assert len(digests) == 1


async def test_messages_beyond_those_shown_are_counted_and_are_facts(server: SandboxServer) -> None:
    ids = [f"N{number}" for number in range(14)]
    for id_ in ids:
        server.put("campaign-message", id_, definition={"channel": "sms", "content": {"body": id_}})
    campaign, last = server.sandbox.store.get("campaign", "C1"), server.sandbox.store.get("campaign-message", "N13")
    assert campaign is not None
    assert last is not None
    campaign.links["campaign-messages"] = ids
    before = await read_preview(server, "send_campaign", campaign_id="C1")
    assert "And 2 more messages." in before.lines
    last.attributes["definition"] = {"channel": "sms", "content": {"body": "Pay now"}}
    after = await read_preview(server, "send_campaign", campaign_id="C1")
    assert before.lines == after.lines
    assert before.digest != after.digest


async def test_the_facts_of_a_send_are_the_campaign_and_its_messages_but_no_counts(server: SandboxServer) -> None:
    before = await read_preview(server, "send_campaign", campaign_id="C1")
    server.sandbox.store.join("list", "L1", "P3")
    after = await read_preview(server, "send_campaign", campaign_id="C1")
    assert before.facts == after.facts
    assert before.lines != after.lines
    server.sandbox.store.get("campaign", "C1").attributes["audiences"] = {"included": ["L2"], "excluded": []}  # type: ignore[union-attr]
    assert (await read_preview(server, "send_campaign", campaign_id="C1")).facts != before.facts
