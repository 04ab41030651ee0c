"""The fault matrix: for each fault, how often a read, a write and a delete arrive, and the error that is raised."""

from __future__ import annotations

import asyncio
import gzip
import random
from dataclasses import dataclass, replace
from typing import Any

import anyio
import pytest
from tests.server.fake_gateway import OK, Answer, Fault, Step, closed_port, fake_gateway

from klaviyo_mcp.errors import (
    ConnectionMissingError,
    DeadlineError,
    InDoubtError,
    KlaviyoMcpError,
    RateLimitError,
    UnreachableError,
    UpstreamError,
)
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.options import RequestOptions
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.gateway.retry import RequestKind
from klaviyo_tools.operation.request import Request

pytestmark = pytest.mark.anyio
KEY = "mtn_5ecret_0f_the_operator"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


HOSTILE = (
    f'<html><head><style>p {{}}</style></head><body onload="x()">Authorization: Bearer {KEY} {KEY} '
    "\x1b[31m<klaviyo.Client object at 0x7f00deadbeef> Traceback (most recent call last): File 'x.py'</body></html>"
) * 20
JSON_HOSTILE = {"errors": [{"id": "1", "code": "x", "title": "t", "detail": HOSTILE, "source": {"pointer": HOSTILE}}]}

READ = (Request("GET", "/api/lists"), RequestOptions("get_lists", RequestKind.READ))
WRITE = (
    Request("POST", "/api/lists", body={"data": {"type": "list", "attributes": {"name": "Spring"}}}),
    RequestOptions("create_list", RequestKind.WRITE, verify_with="get_lists"),
)
DELETE = (
    Request("DELETE", "/api/lists/Y6nRLr"),
    RequestOptions("delete_list", RequestKind.WRITE, verify_with="get_list", expects_body=False),
)
EVENT = (
    WRITE[0],
    RequestOptions("create_event", RequestKind.IDEMPOTENT_WRITE, verify_with="get_events", expects_body=False),
)


@dataclass(frozen=True)
class Row:
    """A fault, and for a read and for a write: how many requests arrive, and the error raised."""

    name: str
    step: Step
    read: tuple[int, type[KlaviyoMcpError]]
    write: tuple[int, type[KlaviyoMcpError]]
    cause: str
    hangs: bool = False


TRIES = 3
LATER = {"Retry-After": "3600"}
ROWS = [
    Row("429", Answer(429, JSON_HOSTILE), (6, RateLimitError), (6, RateLimitError), "rate limit"),
    Row("429 in an hour", Answer(429, b"", LATER), (1, RateLimitError), (1, RateLimitError), "in 60 s"),
    Row("429 at once", Answer(429, b"", {"Retry-After": "0"}), (6, RateLimitError), (6, RateLimitError), "rate limit"),
    Row("500", Answer(500, JSON_HOSTILE), (3, UpstreamError), (1, InDoubtError), "status 500"),
    Row("500 empty", Answer(500), (3, UpstreamError), (1, InDoubtError), "status 500"),
    Row("502 HTML", Answer(502, HOSTILE.encode(), media="text/html"), (3, UpstreamError), (1, InDoubtError), "502"),
    Row("503", Answer(503, JSON_HOSTILE), (3, UpstreamError), (1, InDoubtError), "503"),
    Row("503 in an hour", Answer(503, b"", LATER), (1, UpstreamError), (1, InDoubtError), "503"),
    Row("504", Answer(504, {"message": HOSTILE}), (3, UpstreamError), (1, InDoubtError), "504"),
    Row("slow", Answer(200, {"data": []}, slow=30), (2, DeadlineError), (1, InDoubtError), "within", hangs=True),
    Row("silence", Fault.SILENCE, (2, DeadlineError), (1, InDoubtError), "within", hangs=True),
    Row("reset", Fault.RESET, (3, UpstreamError), (1, InDoubtError), "connection broke"),
    Row("truncated", Answer(200, {"data": [1, 2, 3]}, cut=9), (3, UpstreamError), (1, InDoubtError), "broke off"),
    Row("invalid JSON", Answer(200, b'{"data": [}'), (1, UpstreamError), (1, InDoubtError), "not valid JSON"),
    Row("deep JSON", Answer(200, b"[" * 200_000), (1, UpstreamError), (1, InDoubtError), "not valid JSON"),
    Row("JSON list", Answer(200, b"[1]"), (1, UpstreamError), (1, InDoubtError), "not a JSON object"),
    Row(
        "HTML 200", Answer(200, HOSTILE.encode(), media="text/html"), (1, UpstreamError), (1, InDoubtError), "web page"
    ),
    Row("JSON as text", Answer(200, b"{}", media="text/plain"), (1, UpstreamError), (1, InDoubtError), "not JSON"),
    Row(
        "gzip that is none", Answer(200, b"{}", {"Content-Encoding": "gzip"}), (1, UpstreamError), (1, InDoubtError), ""
    ),
    Row(
        "gzip twice", Answer(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": "gzip, gzip"}),
        (1, UpstreamError), (1, InDoubtError), "compressed more than once",
    ),
    Row("a coding not asked for", Answer(200, b"{}", {"Content-Encoding": "br"}), (1, UpstreamError), (1, InDoubtError),
        "not asked for"),
    Row("a bomb", Answer(200, gzip.compress(b" " * 50_000_000), {"Content-Encoding": "gzip"}), (1, UpstreamError),
        (1, InDoubtError), "2,000,000 bytes"),
    Row("oversized", Answer(200, b" " * 2_000_001), (1, UpstreamError), (1, InDoubtError), "2,000,000 bytes"),
    Row("not modified", Answer(304), (1, UpstreamError), (1, InDoubtError), "redirect"),
]  # fmt: skip
HEADER = f"Authorization: Bearer {KEY}"


def client(url: str, *, hangs: bool = False, **options: Any) -> GatewayClient:
    settings: dict[str, Any] = {
        "deadline_seconds": 0.3 if hangs else 30.0,
        "backoff_seconds": 0.001,
        "max_attempts": TRIES,
        "max_answer_bytes": 2_000_000,
    }
    return GatewayClient(key=KEY, base_url=url, pacer=Pacer(enabled=False), **{**settings, **options})


async def failure(maton: GatewayClient, call: tuple[Request, RequestOptions]) -> KlaviyoMcpError:
    await maton.warm()
    try:
        with pytest.raises(KlaviyoMcpError) as caught:
            await maton.send(*call)
    finally:
        await maton.aclose()
    return caught.value


def check_words(error: KlaviyoMcpError, operation: str, cause: str) -> None:
    text = str(error)
    assert len(text.encode()) <= 600
    assert operation in text
    assert cause in text
    for leak in (KEY, "uthorization:", "earer", "<", ">", "Traceback", "0x7f", "\x1b", "onload", "Retry-After", "{"):
        assert leak not in text
    assert text.isprintable()
    assert KEY not in repr(error)
    assert text.endswith(".")
    if isinstance(error, InDoubtError):
        assert ("It was not sent again." in text) is (operation != "create_event")
        assert f"Check with {error.verify_with}" in text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_read_is_sent_again_where_that_may_help_and_then_says_what_failed(row: Row) -> None:
    async with fake_gateway(row.step) as upstream:
        error = await failure(client(upstream.url, hangs=row.hangs), READ)
        assert (len(upstream.requests), type(error)) == row.read
    check_words(error, "get_lists", row.cause)


@pytest.mark.parametrize("call", [WRITE, DELETE], ids=["write", "delete"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_a_write_that_may_have_been_applied_is_sent_once_and_says_how_to_check(
    row: Row, call: tuple[Request, RequestOptions]
) -> None:
    async with fake_gateway(row.step) as upstream:
        error = await failure(client(upstream.url, hangs=row.hangs), call)
        assert (len(upstream.requests), type(error)) == row.write
    check_words(error, call[1].operation, row.cause)


@pytest.mark.parametrize(("call", "count"), [(READ, TRIES), (WRITE, 1), (DELETE, 1)], ids=["read", "write", "delete"])
async def test_a_reset_before_the_request_was_read_leaves_a_write_in_doubt(
    call: tuple[Request, RequestOptions], count: int
) -> None:
    async with fake_gateway(Fault.RESET_UNREAD) as upstream:
        error = await failure(client(upstream.url), call)
        assert (upstream.connections, upstream.requests) == (count, [])
    assert type(error) is (UpstreamError if call is READ else InDoubtError)
    check_words(error, call[1].operation, "the connection broke")


@pytest.mark.parametrize("call", [READ, WRITE, DELETE], ids=["read", "write", "delete"])
async def test_at_a_closed_port_every_request_is_tried_again_and_reported_as_not_sent(
    call: tuple[Request, RequestOptions],
) -> None:
    port = closed_port()
    error = await failure(client(f"http://127.0.0.1:{port}"), call)
    assert str(error) == (
        f"{call[1].operation} was not sent: no connection to 127.0.0.1:{port} after 3 attempts (the connection was "
        "refused or broke off). Check the network and MATON_BASE_URL (`klaviyo-mcp doctor` tells more), then call "
        "again."
    )
    assert type(error) is UnreachableError


@pytest.mark.parametrize("call", [READ, WRITE, DELETE], ids=["read", "write", "delete"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_another_host_is_not_followed(call: tuple[Request, RequestOptions], status: int) -> None:
    async with (
        fake_gateway(OK) as stranger,
        fake_gateway(Answer(status, b"", {"Location": f"{stranger.url}/x"})) as upstream,
    ):
        error = await failure(client(upstream.url), call)
        assert (len(upstream.requests), stranger.connections) == (1, 0)
    assert type(error) is (UpstreamError if call is READ else InDoubtError)
    check_words(error, call[1].operation, f"redirect ({status})")


@pytest.mark.parametrize("call", [READ, WRITE], ids=["read", "write"])
async def test_an_empty_success_is_a_fault_where_a_body_was_promised(call: tuple[Request, RequestOptions]) -> None:
    async with fake_gateway(Answer(200)) as upstream:
        error = await failure(client(upstream.url), call)
        assert len(upstream.requests) == 1
    assert type(error) is (UpstreamError if call is READ else InDoubtError)
    check_words(error, call[1].operation, "answer is empty")


async def test_an_empty_success_is_a_success_where_none_was_promised() -> None:
    async with fake_gateway(Answer(204)) as upstream:
        maton = client(upstream.url)
        reply = await maton.send(*DELETE)
        await maton.aclose()
    assert (reply.status, reply.document, reply.size, reply.attempts) == (204, None, 0, 1)


@pytest.mark.parametrize("call", [READ, WRITE, DELETE], ids=["read", "write", "delete"])
async def test_a_call_that_was_only_rate_limited_succeeds_when_sent_again(call: tuple[Request, RequestOptions]) -> None:
    async with fake_gateway(Answer(429, b"", {"Retry-After": "0"}), Answer(429), OK) as upstream:
        maton = client(upstream.url)
        reply = await maton.send(*call)
        await maton.aclose()
        assert (reply.attempts, len({(s.method, s.target, s.body) for s in upstream.requests})) == (3, 1)


async def test_a_write_in_doubt_after_a_rate_limit_is_not_sent_a_third_time() -> None:
    async with fake_gateway(Answer(429, b"", {"Retry-After": "0"}), Answer(504), OK) as upstream:
        error = await failure(client(upstream.url), WRITE)
        assert (len(upstream.requests), type(error)) == (2, InDoubtError)


async def test_a_refusal_whose_body_broke_off_is_still_a_refusal() -> None:
    async with fake_gateway(Answer(400, {"errors": [{"detail": "no"}]}, cut=5)) as upstream:
        error = await failure(client(upstream.url), WRITE)
        assert len(upstream.requests) == 1
    assert str(error).startswith("The gateway refused create_list (400); nothing was changed")


async def test_a_write_that_klaviyo_applies_once_is_sent_again_until_it_arrives() -> None:
    async with fake_gateway(Answer(504), Fault.RESET, Answer(202)) as upstream:
        maton = client(upstream.url)
        assert (await maton.send(*EVENT)).attempts == 3
        await maton.aclose()


async def test_a_repeated_write_stays_in_doubt_whatever_the_last_attempt_met() -> None:
    async with fake_gateway(Answer(504), Answer(429, b"", LATER)) as upstream:
        error = await failure(client(upstream.url), EVENT)
        assert (len(upstream.requests), type(error)) == (2, InDoubtError)
    check_words(error, "create_event", "504")


async def test_an_expired_authorization_is_reported_and_not_tried_again() -> None:
    async with fake_gateway(Answer(500, {"message": "OAuth refresh token expired: invalid_grant"})) as upstream:
        for call in (READ, WRITE):
            error = await failure(client(upstream.url), call)
            assert isinstance(error, ConnectionMissingError)
            assert error.kind == "expired"
        assert len(upstream.requests) == 2


async def test_cancelling_a_call_closes_its_upstream_request() -> None:
    async with fake_gateway(Fault.SILENCE) as upstream:
        maton = client(upstream.url)
        task = asyncio.create_task(maton.send(*WRITE))
        await upstream.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with anyio.fail_after(10):
            await upstream.disconnected.wait()
        assert (len(upstream.requests), upstream.open) == (1, 0)
        await maton.aclose()


async def test_cancelling_a_call_ends_its_wait() -> None:
    async with fake_gateway(Answer(429, b"", {"Retry-After": "20", "RateLimit-Remaining": "0"})) as upstream:
        maton = client(upstream.url)
        reports: list[tuple[float, str]] = []
        begun = asyncio.Event()

        async def waiting(seconds: float, why: str) -> None:
            reports.append((seconds, why))
            begun.set()

        task = asyncio.create_task(maton.send(READ[0], replace(READ[1], on_wait=waiting)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (reports, len(upstream.requests)) == ([(20.0, "Klaviyo's rate limit")], 1)
        await maton.aclose()


async def test_many_calls_at_once_share_a_bounded_number_of_connections() -> None:
    async with fake_gateway(OK) as upstream:
        maton = client(upstream.url, max_connections=8)
        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(maton.send, *READ)
        assert (len(upstream.requests), upstream.most_open <= 8) == (64, True)
        await maton.aclose()


async def test_of_many_writes_at_once_to_a_failing_gateway_none_is_lost_and_none_arrives_twice() -> None:
    dice = random.Random(7)
    faults: list[Step] = [OK, OK, Answer(429, b"", {"Retry-After": "0"}), Answer(429), Answer(503), Fault.RESET]
    steps = [dice.choice([*faults, Answer(200, {"data": []}, cut=3)]) for _ in range(4_000)]
    outcomes: dict[int, str] = {}
    tasks_before = len(asyncio.all_tasks())
    async with fake_gateway(*steps) as upstream:
        maton = client(upstream.url, max_connections=16, max_attempts=8)

        async def write(number: int) -> None:
            try:
                await maton.send(Request("POST", "/api/lists", body={"number": number}), WRITE[1])
                outcomes[number] = "applied"
            except InDoubtError:
                outcomes[number] = "in doubt"

        async with anyio.create_task_group() as group:
            for number in range(400):
                group.start_soon(write, number)
        await maton.aclose()
        arrived: dict[int, list[Step]] = {number: [] for number in range(400)}
        for request, step in zip(upstream.requests, steps, strict=False):
            if not (isinstance(step, Answer) and step.status == 429):
                arrived[request.json["number"]].append(step)
        assert {len(steps) for steps in arrived.values()} == {1}
        assert outcomes == {n: "applied" if steps == [OK] else "in doubt" for n, steps in arrived.items()}
        with anyio.fail_after(10):
            await upstream.closed()
    assert len(asyncio.all_tasks()) == tasks_before


async def test_a_write_that_waits_for_a_free_connection_until_the_deadline_was_not_sent() -> None:
    async with fake_gateway(Fault.SILENCE) as upstream:
        maton = client(upstream.url, hangs=True, max_connections=1)
        await maton.warm()
        errors: list[KlaviyoMcpError] = []

        async def run() -> None:
            with pytest.raises(KlaviyoMcpError) as caught:
                await maton.send(*WRITE)
            errors.append(caught.value)

        async with anyio.create_task_group() as group:
            group.start_soon(run)
            group.start_soon(run)
        assert sorted(type(error).__name__ for error in errors) == ["DeadlineError", "InDoubtError"]
        assert len(upstream.requests) == 1
        await maton.aclose()


async def test_the_deadline_of_the_whole_call_bounds_a_request_within_it() -> None:
    async with fake_gateway(Fault.SILENCE) as upstream:
        maton = client(upstream.url)
        await maton.warm()
        with pytest.raises(DeadlineError):
            await maton.send(READ[0], replace(READ[1], deadline=anyio.current_time() + 0.05))
        await maton.aclose()
