"""Relationships: read from either end, changed at both, and cleared when a record is deleted."""

from __future__ import annotations

import pytest

from klaviyo_mcp.sandbox.contract.contract import load_contract
from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Record, Store


@pytest.fixture
def store() -> Store:
    store = Store()
    for id_ in ("C1", "C2"):
        store.add(Record("campaign", id_, {}, {"tags": [], "campaign-messages": []}))
    store.add(Record("tag", "T1", {}, {"tag-group": "G1"}))
    store.add(Record("tag-group", "G1", {}))
    return store


@pytest.fixture
def relationships(store: Store) -> Relationships:
    contract = load_contract("2026-01-15")
    assert contract is not None
    return Relationships(store, contract)


def get(store: Store, type_: str, id_: str) -> Record:
    record = store.get(type_, id_)
    assert record is not None
    return record


def test_a_relationship_is_changed_at_the_end_that_holds_its_link(store: Store, relationships: Relationships) -> None:
    tag = get(store, "tag", "T1")
    relationships.change(tag, "campaigns", "POST", "campaign", ["C1", "C2"])
    assert get(store, "campaign", "C1").links["tags"] == ["T1"]
    assert sorted(relationships.ids(tag, "campaigns")) == ["C1", "C2"]
    relationships.change(tag, "campaigns", "DELETE", "campaign", ["C1"])
    assert get(store, "campaign", "C1").links["tags"] == []
    relationships.change(tag, "campaigns", "PATCH", "campaign", ["C1"])
    assert relationships.ids(tag, "campaigns") == ["C1"]


def test_a_record_that_does_not_exist_is_not_related(store: Store, relationships: Relationships) -> None:
    with pytest.raises(KlaviyoError, match="nope"):
        relationships.change(get(store, "tag", "T1"), "campaigns", "POST", "campaign", ["nope"])


def test_a_deleted_record_leaves_no_links_and_takes_its_parts_along(store: Store, relationships: Relationships) -> None:
    store.link(get(store, "campaign", "C1"), "tags", ["T1"])
    relationships.delete(get(store, "tag-group", "G1"))
    assert store.get("tag", "T1") is None
    assert get(store, "campaign", "C1").links["tags"] == []
