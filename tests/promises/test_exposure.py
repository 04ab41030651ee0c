"""The whole server on a port: who must not get in gets the right status, and nothing of theirs reaches the gateway."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import anyio.to_thread
import httpx
import pytest
from tests.clients.server_processes import COMMAND, ENVELOPE, HttpServer, http_server, initialize
from tests.server.fake_gateway import Answer, FakeGateway, fake_gateway
from tests.server.oauth_issuer import AUDIENCE, OAuthIssuer, oauth_issuer

pytestmark = pytest.mark.anyio

TOKEN, OTHER = "first-token-of-ours", "second-token-of-ours"
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
MODERN = {**ACCEPT, "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "get_lists"}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "get_lists", "arguments": {}, "_meta": ENVELOPE},
}
LISTS = Answer(200, {"data": [{"type": "list", "id": "Y6nRLr", "attributes": {"name": "Newsletter"}}]})


@contextmanager
def exposed(upstream: FakeGateway, issuer: OAuthIssuer) -> Iterator[HttpServer]:
    settings = {
        "MATON_API_KEY": "mtn_invented_key",
        "MATON_BASE_URL": upstream.url,
        "MATON_CONNECTION": "c1",
        "KLAVIYO_MCP_TOKENS": f"{TOKEN},{OTHER}",
        "KLAVIYO_MCP_OAUTH_ISSUER": issuer.url,
        "KLAVIYO_MCP_OAUTH_AUDIENCE": AUDIENCE,
        "KLAVIYO_MCP_MAX_BODY": "4000",
    }
    with http_server([*COMMAND, "http"], **settings) as server:
        yield server


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def attempts(server: HttpServer, issuer: OAuthIssuer) -> dict[str, int]:
    """The status of every try to get in."""
    now = int(time.time())
    stranger = OAuthIssuer(issuer.url, [])
    stranger.rotate()
    large = {**CALL, "params": {**CALL["params"], "arguments": {"filter": "x" * 5_000}}}  # type: ignore[dict-item]
    tries: dict[str, tuple[dict[str, str], Any]] = {
        "no token": ({}, CALL),
        "a wrong token": (bearer(TOKEN[:-1]), CALL),
        "a token as basic": ({"Authorization": f"Basic {TOKEN}"}, CALL),
        "an expired jwt": (bearer(issuer.token(exp=now - 3_600)), CALL),
        "a jwt of a stranger": (bearer(stranger.token()), CALL),
        "a jwt of another issuer": (bearer(issuer.token(iss="https://issuer.example.com")), CALL),
        "a jwt for another server": (bearer(issuer.token(aud="https://other.example.com/mcp")), CALL),
        "a foreign host": ({**bearer(TOKEN), "Host": "evil.example.com"}, CALL),
        "a foreign origin": ({**bearer(TOKEN), "Origin": "https://evil.example.com"}, CALL),
        "an oversized body": (bearer(TOKEN), large),
    }
    return {
        name: httpx.post(f"{server.base}/mcp", json=message, headers={**MODERN, **headers}).status_code
        for name, (headers, message) in tries.items()
    }


@pytest.mark.slow
async def test_strangers_are_refused_and_the_gateway_hears_nothing() -> None:
    async with fake_gateway(LISTS) as upstream:

        def run() -> tuple[dict[str, int], int, list[Any]]:
            with oauth_issuer() as issuer, exposed(upstream, issuer) as server:
                statuses = attempts(server, issuer)
                before = len(upstream.requests)
                right = (bearer(TOKEN), bearer(OTHER), bearer(issuer.token()))
                let_in = [httpx.post(f"{server.base}/mcp", json=CALL, headers={**MODERN, **one}) for one in right]
            return statuses, before, [(one.status_code, "Newsletter" in one.text) for one in let_in]

        statuses, before, let_in = await anyio.to_thread.run_sync(run)
        assert statuses == {
            "no token": 401,
            "a wrong token": 401,
            "a token as basic": 401,
            "an expired jwt": 401,
            "a jwt of a stranger": 401,
            "a jwt of another issuer": 401,
            "a jwt for another server": 401,
            "a foreign host": 421,
            "a foreign origin": 403,
            "an oversized body": 413,
        }
        assert before == 0
        assert let_in == [(200, True)] * 3
        sent = {request.headers["authorization"] for request in upstream.requests}
        assert sent == {"Bearer mtn_invented_key"}


@pytest.mark.slow
async def test_a_body_without_a_length_is_measured_too() -> None:
    async with fake_gateway(LISTS) as upstream:

        def run() -> bytes:
            with oauth_issuer() as issuer, exposed(upstream, issuer) as server:
                parts = urlsplit(server.base)
                with socket.create_connection((parts.hostname, parts.port), timeout=20) as raw:
                    head = [f"POST /mcp HTTP/1.1\r\nHost: {parts.netloc}", "Transfer-Encoding: chunked"]
                    head += [f"{name}: {value}" for name, value in {**MODERN, **bearer(TOKEN)}.items()]
                    raw.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
                    for _ in range(3):
                        raw.sendall(b"7d0\r\n" + b" " * 2_000 + b"\r\n")
                    return raw.recv(200)

        answered = await anyio.to_thread.run_sync(run)
        assert answered.startswith(b"HTTP/1.1 413 ")
        assert upstream.requests == []


@pytest.mark.slow
async def test_a_session_is_of_no_use_with_another_token_on_either_transport() -> None:
    async with fake_gateway(LISTS) as upstream:

        def run() -> tuple[list[int], list[int]]:
            with oauth_issuer() as issuer, exposed(upstream, issuer) as server:
                ann, bob = bearer(issuer.token()), bearer(issuer.token(sub="bob"))
                opened = httpx.post(f"{server.base}/mcp", json=initialize(), headers={**ACCEPT, **ann})
                session = {**ACCEPT, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
                call = {**CALL, "params": {"name": "get_lists", "arguments": {}}}
                thieves: tuple[dict[str, str], ...] = (bearer(TOKEN), bob, {})
                stolen = [
                    httpx.post(f"{server.base}/mcp", json=call, headers={**session, **thief}).status_code
                    for thief in thieves
                ]
                stolen.append(httpx.delete(f"{server.base}/mcp", headers={**session, **bob}).status_code)
                with httpx.stream("GET", f"{server.base}/sse", headers=ann) as stream:
                    lines = stream.iter_lines()
                    place = next(line for line in lines if line.startswith("data: ")).removeprefix("data: ")
                    posted = [
                        httpx.post(f"{server.base}{place}", content=json.dumps(call), headers={**ACCEPT, **thief})
                        for thief in thieves
                    ]
            return stolen, [one.status_code for one in posted]

        streamable, sse = await anyio.to_thread.run_sync(run)
        assert streamable == [404, 404, 401, 404]
        assert sse == [404, 404, 401]
        assert upstream.requests == []
