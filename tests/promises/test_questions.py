"""How often a day's ordinary work asks: seldom, and never less than harm needs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.promises.ordinary_calls import HARMFUL, REQUESTS, OrdinaryCall
from tests.server.sandbox_server import NOW, SandboxServer, confirmation_code, sandbox_server

from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.cli.demo import show_demo
from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.settings import Settings
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

CALLS = [call for calls in REQUESTS.values() for call in calls]
ASKING_EFFECTS = {Effect.DELETE, Effect.REACHES_PEOPLE, Effect.IRREVERSIBLE}
STOPS = {("update_flow", "draft"), ("cancel_campaign_send", "revert")}
HELD_CALL_TEXT = "Nothing has been changed yet"


@pytest.fixture
def server() -> SandboxServer:
    server = sandbox_server(account=None)
    populate(server.sandbox.store, now=NOW)
    return server


def with_ids(value: Any, server: SandboxServer) -> Any:
    """The arguments with the ids that their names stand for."""
    if isinstance(value, dict):
        return {key: with_ids(item, server) for key, item in value.items()}
    if isinstance(value, list):
        return [with_ids(item, server) for item in value]
    if not isinstance(value, str):
        return value
    if value.startswith("equals(profile_id"):
        return value.replace("first:profile", with_ids("first:profile", server))
    kind, _, name = value.partition(":")
    store = server.sandbox.store
    if kind in ("new", "first"):
        records = list(store.all(name))
        return records[-1 if kind == "new" else 0].id
    if kind == "message":
        campaign = next(one for one in store.all("campaign") if one.attributes["name"] == name)
        return next(one.id for one in store.all("campaign-message") if one.links["campaign"] == campaign.id)
    if kind in ("list", "segment", "campaign", "flow", "template", "metric", "tag") and name:
        return next(one.id for one in store.all(kind) if one.attributes["name"] == name)
    return value


async def asks(server: SandboxServer, call: OrdinaryCall) -> bool:
    """Whether a call is held; one that is held is confirmed by its code, so that the next ones find what it does."""
    arguments = with_ids(call.arguments, server)
    answer = await server.run(call.tool, **arguments)
    assert not answer.startswith("ERROR"), f"{call.tool}: {answer}"
    if not answer.startswith(HELD_CALL_TEXT):
        return False
    confirmed = await server.run(call.tool, **arguments, confirmation=confirmation_code(answer))
    assert not confirmed.startswith(HELD_CALL_TEXT), f"{call.tool}: {confirmed}"
    return True


@pytest.mark.parametrize("call", [*CALLS, *HARMFUL], ids=lambda call: call.tool)
def test_what_its_effect_alone_would_ask_is_written_down(call: OrdinaryCall) -> None:
    stops = any(call.tool == tool and value in call.arguments.values() for tool, value in STOPS)
    by_verb = registry()[call.tool].effect in ASKING_EFFECTS and not stops
    assert call.by_verb == by_verb


async def test_of_a_day_of_ordinary_calls_five_ask(server: SandboxServer) -> None:
    asked = [(call.tool, call.asks, await asks(server, call)) for call in CALLS]
    assert [row for row in asked if row[1] != row[2]] == []
    by_stake = sum(call.asks for call in CALLS)
    by_verb = sum(call.by_verb for call in CALLS)
    assert (len(REQUESTS), len(CALLS), by_verb, by_stake) == (30, 62, 7, 5)
    writes = [call for call in CALLS if registry()[call.tool].effect is not Effect.READ]
    assert len(writes) == 30


async def test_every_harmful_call_asks_where_its_effect_alone_asked_for_a_quarter(server: SandboxServer) -> None:
    for call in HARMFUL:
        answer = await server.run(call.tool, **with_ids(call.arguments, server))
        assert answer.startswith(HELD_CALL_TEXT), f"{call.tool}: {answer}"
    assert server.writes() == []
    assert (len(HARMFUL), sum(call.by_verb for call in HARMFUL)) == (12, 3)


async def test_the_tour_of_the_demo_asks_nothing() -> None:
    lines: list[str] = []
    assert await show_demo(create_service(Settings(sandbox=True, toolsets=("all",))), lines.append) == 0
    assert "> add_profiles_to_list" in "\n".join(lines)
    assert not any(HELD_CALL_TEXT in line for line in lines)
