"""The seeded tags."""

from __future__ import annotations

from tests.server.sandbox.life.seeded import by_name

from klaviyo_mcp.sandbox.state.store import Store, linked_ids


def test_exclusive_groups_give_one_tag_at_most(account: Store) -> None:
    groups = by_name(account, "tag-group")
    assert [name for name, one in groups.items() if one.attributes["default"]] == ["Default"]
    seasons = {one.id for one in account.all("tag") if one.links["tag-group"] == groups["Season"].id}
    used: set[str] = set()
    for type_ in ("campaign", "flow", "list", "segment"):
        for record in account.all(type_):
            tags = linked_ids(record.links["tags"])
            assert len(seasons.intersection(tags)) <= 1
            used.update(tags)
    assert used == {one.id for one in account.all("tag")}
