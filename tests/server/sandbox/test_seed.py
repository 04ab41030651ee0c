"""The seeded account as a whole: its size, its dates, and that it is repeatable and consistent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.server.sandbox.life.seeded import NOW, all_records, by_name, events_of, seeded_store

from klaviyo_mcp.sandbox.contract.contract import Contract, load_contract
from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.sandbox.state.store import Store, linked_ids


@pytest.fixture(scope="module")
def account() -> Store:
    return seeded_store()


@pytest.fixture(scope="module")
def contract() -> Contract:
    contract = load_contract("2026-01-15")
    assert contract is not None
    return contract


COUNTS = {
    "profile": 250,
    "list": 8,
    "segment": 6,
    "campaign": 40,
    "campaign-message": 41,
    "flow": 12,
    "metric": 25,
    "template": 8,
    "template-universal-content": 4,
    "catalog-item": 30,
    "catalog-category": 5,
    "coupon": 4,
    "coupon-code": 80,
    "tag-group": 3,
    "tag": 10,
    "form": 5,
    "form-version": 6,
    "review": 40,
    "webhook": 2,
    "image": 12,
    "account": 1,
    "profile-bulk-import-job": 3,
    "import-error": 3,
}


@pytest.mark.parametrize("type_", COUNTS)
def test_the_account_has_so_many_records_of_a_type(account: Store, type_: str) -> None:
    assert account.count(type_) == COUNTS[type_]


def test_profiles_have_about_forty_events_over_a_year(account: Store) -> None:
    assert 30 * 250 < account.count("event") < 50 * 250
    times = [event.attributes["datetime"] for event in account.all("event")]
    assert times == sorted(times)
    assert (NOW - timedelta(days=366)).isoformat() < times[0] < (NOW - timedelta(days=340)).isoformat()
    assert (NOW - timedelta(days=3)).isoformat() < times[-1] <= NOW.isoformat()
    assert all(events_of(account, name) for name in by_name(account, "metric"))


def test_the_events_of_a_large_account_are_bounded() -> None:
    large = seeded_store(1500)
    assert large.count("profile") == 1500
    assert 10_000 < large.count("event") <= 20_000


@pytest.mark.parametrize("profiles", [0, 1, 2, 7])
def test_the_smallest_accounts_are_complete_too(profiles: int) -> None:
    small = seeded_store(profiles)
    assert (small.count("profile"), small.count("campaign"), small.count("review")) == (profiles, 40, 40)


@pytest.mark.parametrize("now", [datetime(2024, 2, 29, 17, 5, 3, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)])
def test_an_account_can_be_seeded_on_any_day(now: datetime) -> None:
    store = seeded_store(20, now=now)
    assert all(event.attributes["datetime"] <= now.isoformat() for event in store.all("event"))


def test_an_account_is_dated_from_todays_midnight_by_default() -> None:
    store = Store()
    populate(store, profiles=3)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert all(profile.attributes["created"] < midnight.isoformat() for profile in store.all("profile"))


def content(store: Store) -> list[Any]:
    """Everything that a store holds, to compare."""
    members = [
        (group.id, dict(store.members(type_, group.id))) for type_ in ("list", "segment") for group in store.all(type_)
    ]
    return [*((one.type, one.id, one.attributes, one.links) for one in all_records(store)), members]


def test_a_seed_gives_the_same_account_and_another_seed_another() -> None:
    assert content(seeded_store(60)) == content(seeded_store(60))
    assert content(seeded_store(60)) != content(seeded_store(60, seed=7))


def test_every_link_leads_to_a_record(account: Store, contract: Contract) -> None:
    undeclared = {"categories": "catalog-category", "form": "form", "form-versions": "form-version"}
    for record in all_records(account):
        for name, link in record.links.items():
            type_ = undeclared.get(name) or contract.resource_type(record.type).target(name)
            for id_ in linked_ids(link):
                assert account.get(type_, id_), (record.type, name, type_, id_)


def test_records_have_the_attributes_of_the_contract(account: Store, contract: Contract) -> None:
    for record in all_records(account):
        resource_type = contract.resource_type(record.type)
        assert set(record.attributes) <= set(resource_type.attributes), record.type
        missing = resource_type.required - set(record.attributes) - {"joined_group_at"}
        assert not missing, (record.type, missing)
