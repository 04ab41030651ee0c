"""The preview of new members shows the list, its size and the flows that start."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.safety.previews.preview_lines import HEAD, preview_lines
from tests.server.sandbox_server import SandboxServer

from klaviyo_mcp.account.reads import AccountReads
from klaviyo_tools.jsonapi.records import Page

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        ("live", 'This starts 1 live flow, which may message them: "Welcome".'),
        ("draft", '1 flow that is not live yet would start if set live: "Welcome".'),
        (None, "This starts no flow."),
    ],
)
async def test_new_members_of_a_list_show_its_size_and_the_flows_that_start(
    server: SandboxServer, status: str | None, lines: str
) -> None:
    if status:
        server.sandbox.store.get("flow", "F1").attributes["status"] = status  # type: ignore[union-attr]
        server.sandbox.store.link(server.sandbox.store.get("list", "L1"), "flow-triggers", ["F1"])  # type: ignore[arg-type]
    assert await preview_lines(server, "add_profiles_to_list", list_id="L1", profile_ids=["P1", "P3"]) == [
        f'{HEAD}add 2 profiles to the list "Newsletter" (id L1), which holds 2 profiles.',
        lines,
    ]


async def test_an_import_shows_how_many_and_onto_which_lists(server: SandboxServer) -> None:
    people = [{"email": "a@example.com"}, {"external_id": "7"}]
    assert await preview_lines(server, "bulk_import_profiles", profiles=people, list_ids=["L1", "L2"]) == [
        f'{HEAD}create or update 2 profiles: "a@example.com", "7".',
        'Add them to the list "Newsletter" (id L1), which holds 2 profiles. This starts no flow.',
        'Add them to the list "VIP" (id L2), which holds 0 profiles. This starts no flow.',
    ]


async def test_flows_that_are_not_live_yet_stand_behind_the_live_ones(server: SandboxServer) -> None:
    server.put("flow", "F2", name="Second", status="live")
    server.put("flow", "F3", name="Third", status="manual")
    server.sandbox.store.link(server.sandbox.store.get("list", "L1"), "flow-triggers", ["F1", "F2", "F3"])  # type: ignore[arg-type]
    assert (await preview_lines(server, "add_profiles_to_list", list_id="L1", profile_ids=["P1"]))[1] == (
        'This starts 1 live flow, which may message them: "Second". '
        '2 flows that are not live yet would also start if set live: "Welcome", "Third".'
    )


async def test_lists_beyond_those_shown_are_counted(server: SandboxServer) -> None:
    ids = [server.put("list", f"M{number}", name=f"List {number}") for number in range(27)]
    lines = await preview_lines(server, "bulk_import_profiles", profiles=[{"external_id": "7"}], list_ids=ids)
    assert len(lines) == 27
    last = 'Add them to 2 more lists, none of which starts a live flow: "List 8", "List 9".'
    assert lines[-1] == last


async def test_of_twelve_lists_all_are_shown_and_those_that_start_flows_and_the_largest_come_first(
    server: SandboxServer,
) -> None:
    server.put("flow", "F2", name="Second", status="live")
    ids = [server.put("list", f"M{number}", name=f"List {number}") for number in range(12)]
    server.sandbox.store.link(server.sandbox.store.get("list", "M11"), "flow-triggers", ["F2"])  # type: ignore[arg-type]
    for profile in ("P1", "P2"):
        server.sandbox.store.join("list", "M9", profile)
    lines = await preview_lines(server, "bulk_import_profiles", profiles=[{"external_id": "7"}], list_ids=ids)
    assert len(lines) == 13
    assert [line.split('"')[1] for line in lines[1:5]] == ["List 11", "List 10", "List 9", "List 0"]
    assert "This starts 1 live flow" in lines[1]
    assert "which holds an unknown number of profiles" in lines[2]


async def test_flows_are_shown_where_the_size_of_a_list_cannot_be_read(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_page = AccountReads.page_or_none

    async def read_no_size(self: AccountReads, name: str, **arguments: Any) -> Page | None:
        return None if "additional_fields" in arguments else await read_page(self, name, **arguments)

    monkeypatch.setattr(AccountReads, "page_or_none", read_no_size)
    server.sandbox.store.link(server.sandbox.store.get("list", "L1"), "flow-triggers", ["F1"])  # type: ignore[arg-type]
    lines = await preview_lines(server, "add_profiles_to_list", list_id="L1", profile_ids=["P1"])
    assert lines[0].endswith("which holds an unknown number of profiles.")
    assert lines[1].startswith("1 flow that is not live yet would start if set live")


async def test_an_import_onto_no_list_says_that_consent_does_not_change(server: SandboxServer) -> None:
    lines = await preview_lines(server, "bulk_import_profiles", profiles=[{"external_id": "7"}])
    assert lines[1] == "They join no list. Their consent does not change."


async def test_whether_a_flow_starts_is_unknown_where_the_list_cannot_be_read(server: SandboxServer) -> None:
    server.sandbox.faults.add(status=403, path="*/lists/*", times=9)
    lines = await preview_lines(server, "add_profiles_to_list", list_id="L1", profile_ids=["P1"])
    assert lines[1] == "Whether this starts a flow that messages them is unknown."
