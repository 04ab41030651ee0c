"""Reads of the seeded account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from klaviyo_mcp.sandbox.contract.contract import load_contract
from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.sandbox.state.store import Record, Store

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def seeded_store(profiles: int = 250, seed: int = 2026, now: datetime = NOW) -> Store:
    store = Store(now=now)
    populate(store, profiles=profiles, seed=seed, now=now)
    return store


def all_records(store: Store) -> Iterator[Record]:
    contract = load_contract("2026-01-15")
    assert contract is not None
    for type_ in contract.resource_types:
        yield from store.all(type_)


def by_name(store: Store, type_: str) -> dict[str, Record]:
    return {record.attributes["name"]: record for record in store.all(type_)}


def events_of(store: Store, metric: str) -> list[Record]:
    """The events of the metric with this name."""
    return list(store.referring(by_name(store, "metric")[metric].id, "event", "metric"))


def properties_of(event: Record) -> dict[str, Any]:
    properties: dict[str, Any] = event.attributes["event_properties"]
    return properties


def linked(store: Store, type_: str, link: Any) -> Record:
    """The record that a to-one link leads to."""
    record = store.get(type_, str(link))
    assert record is not None, (type_, link)
    return record
