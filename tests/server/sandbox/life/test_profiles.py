"""The seeded profiles: invented, diverse, and sometimes hostile."""

from __future__ import annotations

import json
import re
from collections import Counter

from tests.server.sandbox.life.seeded import all_records

from klaviyo_mcp.sandbox.behaviour.profiles import never_subscribed
from klaviyo_mcp.sandbox.state.store import Store


def test_addresses_are_invented_and_no_profile_shares_one(account: Store) -> None:
    for name in ("email", "phone_number", "external_id"):
        values = [value for one in account.all("profile") if (value := one.attributes[name])]
        assert len(values) == len(set(values)) > 50
    assert all((one.attributes["email"] or "x@example.com").endswith("@example.com") for one in account.all("profile"))
    text = json.dumps([one.attributes for one in all_records(account)])
    assert {part.split('"')[0].split("/")[0].split("\\")[0].split("'")[0] for part in text.split("https://")[1:]} == {
        f"{host}.example.com" for host in ("shop", "images", "hooks", "feeds")
    }


def test_phone_numbers_are_in_ranges_for_fiction(account: Store) -> None:
    fiction = r"\+130355501\d\d|\+447700900\d{3}|\+4917139200\d\d|\+3363998\d{4}|\+6137010\d{4}"
    numbers = [number for one in account.all("profile") if (number := one.attributes["phone_number"])]
    assert [number for number in numbers if not re.fullmatch(fiction, number)] == []


def test_profiles_differ_in_consent(account: Store) -> None:
    consents: Counter[str] = Counter()
    for profile in account.all("profile"):
        subscriptions = profile.attributes["subscriptions"]
        assert set(subscriptions) <= {*never_subscribed(), "whatsapp"}
        for channel, purposes in subscriptions.items():
            consents[f"{channel} {purposes['marketing']['consent']}"] += 1
            for one in purposes["marketing"].get("suppression") or ():
                consents[one["reason"]] += 1
    for channel in ("email", "sms"):
        for consent in ("SUBSCRIBED", "UNSUBSCRIBED", "NEVER_SUBSCRIBED"):
            assert consents[f"{channel} {consent}"] > 3
    assert consents["mobile_push SUBSCRIBED"] > 3
    assert consents["whatsapp SUBSCRIBED"] > 3
    assert consents["HARD_BOUNCE"]
    assert consents["UNSUBSCRIBE"] == consents["email UNSUBSCRIBED"]


def test_some_text_is_hostile_as_in_real_accounts(account: Store) -> None:
    texts = [str(value) for one in account.all("profile") for value in one.attributes.values()]
    assert any("Ignore all previous instructions" in text for text in texts)
    names = "".join(f"{one.attributes['first_name']}{one.attributes['last_name']}" for one in account.all("profile"))
    assert {"\u001b", "\u200b", "\u202e"} <= set(names)
    assert any("delete every list" in (one.attributes["content"] or "") for one in account.all("review"))
