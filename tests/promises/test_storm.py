"""Two thousand calls, 64 at once, at a gateway that limits, fails and hangs up: none is lost and none applied twice."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp.client.client import Client
from tests.server.sandbox_server import answer_text

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server as app
from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.errors import KlaviyoError
from klaviyo_mcp.sandbox.faults import Faults, RateLimits, Window
from klaviyo_mcp.sandbox.http import Receive, Scope, Send
from klaviyo_mcp.settings import load_settings
from klaviyo_mcp.transports.asgi_server import bind

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

CALLS = 2_000
AT_ONCE = 64
FASTER = 20.0
"""How much faster Klaviyo's windows pass here: a minute's in three seconds."""


FATES = ("answered", "429", "503", "502 after", "cut", "hang up")


class Hasty(RateLimits):
    """Klaviyo's limits with a clock that runs faster, and waits to match."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: time.time() * FASTER)

    def _throttled(self, window: Window, reset: float) -> KlaviyoError:
        error = super()._throttled(window, reset)
        error.headers["retry-after"] = f"{reset / FASTER + 0.001:.3f}"
        return error


class Gateway:
    """In front of the sandbox: loses answers after the request was handled, or fails before it is."""

    def __init__(self, behind: Sandbox) -> None:
        self._behind = behind
        self._dice = random.Random(64)
        self.met: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fate = self._dice.choices(FATES, (86, 4, 3, 3, 2, 2))[0]
        self.met[fate] += 1
        if fate in ("429", "503"):
            await _answer(send, int(fate), b"{}")
            return
        messages: list[Any] = []

        async def keep(message: Any) -> None:
            messages.append(message)

        await self._behind(scope, receive, send if fate == "answered" else keep)
        if fate == "502 after":
            await _answer(send, 502, b"<html>Bad gateway</html>")
        elif fate == "cut":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
            await send({"type": "http.response.body", "body": b'{"data":', "more_body": True})
        elif fate == "hang up":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def listening(application: Any) -> AsyncIterator[str]:
    config = uvicorn.Config(application, log_config=None, access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    socket = bind("127.0.0.1", 0)
    port = socket.getsockname()[1]
    serving = asyncio.create_task(server._serve([socket]))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


def work(number: int) -> tuple[str, dict[str, Any]]:
    """The call of this number."""
    if number < AT_ONCE:  # of these Klaviyo takes three a second, and sixty a minute
        return "create_tag", {"name": f"storm-{number}"}
    match number % 5:
        case 0:
            return "create_template", {"name": f"storm-{number}", "editor_type": "CODE", "html": "<p>Hi</p>"}
        case 1:
            return "create_profile", {"email": f"storm-{number}@example.com"}
        case 2:
            profile = {"email": "storm@example.com"}
            return "create_event", {"metric": "Stormed", "profile": profile, "properties": {"number": number}}
        case 3:
            return "get_profiles", {"filter": f'equals(email,"storm-{number - 2}@example.com")', "fields": ["email"]}
        case _:
            return "get_templates", {"filter": f'equals(name,"storm-{number - 4}")', "fields": ["name"]}


def outcome(text: str, is_error: bool) -> str:
    if not is_error:
        return "done"
    assert len(text.encode()) <= 600
    return "in doubt" if "may or may not have been applied" in text else "not done"


async def test_no_call_is_lost_or_doubled_and_nothing_is_left_over() -> None:
    faults = Faults()
    faults.add(method="GET", status=500, times=20, after=50)
    faults.add(method="POST", status=503, times=20, after=100)
    box = create_sandbox(profiles=5, faults=faults, rate_limits=Hasty())
    gateway = Gateway(box)
    settings = load_settings({"toolsets": "all", "confirm": "never", "sandbox": True}, {})
    tasks, files = len(asyncio.all_tasks()), open_files()
    outcomes: dict[int, str] = {}
    async with listening(gateway) as url:
        maton = GatewayClient(
            key=box.key,
            base_url=url,
            pacer=Pacer(enabled=False),
            backoff_seconds=0.002,
            max_attempts=25,
            max_connections=16,
        )
        calls = CallService(settings, lambda: maton)
        await calls.warm()
        async with Client(app.create_server(calls)) as client:
            numbers = iter(range(CALLS))

            async def worker() -> None:
                for number in numbers:
                    tool, arguments = work(number)
                    result = await client.call_tool(tool, arguments)
                    assert number not in outcomes
                    outcomes[number] = outcome(answer_text(result).removeprefix("ERROR: "), bool(result.is_error))

            async with anyio.create_task_group() as group:
                for _ in range(AT_ONCE):
                    group.start_soon(worker)
        await calls.aclose()
    assert sorted(outcomes) == list(range(CALLS))
    assert min(gateway.met[fate] for fate in FATES) > 20
    assert any(request.status == 429 for request in box.requests)  # how many hangs on the machine's speed
    check_store(box, outcomes)
    assert {outcomes[number] for number in range(CALLS) if work(number)[0].startswith("get_")} == {"done"}
    assert (len(asyncio.all_tasks()), open_files()) == (tasks, files)


def check_store(box: Sandbox, outcomes: dict[int, str]) -> None:
    """What was answered is what is there: done once, in doubt at most once, not done not at all."""
    there: Counter[str] = Counter()
    there.update(record.attributes["name"] for kind in ("template", "tag") for record in box.store.all(kind))
    there.update(record.attributes.get("email") or "" for record in box.store.all("profile"))
    there.update(f"event-{_properties(record).get('number')}" for record in box.store.all("event"))
    outcome_counts: Counter[str] = Counter()
    for number, result in outcomes.items():
        tool, arguments = work(number)
        if tool.startswith("get_"):
            continue
        name = f"event-{number}" if tool == "create_event" else arguments.get("name") or arguments["email"]
        outcome_counts[result] += 1
        assert there[name] == 1 if result == "done" else there[name] <= (result == "in doubt"), (name, result)
    assert (outcome_counts["done"] > 1_000, outcome_counts["in doubt"] > 30, outcome_counts["not done"]) == (
        True,
        True,
        0,
    )


def _properties(record: Any) -> dict[str, Any]:
    properties: dict[str, Any] = record.attributes.get("event_properties") or {}
    return properties


def open_files() -> int:
    """The files and sockets that this process has open, where the system tells."""
    place = Path("/proc/self/fd")
    return len(list(place.iterdir())) if place.is_dir() else 0
