"""A consent in the future and a send in the past are refused; the error says what to give instead."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox_server import SandboxServer, sandbox_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def server() -> SandboxServer:
    """Its clock stands at noon on 1 June 2026."""
    server = sandbox_server()
    server.put("list", "L1", name="Newsletter", opt_in_process="double_opt_in")
    server.put("campaign", "C1", name="Sale", status="Draft", audiences={"included": ["L1"], "excluded": []})
    return server


def subscription(consented_at: str) -> dict[str, Any]:
    marketing = {"consent": "SUBSCRIBED", "consented_at": consented_at}
    people = [{"email": "a@example.com", "subscriptions": {"email": {"marketing": marketing}}}]
    return {"profiles": people, "list_id": "L1", "historical_import": True}


@pytest.mark.parametrize("consented_at", ["2026-06-01T12:30:00Z", "2027-01-01T00:00:00Z", "2026-06-01T12:30:00+00:00"])
async def test_a_consent_in_the_future_is_refused(server: SandboxServer, consented_at: str) -> None:
    answer = await server.run("bulk_subscribe_profiles", **subscription(consented_at))
    assert answer.startswith(
        "ERROR: bulk_subscribe_profiles was not sent: profiles.0.subscriptions.email.marketing.consented_at 202"
    )
    assert "is in the future (it is 2026-06-01T12:00Z): give the time at which they consented" in answer
    assert server.requests() == []


@pytest.mark.parametrize("consented_at", ["2026-06-01T12:03:00Z", "2025-01-01T00:00:00Z", "2026-06-01T13:00:00+02:00"])
async def test_a_consent_that_was_given_is_asked_about(server: SandboxServer, consented_at: str) -> None:
    answer = await server.run("bulk_subscribe_profiles", **subscription(consented_at))
    assert answer.startswith("Nothing has been changed yet")
    assert "Nobody is asked to confirm: the call states that they consented earlier." in answer


PAST = [
    {"method": "static", "datetime": "2026-06-01T11:00:00Z"},
    {"method": "static", "datetime": "2026-05-31T23:00:00Z", "options": {"is_local": True}},
    {"method": "throttled", "datetime": "2026-05-31T12:00:00Z", "throttle_percentage": 25},
    {"method": "smart_send_time", "date": "2026-05-30"},
]
TO_COME = [
    {"method": "immediate"},
    {"method": "static", "datetime": "2026-06-01T11:57:00Z"},
    {"method": "static", "datetime": "2026-06-01T13:00:00Z"},
    {"method": "static", "datetime": "2026-06-01T09:00:00Z", "options": {"is_local": True}},
    {"method": "smart_send_time", "date": "2026-06-01"},
]


@pytest.mark.parametrize("strategy", PAST)
async def test_a_send_in_the_past_is_refused(server: SandboxServer, strategy: dict[str, Any]) -> None:
    answer = await server.run("update_campaign", campaign_id="C1", send_strategy=strategy)
    assert answer.startswith("ERROR: update_campaign was not sent: send_strategy.dat")
    assert "is in the past (it is 2026-06-01T12:00Z): give a later one, or method immediate" in answer
    assert server.requests() == []


@pytest.mark.parametrize("strategy", TO_COME)
async def test_a_send_that_is_to_come_somewhere_is_taken(server: SandboxServer, strategy: dict[str, Any]) -> None:
    assert not (await server.run("update_campaign", campaign_id="C1", send_strategy=strategy)).startswith("ERROR")


async def test_a_property_of_a_profile_may_be_called_as_it_likes(server: SandboxServer) -> None:
    properties = {"consented_at": "2030-01-01T00:00:00Z"}
    answer = await server.run("create_profile", email="a@example.com", properties=properties)
    assert not answer.startswith("ERROR")
