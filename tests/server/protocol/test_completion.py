"""Completion offers names and ids of the account, reads them once in some minutes, and never fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import mcp_types
import pytest
from mcp.client.client import Client

from klaviyo_mcp.account import directory
from klaviyo_mcp.account.directory import RECORDS_CACHE_SECONDS
from klaviyo_mcp.calls.guides.guide import GUIDES
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.composition import SANDBOX_KEY, create_service
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import completion, server
from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.state.store import Record
from klaviyo_mcp.settings import load_settings
from klaviyo_tools.areas.reporting import TIMEFRAME_DAYS

pytestmark = pytest.mark.anyio

ERAS = ["legacy", "2026-07-28"]
Complete = mcp_types.Completion


@pytest.fixture(scope="module")
def store() -> Sandbox:
    return create_sandbox(profiles=5)


def calls_over(upstream: Any, **settings: Any) -> CallService:
    maton = GatewayClient(
        key=SANDBOX_KEY,
        base_url="http://127.0.0.1",
        transport=httpx.ASGITransport(upstream),
        pacer=Pacer(enabled=False),
    )
    return CallService(load_settings({"sandbox": True, **settings}, {}), lambda: maton)


@asynccontextmanager
async def connected(calls: CallService, era: str = "2026-07-28") -> AsyncIterator[Client]:
    async with Client(server.create_server(calls), mode=era) as client:
        yield client
    await calls.aclose()


async def of_prompt(client: Client, prompt: str, argument: str, typed: str = "") -> Complete:
    ref = mcp_types.PromptReference(name=prompt)
    return (await client.complete(ref, {"name": argument, "value": typed})).completion


async def of_template(client: Client, kind: str, typed: str = "") -> Complete:
    ref = mcp_types.ResourceTemplateReference(uri=f"klaviyo://{kind}/{{id}}")
    return (await client.complete(ref, {"name": "id", "value": typed})).completion


@pytest.mark.parametrize("era", ERAS)
async def test_names_of_the_account_complete_the_arguments_of_prompts(store: Sandbox, era: str) -> None:
    async with connected(calls_over(store), era) as client:
        flows = await of_prompt(client, "flow_health", "flow", "WEL")
        assert flows.values
        assert all("wel" in name.casefold() for name in flows.values)
        assert (await of_prompt(client, "campaign_review", "metric", "Placed")).values == ["Placed Order"]
        campaigns = await of_prompt(client, "campaign_review", "campaign")
        assert (len(campaigns.values), campaigns.total, campaigns.has_more) == (40, 40, False)
        audience = await of_prompt(client, "campaign_from_brief", "audience")
        assert audience.total == 14


async def test_ids_complete_the_templates_of_resources_by_name_or_id(store: Sandbox) -> None:
    async with connected(calls_over(store)) as client:
        everything = await of_template(client, "flow")
        assert everything.total == 12
        id_ = everything.values[3]
        assert (await of_template(client, "flow", id_.lower())).values == [id_]
        (chosen,) = (await of_template(client, "metric", "placed order")).values
        text = (await client.read_resource(f"klaviyo://metric/{chosen}")).contents[0]
        assert isinstance(text, mcp_types.TextResourceContents)
        assert '"name":"Placed Order"' in text.text


async def test_guides_and_timeframes_complete_without_an_account(store: Sandbox) -> None:
    before = len(store.requests)
    async with connected(calls_over(store)) as client:
        ref = mcp_types.ResourceTemplateReference(uri="klaviyo://guide/{name}")
        found = (await client.complete(ref, {"name": "name", "value": "definition"})).completion
        assert set(found.values) == {name for name in GUIDES if "definition" in name}
        assert (await of_prompt(client, "account_audit", "timeframe")).values == list(TIMEFRAME_DAYS)
    assert len(store.requests) == before


async def test_an_argument_without_completion_gets_no_values_and_sends_no_request(store: Sandbox) -> None:
    before = len(store.requests)
    async with connected(calls_over(store)) as client:
        for prompt, argument in (("nothing", "x"), ("flow_health", "x"), ("campaign_from_brief", "brief")):
            assert (await of_prompt(client, prompt, argument, "a")).values == []
        for kind in ("profile", "event", "nothing"):
            assert (await of_template(client, kind, "a")).values == []
    assert len(store.requests) == before


async def test_names_are_read_once_while_a_person_types(store: Sandbox) -> None:
    async with connected(calls_over(store)) as client:
        before = len(store.requests)
        for typed in ("", "n", "ne", "new"):
            await of_prompt(client, "list_cleaning", "list", typed)
        asked = [request.path for request in list(store.requests)[before:]]
        assert [path for path in asked if path.endswith("/api/lists")] == ["/klaviyo/api/lists"]


async def test_names_are_read_again_after_some_minutes(store: Sandbox) -> None:
    now = [0.0]
    calls = calls_over(store)
    calls.accounts.directory.clock = lambda: now[0]

    async def load_calls() -> CallService:
        return calls

    handler = completion.Completion(calls.inventory, load_calls)
    params = mcp_types.CompleteRequestParams(
        ref=mcp_types.PromptReference(name="list_cleaning"),
        argument=mcp_types.CompletionArgument(name="list", value=""),
    )
    counts = []
    for moment in (0.0, RECORDS_CACHE_SECONDS - 1, RECORDS_CACHE_SECONDS):
        now[0] = moment
        before = len(store.requests)
        await handler.complete(None, params)  # type: ignore[arg-type]
        counts.append(sum(request.path.endswith("/api/lists") for request in list(store.requests)[before:]))
    await calls.aclose()
    assert counts == [1, 0, 1]


async def test_a_failing_upstream_leaves_completion_empty() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    async with connected(calls_over(broken, deadline=1)) as client:
        assert (await of_prompt(client, "flow_health", "flow")).values == []
        assert (await of_prompt(client, "account_audit", "timeframe", "today")).values == ["today"]


async def test_without_a_key_no_request_is_sent() -> None:
    calls = create_service(load_settings({}, {}))
    async with connected(calls) as client:
        assert (await of_prompt(client, "flow_health", "flow")).values == []


async def test_at_most_a_hundred_values_are_sent_with_the_number_of_all() -> None:
    upstream = create_sandbox(profiles=5)
    for number in range(250):
        upstream.store.add(Record("flow", f"EXTRA{number}", {"name": f"Extra {number}"}, {}))
    async with connected(calls_over(upstream)) as client:
        found = await of_prompt(client, "flow_health", "flow", "extra")
    assert (len(found.values), found.total, found.has_more) == (100, 250, True)


async def test_a_slow_account_is_completed_from_the_records_read_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "RECORDS_READ_SECONDS", 0.2)
    upstream = create_sandbox(profiles=5)
    upstream.faults.add(delay=60, path="*/campaigns*", after=2, times=9)
    async with connected(calls_over(upstream)) as client:
        campaigns = await of_prompt(client, "campaign_review", "campaign")
        before = len(upstream.requests)
        assert (await of_prompt(client, "campaign_review", "campaign")).values == campaigns.values
    assert campaigns.values
    assert len(upstream.requests) == before


async def test_a_name_is_offered_in_one_clean_line() -> None:
    upstream = create_sandbox(profiles=5)
    upstream.store.add(Record("flow", "EXTRA", {"name": "News\n\x1b[31mletter\u202e"}, {}))
    async with connected(calls_over(upstream)) as client:
        assert (await of_prompt(client, "flow_health", "flow", "news")).values == ["News letter"]


def test_beginnings_come_before_words_and_words_before_the_middle() -> None:
    names = ["a pinewood", "the wood", "Wood oven", "woodless", "stone"]
    assert completion._ranked([(name, name) for name in names], "wood") == [
        "Wood oven",
        "woodless",
        "the wood",
        "a pinewood",
    ]


def test_a_name_is_offered_once() -> None:
    assert completion._ranked([("x", "x"), ("x", "x"), ("", "")], "") == ["x"]
