"""Whatever gateway, clients and settings do: the key and the tokens stay out of all that the server says."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anyio.to_thread
import httpx
import pytest
from tests.clients.server_processes import COMMAND, StdioServer, environment, http_server, initialize, stdio_server
from tests.server.fake_gateway import Answer, Fault, Step, fake_gateway

from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.request import render_request
from klaviyo_mcp.settings import StartupError, load_settings
from klaviyo_mcp.telemetry.logs import JsonLines
from klaviyo_tools.operation.request import Request

pytestmark = pytest.mark.anyio

KEY = 'mtn_5ecret/0f+the"operator\\'
TOKEN, FILED = "token-of-the-first-client", "token-of-the-second-client"
PRIVATE = "ann.private@example.com"


def forms(secret: str) -> list[str]:
    """A secret as it may slip out: as it stands, escaped, quoted, encoded."""
    encoded = base64.b64encode(f"Bearer {secret}".encode()).decode().rstrip("=")
    return [secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], quote(secret, safe=""), encoded]


def check(output: str, *secrets: str) -> None:
    for secret in secrets:
        for form in forms(secret):
            assert form not in output, output[max(0, output.find(form) - 300) :][:600]


ECHO = f"Authorization: Bearer {KEY}; key={KEY} {PRIVATE}"
ERRORS = {"errors": [{"code": KEY, "title": ECHO, "detail": ECHO, "source": {"pointer": f"/data/attributes/{KEY}"}}]}
HEADERS = {"X-Echo": KEY, "Location": f"https://elsewhere.example.com/{quote(KEY)}", "Retry-After": "0"}
LOGGERS = {f"klaviyo_mcp.{name}" for name in ("protocol.server", "transports.stdio", "transports.lines")}
PROFILE = {"type": "profile", "id": "01H", "attributes": {"email": PRIVATE, "first_name": KEY, "last_name": ECHO}}
STEPS: list[Step] = [
    *(Answer(status, ERRORS, HEADERS) for status in (400, 401, 403, 404, 409, 422)),
    Answer(400, {"message": ECHO}),
    Answer(302, ECHO.encode(), HEADERS),
    Answer(200, ECHO.encode(), HEADERS, media="text/html"),
    Answer(200, b'{"' + KEY.encode()),
    Answer(200, {"data": [PROFILE], "links": {"next": f"https://a.klaviyo.com/?page%5Bcursor%5D={quote(KEY)}"}}),
    Answer(200, {"data": PROFILE}),
    Answer(200, {"data": [{"type": KEY, "id": KEY, "attributes": {KEY: KEY}}]}),
    Answer(200, {"data": {"type": [KEY]}}),
]
AGAIN: list[Step] = [Answer(500, ERRORS), Answer(502, ECHO.encode(), media="text/html"), Fault.RESET]
"""A read is sent again after these, which takes its time: fewer calls meet them."""
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_profiles", {"filter": f'equals(email,"{PRIVATE}")'}),
    ("get_profiles", {"detail": "full", "max_results": 1}),
    ("get_profile", {"profile_id": "01H"}),
    ("create_profile", {"email": PRIVATE, "first_name": "Ann"}),
    ("create_event", {"metric": "Seen", "profile": {"email": PRIVATE}, "properties": {"secret": PRIVATE}}),
]


def torture(server: StdioServer, calls: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """All calls, and frames that are none; yields each answer."""
    for number, (tool, arguments) in enumerate(calls):
        server.call(number + 1, tool, **arguments)
        while "id" not in (answer := server.receive()):
            yield json.dumps(answer)
        yield json.dumps(answer)
    for params in (PRIVATE, {"name": PRIVATE}, {"name": "get_lists", "arguments": PRIVATE}):
        server.send({"jsonrpc": "2.0", "id": 98, "method": "tools/call", "params": params})
    server.send({"jsonrpc": "2.0", "id": 99, "method": "ping"})
    while (answer := server.receive()).get("id") != 99:
        yield json.dumps(answer)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["info", "debug"])
async def test_over_stdio_the_key_is_never_shown(level: str) -> None:
    async with fake_gateway() as upstream:
        settings = {"MATON_BASE_URL": upstream.url, "MATON_API_KEY": KEY, "MATON_CONNECTION": "c1"}

        def run() -> tuple[str, str]:
            with stdio_server(
                COMMAND, **settings, KLAVIYO_MCP_LOG_LEVEL=level, KLAVIYO_MCP_TOOLSETS="all", KLAVIYO_MCP_DEADLINE="1"
            ) as server:
                output = []
                for each in STEPS + AGAIN:
                    upstream.steps = [each]
                    output += list(torture(server, CALLS[2:] if each in AGAIN else CALLS))
                code, out, err = server.end()
            assert code == 0
            return "\n".join(output) + out.decode(), err.decode()

        output, log = await anyio.to_thread.run_sync(run)
    assert len(upstream.requests) > 60
    assert all(request.headers["authorization"] == f"Bearer {KEY}" for request in upstream.requests)
    check(output, KEY)
    check(log, KEY)
    lines = [json.loads(line) for line in log.splitlines()]
    assert sum(line["event"] == "call" for line in lines) >= len(CALLS) * len(STEPS) + 3 * len(AGAIN)
    if level == "info":
        assert PRIVATE not in log
        assert {line["logger"] for line in lines} <= LOGGERS


@pytest.mark.slow
async def test_over_http_neither_the_key_nor_a_token_is_shown(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text(FILED)
    settings = {"MATON_API_KEY": KEY, "KLAVIYO_MCP_TOKENS": TOKEN, "KLAVIYO_MCP_TOKENS_FILE": str(tmp_path / "tokens")}

    def run() -> tuple[str, str]:
        output = []
        with http_server(
            [*COMMAND, "http"], **settings, KLAVIYO_MCP_SANDBOX="1", KLAVIYO_MCP_LOG_LEVEL="debug"
        ) as server:
            accept = {"Accept": "application/json, text/event-stream"}
            for token in (TOKEN, FILED, TOKEN[:-1], f"{TOKEN}x", "ey.ey.ey"):
                headers = {**accept, "Authorization": f"Bearer {token}"}
                for message in (initialize(), {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": 7}):
                    answer = httpx.post(f"{server.base}/mcp", json=message, headers=headers)
                    output.append(f"{answer.status_code} {answer.headers} {answer.text}")
                answer = httpx.get(f"{server.base}/mcp?token={TOKEN}", headers={**headers, "Host": "evil.example.com"})
                output.append(f"{answer.status_code} {answer.headers} {answer.text}")
            server.process.terminate()
            log = server.log()
        return "\n".join(output), log

    output, log = await anyio.to_thread.run_sync(run)
    assert {line[:3] for line in output.splitlines() if line[:3].isdigit()} >= {"200", "401", "421"}
    check(output, KEY, TOKEN, FILED)
    check(log, KEY, TOKEN, FILED)


@pytest.mark.slow
@pytest.mark.parametrize("command", [["doctor"], ["call", "get_accounts"], ["tools"], ["--toolsets", "nonsense"]])
async def test_no_command_shows_the_key(command: list[str]) -> None:
    async with fake_gateway(Answer(401, ERRORS, HEADERS)) as upstream:
        settings = environment(
            MATON_BASE_URL=upstream.url, MATON_API_KEY=KEY, MATON_CONNECTION="c1", KLAVIYO_MCP_LOG_LEVEL="debug"
        )

        def run() -> str:
            process = subprocess.run([*COMMAND, *command], env=settings, capture_output=True, stdin=subprocess.DEVNULL)
            return process.stdout.decode() + process.stderr.decode()

        output = await anyio.to_thread.run_sync(run)
    assert output
    check(output, KEY)


def test_a_crash_does_not_show_the_key() -> None:
    program = (
        "import asyncio, os\n"
        "from klaviyo_mcp.telemetry import logs\n"
        "from klaviyo_mcp.settings import load_settings\n"
        "settings = load_settings({}, os.environ)\n"
        "logs.configure_logging('debug', settings.secrets())\n"
        "from klaviyo_mcp.cli.composition import create_client\n"
        "maton = create_client(settings)\n"
        "raise RuntimeError(f'{maton!r} {settings!r} {settings.key} ' + os.environ['MATON_API_KEY'])\n"
    )
    process = subprocess.run([sys.executable, "-c", program], env=environment(MATON_API_KEY=KEY), capture_output=True)
    assert b"RuntimeError" in process.stderr
    check(process.stderr.decode() + process.stdout.decode(), KEY)


def test_no_object_that_holds_the_key_shows_it() -> None:
    settings = load_settings({}, {"MATON_API_KEY": KEY, "KLAVIYO_MCP_TOKENS": TOKEN})
    maton = GatewayClient(key=KEY)
    rendered = render_request(
        Request("GET", "/api/lists"), base="https://api.maton.ai", key=KEY, revision="r", connection=None
    )
    texts = [repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump()), repr(maton)]
    check(
        " ".join(
            [
                *texts,
                repr(rendered),
                str(rendered),
                repr(create_service(settings)),
                repr(create_service(settings).__dict__),
            ]
        ),
        KEY,
        TOKEN,
    )


@pytest.mark.parametrize("key", [f"{KEY} {KEY}", f"{KEY}\n", f"{KEY}ü", f"'{KEY}'\x7f"])
def test_a_key_that_cannot_be_used_is_refused_without_being_shown(key: str) -> None:
    try:
        load_settings({}, {"MATON_API_KEY": key})
    except StartupError as error:
        check(f"{error} {error!r}", KEY)


def test_a_secret_inside_another_is_redacted_whole() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, f"{TOKEN}-longer and {TOKEN} and {KEY}", (), None)
    line = JsonLines([TOKEN, f"{TOKEN}-longer", KEY]).format(record)
    assert json.loads(line)["event"] == "*** and *** and ***"
