"""What a model does wrong, and what a gateway does wrong: one clear answer each, through the protocol's own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError
from pydantic import SecretStr
from tests.server.fake_gateway import Answer, closed_port, fake_gateway
from tests.server.sandbox_server import ERAS, SandboxServer, answer_text, client, sandbox_server

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server as app
from klaviyo_mcp.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server() -> SandboxServer:
    return sandbox_server()


# Ours to refuse: nothing is sent.

NO_ID = "is not an id: give the id alone, not a path, URL or name."
ADDRESSES = "email, phone_number, external_id, id: = any"
FAULTS: list[tuple[str, dict[str, Any], str]] = [
    # Arguments that are unknown, missing or of the wrong type.
    (
        "get_lists",
        {"limit": 5},
        "get_lists was not sent: unknown argument 'limit': it takes count_by, cursor, detail, fields, filter, "
        "include, max_results, sort.",
    ),
    (
        "get_lists",
        {"maxResults": 5},
        "get_lists was not sent: unknown argument 'maxResults': did you mean max_results?",
    ),
    (
        "get_lists",
        {"max_results": "many"},
        'get_lists was not sent: max_results: should be a whole number, not "many".',
    ),
    ("get_lists", {"max_results": 0}, "get_lists was not sent: max_results: should be at least 1, not 0."),
    ("get_lists", {"max_results": 5000}, "get_lists was not sent: max_results: should be at most 1000, not 5000."),
    ("get_lists", {"detail": "long"}, "get_lists was not sent: detail: should be 'summary' or 'full', not \"long\"."),
    ("get_list", {}, "get_list was not sent: list_id is required."),
    ("create_list", {}, "create_list was not sent: name is required."),
    ("create_list", {"name": " "}, "create_list was not sent: name: is empty."),
    ("create_list", {"name": {"a": 1}}, 'create_list was not sent: name: should be a text, not {"a": 1}.'),
    (
        "bulk_subscribe_profiles",
        {"profiles": [{"email": "ann@example.com"}]},
        "bulk_subscribe_profiles was not sent: profiles.0.subscriptions is required (an object of email, sms, "
        "whatsapp, push).",
    ),
    ("create_profile", {"email": "ann"}, 'create_profile was not sent: email: "ann" is not an e-mail address.'),
    (
        "create_profile",
        {"phone_number": "0123"},
        'create_profile was not sent: phone_number: "0123" is not a phone number in E.164 form such as +14155550123.',
    ),
    # Filters, sorts, fields, cursors.
    ("get_campaigns", {}, 'get_campaigns was not sent: filter is required, such as equals(messages.channel,"email").'),
    (
        "get_lists",
        {"filter": 'equals(title,"x")'},
        'get_lists was not sent: filter: unknown filter field "title": there are name, id: = any; created, updated: >.',
    ),
    (
        "get_lists",
        {"filter": 'contains(name,"x")'},
        "get_lists was not sent: filter: name does not take contains; it takes any, equals: for example "
        'any(name,["Spring sale"]).',
    ),
    (
        "get_lists",
        {"filter": "greater-than(created,yesterday)"},
        'get_lists was not sent: filter: created takes an ISO 8601 date or time, not "yesterday": '
        "greater-than(created,2026-01-01T00:00:00Z).",
    ),
    (
        "get_lists",
        {"filter": 'equals(name,"x"'},
        'get_lists was not sent: filter: "(" is never closed at character 7. For example equals(name,"Spring sale").',
    ),
    (
        "get_lists",
        {"sort": "size"},
        "get_lists was not sent: sort: 'size' is unknown; valid: created, id, name, updated.",
    ),
    ("get_lists", {"fields": ["nmae"]}, "get_lists was not sent: a list has no field 'nmae'; did you mean name?"),
    (
        "get_lists",
        {"cursor": "k~AAAAAAAAAAAAAAAA"},
        "get_lists was not sent: the cursor is damaged: copy it whole from the last answer, or start again without "
        "cursor.",
    ),
    (
        "get_lists",
        {"count_by": "colour"},
        "get_lists was not sent: a list has no field 'colour'; it has created, name, opt_in_process, updated.",
    ),
    # Hostile ids.
    ("get_list", {"list_id": "../../accounts"}, f"get_list was not sent: list_id: '../../accounts' {NO_ID}"),
    ("get_list", {"list_id": "L1?fields=x"}, f"get_list was not sent: list_id: 'L1?fields=x' {NO_ID}"),
    ("get_list", {"list_id": "a\r\nX-Evil: 1"}, f"get_list was not sent: list_id: 'a\\r\\nX-Evil: 1' {NO_ID}"),
    ("get_list", {"list_id": "%2e%2e%2f"}, f"get_list was not sent: list_id: '%2e%2e%2f' {NO_ID}"),
    ("get_list", {"list_id": ""}, "get_list was not sent: list_id: is empty: give the id, as a list call shows it."),
    ("get_list", {"list_id": "x" * 300}, "get_list was not sent: list_id: at most 256 characters, not 300."),
    ("delete_list", {"list_id": "."}, f"delete_list was not sent: list_id: '.' {NO_ID}"),
    # A tool behind another.
    (
        "call_read_tool",
        {"name": "get_lists", "max_results": 5},
        'call_read_tool did nothing: max_results belongs inside arguments: {"name": …, "arguments": '
        '{"max_results": …}}.',
    ),
    (
        "call_read_tool",
        {"name": "get_lits"},
        "there is no tool 'get_lits'; did you mean get_lists or get_list?",
    ),
    (
        "call_read_tool",
        {"name": "delete_list", "arguments": {"list_id": "L1"}},
        "delete_list was not sent: its effect is delete, so call it through call_delete_tool.",
    ),
    ("call_read_tool", {"name": "get_list"}, "get_list was not sent: list_id is required."),
    ("call_read_tool", {}, "call_read_tool did nothing: name is required."),
    ("find_tools", {"query": ""}, "find_tools did nothing: query: is empty."),
    (
        "describe_tool",
        {"name": "klaviyo://guide/nothing"},
        "there is no guide 'nothing'; there are filters, segment-definition, flow-definition, form-definition, "
        "campaign-message, report-statistics, consent, channels.",
    ),
    # Codes.
    (
        "delete_list",
        {"list_id": "L1", "confirmation": "AAAAAAAAAA"},
        "delete_list was not run and nothing was changed: that code was not given out here, or is long past. "
        "Call again without confirmation for a new preview and code.",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "answer"), FAULTS)
async def test_a_call_that_is_wrong_is_answered_in_words_and_not_sent(
    server: SandboxServer, tool: str, arguments: dict[str, Any], answer: str
) -> None:
    async with client(server.calls, "legacy") as connected:
        before = len(server.sandbox.requests)
        result = await connected.call_tool(tool, arguments)
    assert answer_text(result) == f"ERROR: {answer}"
    assert [r for r in server.requests()[before:] if "/accounts" not in r and "/connections" not in r] == []


@pytest.mark.parametrize("era", ERAS)
async def test_an_unknown_tool_is_an_error_of_the_protocol_and_nothing_is_sent(era: str) -> None:
    one = sandbox_server()
    async with client(one.calls, era) as connected:
        with pytest.raises(MCPError) as caught:
            await connected.call_tool("get_lits", {})
    assert caught.value.error.message == "there is no tool 'get_lits'; did you mean get_lists or get_list?"
    assert one.requests() == []


# The gateway's faults.

LATER = "Try again in a minute; if it persists, check MATON_BASE_URL."


@asynccontextmanager
async def connected_to(url: str, key: str | None = "mtn_key") -> AsyncIterator[Client]:
    maton = GatewayClient(key=key, base_url=url, pacer=Pacer(enabled=False), backoff_seconds=0.001, max_attempts=2)
    settings = Settings(toolsets=("all",), key=SecretStr(key) if key else None)
    try:
        async with Client(app.create_server(CallService(settings, lambda: maton)), mode="legacy") as connected:
            yield connected
    finally:
        await maton.aclose()


async def test_without_a_key_nothing_is_sent_and_the_error_says_where_to_get_one() -> None:
    async with fake_gateway(Answer(200, {"data": []})) as upstream, connected_to(upstream.url, None) as connected:
        for tool, arguments in (("get_lists", {}), ("create_list", {"name": "VIP"})):
            assert answer_text(await connected.call_tool(tool, arguments)) == (
                "ERROR: No Maton API key is set, so nothing was sent. Sign in at https://maton.ai, copy the API key "
                "from https://maton.ai/settings, set MATON_API_KEY to it in this server's environment and restart it. "
                "Without a key, `klaviyo-mcp --sandbox` runs on an invented account."
            )
        assert upstream.requests == []


async def test_a_gateway_that_is_not_there_is_named() -> None:
    port = closed_port()
    async with connected_to(f"http://127.0.0.1:{port}") as connected:
        assert answer_text(await connected.call_tool("get_lists", {})) == (
            f"ERROR: get_lists was not sent: no connection to 127.0.0.1:{port} after 2 attempts "
            "(the connection was refused or broke off). Check the network and MATON_BASE_URL "
            "(`klaviyo-mcp doctor` tells more), then call again."
        )


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (
            Answer(200, b"<html><body>Sign in</body></html>", media="text/html"),
            "its answer is a web page (status 200). " + LATER,
        ),
        (Answer(200, {"data": [1, 2, 3]}, cut=9), "its answer broke off halfway (status 200). " + LATER),
        (Answer(200, b'{"data": [}'), "its answer is not valid JSON (status 200). " + LATER),
        (Answer(200, b""), "its answer is empty (status 200). " + LATER),
        (Answer(200, {"unexpected": True}), "the answer has no data member. Try again in a minute."),
    ],
    ids=["html", "truncated", "invalid", "empty", "no data"],
)
async def test_an_unreadable_answer_is_reported_as_unreadable(answer: Answer, text: str) -> None:
    async with fake_gateway(answer) as upstream, connected_to(upstream.url) as connected:
        assert answer_text(await connected.call_tool("get_lists", {})) == f"ERROR: get_lists failed: {text}"


async def test_an_unknown_id_is_reported_with_its_argument() -> None:
    arguments = {"name": "x", "endpoint_url": "https://hooks.example.com/x", "secret_key": "k" * 20}
    answer = await sandbox_server(confirm="never").run(
        "create_webhook", **arguments, webhook_topic_ids=["event:klaviyo.nothing"]
    )
    assert answer == (
        'ERROR: create_webhook found nothing by that id (404). The answer said: "webhook_topic_ids: A webhook-topic '
        'with id event:klaviyo.nothing does not exist." Take the id from a list or search in this account: ids of '
        "another account or type are unknown here."
    )
