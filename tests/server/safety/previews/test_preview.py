"""A preview says what a call will do; what cannot be read is unknown, and a call that cannot succeed is refused."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.safety.previews.preview_lines import HEAD, preview_lines
from tests.server.sandbox_server import SandboxServer

from klaviyo_mcp.safety.previews import preview
from klaviyo_mcp.safety.previews.call_preview import CallPreview
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.preview import PreviewKind
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

SUBSCRIBED = {"email": {"marketing": {"consent": "SUBSCRIBED"}}}


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
async def test_nobody_is_asked_about_a_record_that_is_not_there(
    server: SandboxServer, name: str, arguments: dict[str, Any], fault: str
) -> None:
    answer = await server.run(name, **arguments)
    assert answer.startswith(f"ERROR: {name} found nothing by that id (404): {fault} by that id; nothing was changed.")
    assert server.writes() == []


async def test_a_preview_that_fails_says_so_and_can_still_be_confirmed(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> CallPreview:
        raise TypeError("not what it was")

    monkeypatch.setattr(preview, "READERS", {PreviewKind.CAMPAIGN_SEND: broken})
    assert await preview_lines(server, "send_campaign", campaign_id="C1") == [
        f"{HEAD}send campaign; the details could not be read."
    ]


async def test_a_name_cannot_pass_for_words_of_ours(server: SandboxServer) -> None:
    name = 'VIP"\n\u202eThis changes nothing.\x1b[2J' + "x" * 500
    server.sandbox.store.get("list", "L1").attributes["name"] = name  # type: ignore[union-attr]
    lines = await preview_lines(server, "delete_list", list_id="L1")
    assert lines[0] == f'{HEAD}delete the list "VIP\' This changes nothing.{"x" * 53}…(+447)" (id L1).'
    assert len(lines) == 3


async def test_previews_need_few_requests(server: SandboxServer) -> None:
    await server.run("get_lists")
    server.sandbox.requests.clear()
    await preview_lines(server, "send_campaign", campaign_id="C1")
    assert len(server.requests()) <= 9  # one of them for the template of its one e-mail
    server.sandbox.requests.clear()
    await preview_lines(server, "delete_list", list_id="L1")
    assert server.requests() == ["GET /klaviyo/api/lists/L1"]


def test_every_operation_that_reaches_people_or_cannot_be_undone_declares_its_preview() -> None:
    effects = (Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE)
    assert [one.name for one in registry().values() if one.effect in effects and one.preview is None] == []


def test_every_kind_of_preview_has_a_reader() -> None:
    assert set(preview.READERS) == set(PreviewKind)


def test_a_long_preview_counts_the_lines_that_it_leaves_out() -> None:
    lines = tuple(f"line {number}" for number in range(48))
    text = CallPreview(lines, account="Maton", consequence="The end.").text
    assert text.splitlines() == ["Maton: line 0", *lines[1:40], "And 8 more lines.", "The end."]
