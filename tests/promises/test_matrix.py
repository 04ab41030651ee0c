"""The fault matrix through the whole server: a client of the protocol in front, a gateway that fails behind."""

from __future__ import annotations

import gzip
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import mcp_types
import pytest
from mcp.client.client import Client
from tests.server.fake_gateway import OK, Answer, Fault, Step, closed_port, fake_gateway

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server
from klaviyo_mcp.settings import load_settings
from klaviyo_mcp.telemetry.logs import JsonLines

pytestmark = pytest.mark.anyio

ERAS = ["legacy", "2026-07-28"]
KEY = "mtn_5ecret_0f_the_operator"
PRIVATE = "ann.private@example.com"
TRIES = 3
DEADLINE = 0.3
"""Seconds, for what never ends by itself."""

HOSTILE = (
    f'<html><head><style>p {{}}</style></head><body onload="x()">Authorization: Bearer {KEY} {KEY} '
    "\x1b[31m<klaviyo.Client object at 0x7f00deadbeef> Traceback (most recent call last): File 'x.py'</body></html>"
) * 20
JSON_HOSTILE = {"errors": [{"id": "1", "code": "x", "title": "t", "detail": HOSTILE, "source": {"pointer": HOSTILE}}]}
ACCOUNT = Answer(
    200,
    {
        "data": [
            {
                "type": "account",
                "id": "AbC123",
                "attributes": {"contact_information": {"organization_name": "Fjord Outdoor"}},
            }
        ]
    },
)


@dataclass(frozen=True)
class Kind:
    """A call of each kind; `verify_with` is the read that shows whether it was applied."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    verify_with: str = ""

    @property
    def reads(self) -> bool:
        return not self.verify_with


READ = Kind("get_profiles", {"filter": f'equals(email,"{PRIVATE}")'})
WRITE = Kind("create_list", {"name": PRIVATE}, "get_lists")
DELETE = Kind("delete_list", {"list_id": "Y6nRLr"}, "get_list")
SEND = Kind("send_campaign", {"campaign_id": "01HXCAMPAIGN"}, "get_campaign_send_job")
JOB = Kind("bulk_import_profiles", {"profiles": [{"email": PRIVATE}]}, "get_bulk_import_profiles_jobs")
KINDS = [READ, WRITE, DELETE, SEND, JOB]
WRITES = KINDS[1:]


@dataclass(frozen=True)
class Row:
    """A fault: how often a read and a write arrive, and what both errors say; `then` is the next step of a read."""

    name: str
    step: Step
    read: int
    write: int
    cause: str
    then: str
    sure: bool = False
    """A write surely was not applied."""
    hangs: bool = False


LATER = {"Retry-After": "3600"}
MINUTE = "Try again in a minute"
CHECK = "check MATON_BASE_URL"
ROWS = [
    Row("429", Answer(429, JSON_HOSTILE), 6, 6, "rate limit", "then call again", sure=True),
    Row("429 in an hour", Answer(429, b"", LATER), 1, 1, "rate limit", "Call again in 60 s", sure=True),
    Row("429 at once", Answer(429, b"", {"Retry-After": "0"}), 6, 6, "rate limit", "Call again in", sure=True),
    Row("500", Answer(500, JSON_HOSTILE), 3, 1, "status 500", MINUTE),
    Row("500 empty", Answer(500), 3, 1, "status 500", MINUTE),
    Row("502 HTML", Answer(502, HOSTILE.encode(), media="text/html"), 3, 1, "status 502", MINUTE),
    Row("503", Answer(503, JSON_HOSTILE), 3, 1, "status 503", MINUTE),
    Row("503 in an hour", Answer(503, b"", LATER), 1, 1, "status 503", "Try again in 60 s"),
    Row("504", Answer(504, {"message": HOSTILE}), 3, 1, "status 504", MINUTE),
    Row("slow", Answer(200, {"data": []}, slow=30), 2, 1, "within", "try again later", hangs=True),
    Row("never answering", Fault.SILENCE, 2, 1, "within", "try again later", hangs=True),
    Row("reset after reading", Fault.RESET, 3, 1, "connection broke", MINUTE),
    Row("truncated JSON", Answer(200, {"data": [1, 2, 3]}, cut=9), 3, 1, "broke off halfway", CHECK),
    Row("invalid JSON", Answer(200, b'{"data": [}'), 1, 1, "not valid JSON", CHECK),
    Row("deep JSON", Answer(200, b"[" * 200_000), 1, 1, "not valid JSON", CHECK),
    Row("a JSON list", Answer(200, b"[1]"), 1, 1, "not a JSON object", CHECK),
    Row("HTML 200", Answer(200, HOSTILE.encode(), media="text/html"), 1, 1, "web page", CHECK),
    Row("JSON as text", Answer(200, b"{}", media="text/plain"), 1, 1, "not JSON", CHECK),
    Row("gzip that is none", Answer(200, b"{}", {"Content-Encoding": "gzip"}), 1, 1, "could not be decompressed", ""),
    Row("another revision", Answer(200, {"data": []}, {"X-Klaviyo-API-Revision": "2026-07-15"}), 1, 1,
        "revision 2026-07-15", "Set KLAVIYO_REVISION"),
    Row("403 of a firewall", Answer(403, HOSTILE.encode(), media="text/html"), 1, 1,
        "firewall before it, refused", "Try again", sure=True),
    Row("414", Answer(414, HOSTILE.encode(), media="text/html"), 1, 1, "proxy before it, refused",
        "name fewer values at once", sure=True),
    Row("410", Answer(410, JSON_HOSTILE), 1, 1, "refused", "Set KLAVIYO_REVISION", sure=True),
    Row("gzip twice", Answer(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": "gzip, gzip"}), 1, 1,
        "compressed more than once", CHECK),
    Row("a bomb", Answer(200, gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}), 1, 1,
        "2,000,000 bytes", CHECK),
    Row("oversized", Answer(200, b" " * 2_000_001), 1, 1, "2,000,000 bytes", CHECK),
    *(
        Row(f"redirect {status}", Answer(status, b"", {"Location": "https://elsewhere.example.com/"}), 1, 1,
            f"redirect ({status})", "Check MATON_BASE_URL")
        for status in (301, 302, 303, 307, 308)
    ),
]  # fmt: skip


@asynccontextmanager
async def connected(
    url: str, era: str = "legacy", *, hangs: bool = False, named: bool = True, **variables: str
) -> AsyncIterator[Client]:
    """A client of a server in front of that gateway; the account's name is known, so that no call asks for it."""
    maton = GatewayClient(
        key=KEY,
        base_url=url,
        connection="c1",
        pacer=Pacer(enabled=False),
        deadline_seconds=DEADLINE if hangs else 30.0,
        backoff_seconds=0.001,
        max_attempts=TRIES,
        max_answer_bytes=2_000_000,
    )
    settings = load_settings({"toolsets": "all", "confirm": "never"}, {"MATON_CONNECTION": "c1", **variables})
    calls = CallService(settings.model_copy(update={"deadline": DEADLINE if hangs else 30.0}), lambda: maton)
    await calls.warm()
    await maton.warm()
    if named:
        await calls.accounts.read_name("c1")
    try:
        async with Client(server.create_server(calls), mode=era) as client:
            yield client
    finally:
        await calls.aclose()


def text_of(result: mcp_types.CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


async def failure(client: Client, kind: Kind) -> str:
    result = await client.call_tool(kind.tool, kind.arguments)
    text = text_of(result)
    assert result.is_error, text
    return text


def check(text: str, kind: Kind, cause: str, then: str = "", *, sure: bool = False) -> None:
    """The error is short, names its cause and the next step, and holds nothing that it must not."""
    assert len(text.encode()) <= 600
    assert kind.tool in text
    assert cause in text
    if kind.reads or sure:
        assert then in text
        assert "may or may not" not in text
    else:
        assert f"{kind.tool} may or may not have been applied" in text
        assert (
            f"It was not sent again. Check with {kind.verify_with} whether it was applied before you repeat it." in text
        )
    for leak in (KEY, PRIVATE, "uthorization:", "earer", "<", ">", "Traceback", "0x7f", "\x1b", "onload", "{"):
        assert leak not in text
    assert text.isprintable()


def check_log(caplog: pytest.LogCaptureFixture) -> None:
    lines = "\n".join(JsonLines().format(record) for record in caplog.records)
    for leak in (KEY, PRIVATE, "earer ", "onload", "raceback"):
        assert leak not in lines


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.tool)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_fault_is_reported_and_a_write_that_may_have_been_applied_is_not_sent_again(
    row: Row, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with fake_gateway(ACCOUNT, row.step) as upstream, connected(upstream.url, hangs=row.hangs) as client:
        text = await failure(client, kind)
        arrived = upstream.requests[1:]
    assert len(arrived) == (row.read if kind.reads else row.write)
    assert len({(request.method, request.target, request.body) for request in arrived}) == 1
    check(text, kind, row.cause, row.then, sure=row.sure)
    check_log(caplog)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.tool)
async def test_a_reset_before_the_request_was_read(kind: Kind) -> None:
    async with fake_gateway(ACCOUNT, Fault.RESET_UNREAD) as upstream, connected(upstream.url) as client:
        text = await failure(client, kind)
        assert (upstream.connections - 1, len(upstream.requests) - 1) == (TRIES if kind.reads else 1, 0)
    check(text, kind, "the connection broke", MINUTE)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.tool)
async def test_at_a_closed_port_nothing_is_sent(kind: Kind) -> None:
    async with connected(f"http://127.0.0.1:{closed_port()}", named=False) as client:
        text = await failure(client, kind)
    check(text, kind, "was not sent: no connection to 127.0.0.1", "Check the network and MATON_BASE_URL", sure=True)


@pytest.mark.parametrize("kind", [READ, WRITE, SEND, JOB], ids=lambda kind: kind.tool)
async def test_an_empty_success_is_a_fault_where_a_body_was_promised(kind: Kind) -> None:
    async with fake_gateway(ACCOUNT, Answer(200)) as upstream, connected(upstream.url) as client:
        text = await failure(client, kind)
        assert len(upstream.requests) == 2
    check(text, kind, "answer is empty", CHECK)


async def test_an_empty_success_is_one_where_none_was_promised() -> None:
    async with fake_gateway(ACCOUNT, Answer(204)) as upstream, connected(upstream.url) as client:
        result = await client.call_tool(DELETE.tool, DELETE.arguments)
        assert (result.is_error, len(upstream.requests)) == (False, 2)


SHAPES: list[dict[str, Any]] = [
    {},
    {"data": None},
    {"data": []},
    {"data": 7},
    {"data": {"id": "7"}},
    {"data": {"type": "list"}},
    {"data": {"type": "list", "id": "7", "attributes": 7}},
    {"data": {"type": "list", "id": ["7"], "relationships": [7]}},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", [WRITE, SEND, JOB], ids=lambda kind: kind.tool)
async def test_a_success_of_another_shape_is_never_an_invitation_to_repeat_a_write(kind: Kind, shape: Any) -> None:
    async with fake_gateway(ACCOUNT, Answer(201, shape)) as upstream, connected(upstream.url) as client:
        result = await client.call_tool(kind.tool, kind.arguments)
        assert len(upstream.requests) == 2
    text = text_of(result)
    assert "Traceback" not in text
    assert "fault of the server" not in text
    if result.is_error:
        assert "may or may not have been applied" in text
        assert "nothing was changed" not in text
        assert "Try again" not in text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.filterwarnings("ignore:ping is removed")
async def test_while_32_calls_wait_the_server_answers(era: str) -> None:
    release = anyio.Event()
    unfinished_answer = Answer(200, {"data": []}, hold=release)  # type: ignore[arg-type]
    texts: list[str] = []
    async with fake_gateway(ACCOUNT, unfinished_answer) as upstream, connected(upstream.url, era) as client:

        async def read() -> None:
            texts.append(text_of(await client.call_tool(READ.tool, READ.arguments)))

        async with anyio.create_task_group() as group:
            for _ in range(32):
                group.start_soon(read)
            await until(lambda: len(upstream.requests) == 33)
            if era == "legacy":
                await client.send_ping()
            assert (await client.list_tools()).tools
            refused = await client.call_tool("get_list", {})
            assert text_of(refused) == "get_list was not sent: list_id is required."
            assert texts == []
            release.set()
    assert len(texts) == 32


@pytest.mark.filterwarnings("ignore:ping is removed")
async def test_while_calls_wait_for_klaviyos_limit_others_are_answered() -> None:
    limited = Answer(429, b"", {"Retry-After": "20", "RateLimit-Remaining": "0"})
    waits: list[str] = []
    async with fake_gateway(ACCOUNT, *[limited] * 32, OK) as upstream, connected(upstream.url) as client:

        async def record_wait(progress: float, total: float | None, message: str | None) -> None:
            waits.append(str(message))

        async def read() -> None:
            await client.call_tool(READ.tool, READ.arguments, progress_callback=record_wait)

        async with anyio.create_task_group() as group:
            for _ in range(32):
                group.start_soon(read)
            await until(lambda: len(waits) == 32)
            await client.send_ping()
            assert not (await client.call_tool("get_lists", {})).is_error
            assert len(upstream.requests) == 34
            group.cancel_scope.cancel()
    assert set(waits) == {"waiting 20 s for Klaviyo's rate limit"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.tool)
async def test_a_cancelled_call_closes_its_request_and_is_not_sent_again(kind: Kind, era: str) -> None:
    async with fake_gateway(ACCOUNT, Fault.SILENCE) as upstream, connected(upstream.url, era) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, kind.tool, kind.arguments)
            await until(lambda: len(upstream.requests) == 2)
            group.cancel_scope.cancel()
        with anyio.fail_after(10):
            await upstream.closed()
        assert (len(upstream.requests), upstream.open) == (2, 0)


def pages(count: int) -> list[Step]:
    """So many pages of one profile each, every one with a next."""
    link = "https://a.klaviyo.com/api/profiles/?page%5Bcursor%5D="
    return [
        Answer(200, {"data": [{"type": "profile", "id": str(n)}], "links": {"next": f"{link}{n}"}}, slow=0.02)
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (READ, [Fault.SILENCE]),
        (WRITE, [Fault.SILENCE]),
        (READ, [Answer(503)]),
        (Kind("get_profiles", {"max_results": 1000}), pages(900)),
        (Kind("get_profiles", {"count_by": "location.country"}), pages(900)),
        (READ, [Answer(200, {"data": []}, slow=30)]),
    ],
    ids=["silent read", "silent write", "retries", "pages", "count", "slow body"],
)
async def test_no_call_outlives_its_deadline_by_a_second(kind: Kind, steps: list[Step]) -> None:
    """The account's name is not known either, and the gateway does not tell it."""
    async with fake_gateway(*steps) as upstream, connected(upstream.url, hangs=True, named=False) as client:
        with anyio.move_on_after(DEADLINE + 1) as patience:
            await client.call_tool(kind.tool, kind.arguments)
        assert not patience.cancelled_caught


async def until(holds: Callable[[], bool]) -> None:
    with anyio.fail_after(20):
        while not holds():
            await anyio.lowlevel.checkpoint()
