"""The store: identifiers, links and membership stay true while records come, change and go."""

from __future__ import annotations

from klaviyo_mcp.sandbox.state.store import Record, Store


def test_identifier_finds_what_a_profile_is_called_now() -> None:
    store = Store()
    one = store.add(Record("profile", "P1", {"email": "A@example.com", "phone_number": "+15555550100"}))
    assert store.find_profile("email", "a@EXAMPLE.com") is one
    one.attributes["email"] = "b@example.com"
    store.touch(one)
    assert store.find_profile("email", "a@example.com") is None
    assert store.find_profile("email", "b@example.com") is one
    store.remove("profile", "P1")
    assert store.find_profile("phone_number", "+15555550100") is None


def test_sources_follow_links() -> None:
    store = Store()
    event = store.add(Record("event", "E1", {}, {"profile": "P1", "attributions": []}))
    assert {name: list(ids) for name, ids in store.referring_ids("P1", "event").items()} == {"profile": ["E1"]}
    store.link(event, "profile", "P2")
    assert list(store.referring_ids("P1", "event")["profile"]) == []
    assert store.references("P2") == [(event, "profile")]
    store.add(Record("event", "E1", {}, {"profile": "P3"}))
    assert store.references("P2") == []
    store.remove("event", "E1")
    assert store.references("P3") == []


def test_membership_is_kept_once_and_ends_with_the_profile() -> None:
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


def test_same_seed_invents_the_same_ids() -> None:
    kinds = ("profile", "list", "tag", "image", "event")
    first, second = ([Store(seed=7).new_id(kind) for kind in kinds] for _ in range(2))
    assert first == second
    assert [len(id_) for id_ in first[:3]] == [26, 6, 36]
