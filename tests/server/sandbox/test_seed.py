"""The seeded life: as much of everything as promised, the same every time, consistent in itself, and as Klaviyo's."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from klaviyo_mcp.sandbox.behaviour.profiles import never_subscribed
from klaviyo_mcp.sandbox.contract.contract import load_contract
from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.sandbox.state.store import Record, Store, linked_ids

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _life(profiles: int = 250, seed: int = 2026, now: datetime = NOW) -> Store:
    store = Store(now=now)
    populate(store, profiles=profiles, seed=seed, now=now)
    return store


@pytest.fixture(scope="module")
def life() -> Store:
    return _life()


def _everything(store: Store) -> Iterator[Record]:
    known = load_contract("2026-01-15")
    assert known is not None
    for type_ in known.resource_types:
        yield from store.all(type_)


def _named(store: Store, type_: str) -> dict[str, Record]:
    return {record.attributes["name"]: record for record in store.all(type_)}


def _events(store: Store, metric: str) -> list[Record]:
    id_ = _named(store, "metric")[metric].id
    return [event for event in store.all("event") if event.links["metric"] == id_]


def _told(event: Record) -> dict[str, Any]:
    told: dict[str, Any] = event.attributes["event_properties"]
    return told


def _dump(store: Store) -> list[Any]:
    members = [
        (group.id, dict(store.members(kind, group.id))) for kind in ("list", "segment") for group in store.all(kind)
    ]
    return [*((one.type, one.id, one.attributes, one.links) for one in _everything(store)), members]


@pytest.mark.parametrize(
    ("type_", "count"),
    [
        ("profile", 250),
        ("list", 8),
        ("segment", 6),
        ("campaign", 40),
        ("campaign-message", 41),
        ("flow", 12),
        ("metric", 25),
        ("template", 8),
        ("template-universal-content", 4),
        ("catalog-item", 30),
        ("catalog-category", 5),
        ("coupon", 4),
        ("coupon-code", 80),
        ("tag-group", 3),
        ("tag", 10),
        ("form", 5),
        ("form-version", 6),
        ("review", 40),
        ("webhook", 2),
        ("image", 12),
        ("account", 1),
        ("profile-bulk-import-job", 3),
        ("import-error", 3),
    ],
)
def test_life_holds_as_much_as_promised(life: Store, type_: str, count: int) -> None:
    assert life.count(type_) == count


def test_about_forty_events_a_profile_over_a_year(life: Store) -> None:
    assert 30 * 250 < life.count("event") < 50 * 250
    moments = [event.attributes["datetime"] for event in life.all("event")]
    assert moments == sorted(moments)
    assert (NOW - timedelta(days=366)).isoformat() < moments[0] < (NOW - timedelta(days=340)).isoformat()
    assert (NOW - timedelta(days=3)).isoformat() < moments[-1] <= NOW.isoformat()
    assert all(_events(life, name) for name in _named(life, "metric"))


def test_events_of_a_large_store_are_bounded() -> None:
    large = _life(1500)
    assert large.count("profile") == 1500
    assert 10_000 < large.count("event") <= 20_000


@pytest.mark.parametrize("profiles", [0, 1, 2, 7])
def test_smallest_stores_can_be_made_too(profiles: int) -> None:
    small = _life(profiles)
    assert (small.count("profile"), small.count("campaign"), small.count("review")) == (profiles, 40, 40)


@pytest.mark.parametrize("now", [datetime(2024, 2, 29, 17, 5, 3, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)])
def test_any_day_will_do(now: datetime) -> None:
    store = _life(20, now=now)
    assert all(event.attributes["datetime"] <= now.isoformat() for event in store.all("event"))


def test_life_is_dated_from_todays_midnight_unless_told() -> None:
    store = Store()
    populate(store, profiles=3)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert all(profile.attributes["created"] < midnight.isoformat() for profile in store.all("profile"))


def test_same_seed_gives_the_same_store_and_another_one_another() -> None:
    assert _dump(_life(60)) == _dump(_life(60))
    assert _dump(_life(60)) != _dump(_life(60, seed=7))


def test_every_link_leads_to_a_record(life: Store) -> None:
    known = load_contract("2026-01-15")
    assert known is not None
    others = {"categories": "catalog-category", "form": "form", "form-versions": "form-version"}
    for record in _everything(life):
        for name, target in record.links.items():
            type_ = others.get(name) or known.resource_type(record.type).target(name)
            for id_ in linked_ids(target):
                assert life.get(type_, id_), (record.type, name, type_, id_)


def test_attributes_are_those_of_the_contract(life: Store) -> None:
    known = load_contract("2026-01-15")
    assert known is not None
    for record in _everything(life):
        resource = known.resource_type(record.type)
        assert set(record.attributes) <= set(resource.attributes), record.type
        missing = resource.required - set(record.attributes) - {"joined_group_at"}
        assert not missing, (record.type, missing)


def test_addresses_are_invented_and_no_profile_shares_one(life: Store) -> None:
    for name in ("email", "phone_number", "external_id"):
        values = [value for one in life.all("profile") if (value := one.attributes[name])]
        assert len(values) == len(set(values)) > 50
    assert all((one.attributes["email"] or "x@example.com").endswith("@example.com") for one in life.all("profile"))
    text = json.dumps([one.attributes for one in _everything(life)])
    assert {part.split('"')[0].split("/")[0].split("\\")[0].split("'")[0] for part in text.split("https://")[1:]} == {
        f"{host}.example.com" for host in ("shop", "images", "hooks", "feeds")
    }


def test_telephone_numbers_are_of_ranges_for_fiction(life: Store) -> None:
    fiction = r"\+130355501\d\d|\+447700900\d{3}|\+4917139200\d\d|\+3363998\d{4}|\+6137010\d{4}"
    numbers = [number for one in life.all("profile") if (number := one.attributes["phone_number"])]
    assert [number for number in numbers if not re.fullmatch(fiction, number)] == []


def test_profiles_differ_in_what_they_agreed_to(life: Store) -> None:
    consents: Counter[str] = Counter()
    for profile in life.all("profile"):
        held = profile.attributes["subscriptions"]
        assert set(held) <= {*never_subscribed(), "whatsapp"}
        for channel, kinds in held.items():
            consents[f"{channel} {kinds['marketing']['consent']}"] += 1
            for one in kinds["marketing"].get("suppression") or ():
                consents[one["reason"]] += 1
    for channel in ("email", "sms"):
        for consent in ("SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"):
            assert consents[f"{channel} {consent}"] > 3
    assert consents["mobile_push SUBSCRIBED"] > 3
    assert consents["whatsapp SUBSCRIBED"] > 3
    assert consents["HARD_BOUNCE"]
    assert consents["UNSUBSCRIBE"] == consents["email UNSUBSCRIBED"]


def test_some_text_is_hostile_as_in_real_accounts(life: Store) -> None:
    texts = [str(value) for one in life.all("profile") for value in one.attributes.values()]
    assert any("Ignore all previous instructions" in text for text in texts)
    names = "".join(f"{one.attributes['first_name']}{one.attributes['last_name']}" for one in life.all("profile"))
    assert {"\u001b", "\u200b", "\u202e"} <= set(names)
    assert any("delete every list" in (one.attributes["content"] or "") for one in life.all("review"))


def test_nobody_joined_a_group_before_it_was_there(life: Store) -> None:
    for kind in ("list", "segment"):
        for group in life.all(kind):
            members = life.members(kind, group.id)
            assert members, group.attributes["name"]
            assert min(members.values()) >= group.attributes["created"]
            assert max(members.values()) <= NOW.isoformat()


def test_segments_hold_exactly_those_whom_their_rule_fits(life: Store) -> None:
    segments = {name: set(life.members("segment", one.id)) for name, one in _named(life, "segment").items()}
    profiles = {one.id: one.attributes for one in life.all("profile")}
    orders: dict[str, list[str]] = {}
    for event in _events(life, "Placed Order"):
        orders.setdefault(str(event.links["profile"]), []).append(event.attributes["datetime"])
    lately, month = ((NOW - timedelta(days=days)).isoformat() for days in (180, 30))
    engaged = {e.links["profile"] for e in _events(life, "Opened Email") if e.attributes["datetime"] >= month}

    def reachable(held: Mapping[str, Any]) -> bool:
        email = (held["subscriptions"].get("email") or never_subscribed()["email"])["marketing"]
        return email["consent"] == "SUBSCRIBED" and bool(email["can_receive_email_marketing"])

    assert segments == {
        "Subscribers in Germany": {
            id_ for id_, held in profiles.items() if held["location"]["country"] == "Germany" and reachable(held)
        },
        "Gold Tier": {id_ for id_, held in profiles.items() if held["properties"].get("loyalty_tier") == "gold"},
        "Reachable by SMS": set(life.members("list", _named(life, "list")["SMS Club"].id)),
        "Repeat Customers": {id_ for id_, times in orders.items() if len(times) > 1},
        "Lapsed Customers": {id_ for id_, times in orders.items() if max(times) < lately},
        "Engaged in 30 Days": engaged,
    }


def test_exclusive_groups_give_one_tag_at_most(life: Store) -> None:
    groups = _named(life, "tag-group")
    assert [name for name, one in groups.items() if one.attributes["default"]] == ["Default"]
    seasons = {one.id for one in life.all("tag") if one.links["tag-group"] == groups["Season"].id}
    used: set[str] = set()
    for type_ in ("campaign", "flow", "list", "segment"):
        for record in life.all(type_):
            tags = linked_ids(record.links["tags"])
            assert len(seasons.intersection(tags)) <= 1
            used.update(tags)
    assert used == {one.id for one in life.all("tag")}
