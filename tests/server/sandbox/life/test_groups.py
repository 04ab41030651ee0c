"""The members of the seeded lists and segments."""

from __future__ import annotations

from tests.server.sandbox.life.seeded import NOW

from klaviyo_mcp.sandbox.state.store import Store


def test_members_joined_after_their_group_was_created(account: Store) -> None:
    for kind in ("list", "segment"):
        for group in account.all(kind):
            members = account.members(kind, group.id)
            assert members, group.attributes["name"]
            assert min(members.values()) >= group.attributes["created"]
            assert max(members.values()) <= NOW.isoformat()
