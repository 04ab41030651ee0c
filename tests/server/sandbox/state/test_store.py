"""The store: identifiers, links and membership stay true while records come, change and go."""

from __future__ import annotations

from klaviyo_mcp.sandbox.state.store import Record, Store


def test_a_profile_is_found_by_its_present_identifiers_only() -> None:
    store = Store()
    profile = store.add(Record("profile", "P1", {"email": "A@example.com", "phone_number": "+15555550100"}))
    assert store.find_profile("email", "a@EXAMPLE.com") is profile
    profile.attributes["email"] = "b@example.com"
    store.touch(profile)
    assert store.find_profile("email", "a@example.com") is None
    assert store.find_profile("email", "b@example.com") is profile
    store.remove("profile", "P1")
    assert store.find_profile("phone_number", "+15555550100") is None


def test_references_follow_links() -> None:
    store = Store()
    event = store.add(Record("event", "E1", {}, {"profile": "P1", "attributions": []}))
    assert {name: list(ids) for name, ids in store.referring_ids("P1", "event").items()} == {"profile": ["E1"]}
    store.link(event, "profile", "P2")
    assert list(store.referring_ids("P1", "event")["profile"]) == []
    assert store.references("P2") == [(event, "profile")]
    assert list(store.referring("P2", "event", "profile")) == [event]
    assert list(store.referring("P1", "event", "profile")) == []
    store.add(Record("event", "E1", {}, {"profile": "P3"}))
    assert store.references("P2") == []
    store.remove("event", "E1")
    assert store.references("P3") == []


def test_a_member_joins_once_and_leaves_when_the_profile_is_removed() -> None:
    store = Store()
    store.add(Record("profile", "P1", {}))
    store.join("list", "L1", "P1", "2026-01-01T00:00:00+00:00")
    store.join("list", "L1", "P1", "2027-01-01T00:00:00+00:00")
    assert store.members("list", "L1") == {"P1": "2026-01-01T00:00:00+00:00"}
    assert (store.groups("list", "P1"), store.groups("segment", "P1")) == (["L1"], [])
    version = store.version("list")
    assert store.leave("list", "L1", "P2") is False
    assert store.version("list") == version
    store.remove("profile", "P1")
    assert store.members("list", "L1") == {}
    assert store.version("list") > version


def test_the_same_seed_gives_the_same_ids() -> None:
    types = ("profile", "list", "tag", "image", "event")
    first, second = ([Store(seed=7).new_id(type_) for type_ in types] for _ in range(2))
    assert first == second
    assert [len(id_) for id_ in first[:3]] == [26, 6, 36]
