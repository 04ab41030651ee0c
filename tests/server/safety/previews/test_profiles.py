"""The preview of an erasure or a merge shows the people."""

from __future__ import annotations

import pytest
from tests.server.safety.previews.preview_lines import FINAL, HEAD, preview_lines
from tests.server.sandbox_server import SandboxServer, sandbox_server

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("who", "lines"),
    [
        ({"email": "p1@example.com"}, 'It matches 1 profile: "Ann 1" "p1@example.com" (id P1, since 2025-03-01).'),
        ({"id": "P1"}, 'It matches 1 profile: "Ann 1" "p1@example.com" (id P1, since 2025-03-01).'),
        ({"email": "nobody@example.com"}, "No profile matches now."),
    ],
)
async def test_an_erasure_shows_the_profiles_that_match(server: SandboxServer, who: dict[str, str], lines: str) -> None:
    ((key, value),) = who.items()
    quoted = f'"{value}"'
    assert await preview_lines(server, "request_profile_deletion", profile=who) == [
        f"{HEAD}erase for good every profile whose {key} is {quoted}, with all its data.",
        lines,
        FINAL,
    ]


async def test_a_merge_shows_which_profile_is_kept_and_which_is_deleted(server: SandboxServer) -> None:
    assert await preview_lines(server, "merge_profiles", profile_id="P1", profile_ids=["P2"]) == [
        f"{HEAD}merge two profiles into one.",
        'Kept: "Ann 1" "p1@example.com" (id P1, since 2025-03-01).',
        'Merged into it and deleted: "Ann 2" "p2@example.com" (id P2, since 2025-03-01).',
        FINAL,
    ]


async def test_where_strangers_text_is_hidden_people_are_shown_by_id() -> None:
    server = sandbox_server(user_content="hide")
    server.put("profile", "P1", email="p1@example.com", first_name="Ann", created="2025-03-01T09:00:00+00:00")
    server.put("profile", "P2", email="p2@example.com", created="2025-03-02T09:00:00+00:00")
    lines = await preview_lines(server, "merge_profiles", profile_id="P1", profile_ids=["P2"])
    assert lines[1:3] == [
        "Kept: (id P1, since 2025-03-01).",
        "Merged into it and deleted: (id P2, since 2025-03-02).",
    ]


async def test_profiles_that_cannot_be_read_can_still_be_erased_or_merged(server: SandboxServer) -> None:
    server.sandbox.faults.add(status=403, path="*/profiles*", times=9)
    erasure = await preview_lines(server, "request_profile_deletion", profile={"id": "P1"})
    assert erasure[1] == "Which profiles these are could not be read."
    merge = await preview_lines(server, "merge_profiles", profile_id="P1", profile_ids=["P2"])
    assert merge[1:3] == [
        "Kept: id P1 (it could not be read).",
        "Merged into it and deleted: id P2 (it could not be read).",
    ]
