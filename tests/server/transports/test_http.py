"""Over HTTP every request that is not allowed is refused with its status before any tool code runs."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import jwt
import mcp_types
import pytest
from jwt.utils import base64url_encode
from pydantic import SecretStr
from tests.clients.fake_service import FakeService
from tests.clients.server_processes import initialize
from tests.server.oauth_issuer import AUDIENCE, OAuthIssuer, oauth_issuer
from tests.server.sandbox_server import confirmation_code, sandbox_server
from tests.server.transports.http_app import ACCEPT, MODERN, OTHER, TOKEN, bearer, call, post, serve_app

from klaviyo_mcp.gateway.documents import fetch_document
from klaviyo_mcp.protocol.tools import ServedTools
from klaviyo_mcp.settings import Settings, StartupError, load_settings
from klaviyo_mcp.transports.asgi_server import bind
from klaviyo_mcp.transports.http import HttpApp, transport_security

pytestmark = pytest.mark.anyio


@pytest.fixture
def issuer() -> Iterator[OAuthIssuer]:
    with oauth_issuer() as started:
        yield started


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "klaviyo.example.com", ""])
def test_a_bind_that_others_can_reach_is_refused_without_authentication(host: str) -> None:
    with pytest.raises(StartupError, match="set KLAVIYO_MCP_TOKENS"):
        HttpApp(FakeService(), Settings(host=host), fetch_document)
    HttpApp(FakeService(), Settings(host=host, tokens=(SecretStr(TOKEN),)), fetch_document)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"])
def test_loopback_is_open(host: str) -> None:
    HttpApp(FakeService(), Settings(host=host), fetch_document)


def test_half_of_an_oauth_setup_is_refused() -> None:
    with pytest.raises(StartupError, match="needs KLAVIYO_MCP_OAUTH_AUDIENCE or KLAVIYO_MCP_PUBLIC_URL"):
        HttpApp(FakeService(), Settings(oauth_issuer=("https://issuer.example.com",)), fetch_document)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("# nobody\n\n", "holds no token"),
        ("  # nobody at all, in a line of its own\n", "holds no token"),
        ("a-token-of-some-length and-another-one\n", "more than a token on a line"),
        ("short\n", "less than 16"),
        (b"\xff\xff", "not text"),
    ],
)
def test_an_unusable_file_of_tokens_is_refused(tmp_path: Path, content: str | bytes | None, message: str) -> None:
    file = tmp_path / "tokens"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(StartupError, match=message):
        HttpApp(FakeService(), Settings(tokens_file=file), fetch_document)


def test_a_port_in_use_and_an_unknown_address_raise_one_line() -> None:
    with bind("127.0.0.1", 0) as taken, pytest.raises(StartupError, match="address already in use"):
        bind("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(StartupError, match=r"cannot listen on no\.such\.host\.invalid port 1: "):
        bind("no.such.host.invalid", 1)


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/?session_id=0", "/other"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example.com"}, 421),
        ({"Host": "127.0.0.1.evil.example.com"}, 421),
        ({"Host": "localhost.evil.example.com:8000"}, 421),
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_a_host_or_origin_that_is_not_allowed_is_refused_on_every_path(
    path: str, headers: dict[str, str], status: int
) -> None:
    calls = FakeService()
    async with serve_app(calls) as client:
        response = await client.post(path, json=call(), headers={**MODERN, **headers})
    assert response.status_code == status
    assert calls.events == ["closed"]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "localhost:1234", "[::1]:8000", "tools.example.com"])
async def test_own_and_allowed_hosts_are_served(host: str) -> None:
    async with serve_app(allowed_hosts=("tools.example.com",)) as client:
        assert (await post(client, {"Host": host})).status_code == 200


async def test_a_page_of_an_allowed_origin_may_call_and_read_the_answer() -> None:
    origin = {"Origin": "https://app.example.com"}
    async with serve_app(allowed_origins=("https://app.example.com",), tokens=(SecretStr(TOKEN),)) as client:
        wanted_headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        preflight = await client.options("/mcp", headers={**origin, **wanted_headers})
        answer = await post(client, {**origin, **bearer(TOKEN)})
        refused = await client.options("/mcp", headers={"Origin": "https://evil.example.com", **wanted_headers})
    assert (preflight.status_code, answer.status_code, refused.status_code) == (200, 200, 403)
    assert preflight.headers["access-control-allow-origin"] == "https://app.example.com"
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "Mcp-Session-Id" in answer.headers["access-control-expose-headers"]


def test_allowed_hosts_are_loopback_the_address_the_audience_and_those_of_the_settings() -> None:
    settings = Settings(
        host="0.0.0.0",
        oauth_issuer=("https://issuer.example.com",),
        oauth_audience=(AUDIENCE,),
        allowed_hosts=("a.example.com", "b.example.com:81", "c.example.com:*"),
    )
    hosts = transport_security(settings).allowed_hosts
    assert [host for host in hosts if not host.startswith(("127.", "localhost", "[::1]"))] == [
        "klaviyo.example.com",
        "klaviyo.example.com:*",
        "a.example.com",
        "a.example.com:*",
        "b.example.com:81",
        "c.example.com:*",
    ]


@pytest.mark.parametrize("path", ["/mcp", "/sse", "/messages/"])
@pytest.mark.parametrize(
    "credentials",
    [{}, bearer("wrong-token-of-ours"), bearer(""), bearer(TOKEN + " "), {"Authorization": f"Basic {TOKEN}"}],
)
async def test_a_missing_or_wrong_token_is_refused_before_any_tool_code_runs(
    path: str, credentials: dict[str, str]
) -> None:
    calls = FakeService()
    async with serve_app(calls, tokens=(SecretStr(TOKEN),)) as client:
        method = "GET" if path == "/sse" else "POST"
        response = await client.request(method, path, content=b"x" * 10_000_000, headers={**MODERN, **credentials})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert calls.events == ["closed"]


async def test_every_token_of_the_settings_and_of_the_file_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# for the agents\n  # indented, and long enough\n{OTHER}  # of the second agent\n\n")
    async with serve_app(tokens=(SecretStr(TOKEN),), tokens_file=file) as client:
        for token in (TOKEN, OTHER):
            assert (await post(client, bearer(token))).json()["result"]["content"][0]["text"] == "hello"
        comment = await post(client, bearer("# indented, and long enough"))
    assert comment.status_code == 401


async def test_a_session_cannot_be_used_with_another_token() -> None:
    async with serve_app(tokens=(SecretStr(TOKEN), SecretStr(OTHER))) as client:
        opened = await client.post("/mcp", json=initialize(), headers={**ACCEPT, **bearer(TOKEN)})
        session = {**ACCEPT, "Mcp-Session-Id": opened.headers["mcp-session-id"]}
        ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
        stolen = await client.post("/mcp", json=ping, headers={**session, **bearer(OTHER)})
        own = await client.post("/mcp", json=ping, headers={**session, **bearer(TOKEN)})
    assert (opened.status_code, stolen.status_code, own.status_code) == (200, 404, 200)


async def test_a_token_of_the_issuer_is_accepted_and_its_keys_are_read_once(issuer: OAuthIssuer) -> None:
    async with serve_app(oauth_issuer=issuer.url, oauth_audience=AUDIENCE) as client:
        answers = [await post(client, bearer(issuer.token())) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert issuer.requests.count("/keys") == 1


def _part(content: dict[str, Any]) -> str:
    return base64url_encode(json.dumps(content).encode()).decode()


def forged(issuer: OAuthIssuer, how: str) -> str:
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ann", "exp": now + 300}
    public = json.dumps(issuer.answer("/keys"))
    match how:
        case "expired":
            return issuer.token(exp=now - 60)
        case "not yet valid":
            return issuer.token(nbf=now + 600)
        case "without an end":
            return issuer.token(exp=None)
        case "without a subject":
            return issuer.token(sub=None)
        case "for another server":
            return issuer.token(aud="https://other.example.com/mcp")
        case "of another issuer":
            return issuer.token(iss="https://issuer.example.com")
        case "unsigned":
            return jwt.encode(claims, None, algorithm="none", headers={"kid": "key-1"})  # type: ignore[arg-type]
        case "signed with the public key as a secret":
            signed = f"{_part({'alg': 'HS256', 'kid': 'key-1'})}.{_part(claims)}"
            return f"{signed}.{base64url_encode(hmac.digest(public.encode(), signed.encode(), 'sha256')).decode()}"
        case "signed by a stranger under a known name":
            stranger = OAuthIssuer(issuer.url, [])
            stranger.rotate()
            return stranger.token()
        case "tampered with":
            head, _, signature = issuer.token().split(".")
            return f"{head}.{_part(claims)}.{signature}"
        case "oversized":
            return issuer.token(junk="x" * 20_000)
    return how


@pytest.mark.parametrize(
    "how",
    [
        "expired",
        "not yet valid",
        "without an end",
        "without a subject",
        "for another server",
        "of another issuer",
        "unsigned",
        "signed with the public key as a secret",
        "signed by a stranger under a known name",
        "tampered with",
        "oversized",
        "a.b.c",
        "e30.e30.e30",
        "..",
    ],
)
async def test_a_forged_or_foreign_token_is_refused(issuer: OAuthIssuer, how: str) -> None:
    calls = FakeService()
    async with serve_app(calls, oauth_issuer=issuer.url, oauth_audience=AUDIENCE) as client:
        refused = await post(client, bearer(forged(issuer, how)))
        accepted = await post(client, bearer(issuer.token()))
    assert (refused.status_code, accepted.status_code) == (401, 200)
    assert calls.events == ["echo", "closed"]


async def test_scopes_are_required_where_they_are_set(issuer: OAuthIssuer) -> None:
    settings: dict[str, Any] = {"oauth_issuer": issuer.url, "oauth_audience": AUDIENCE, "oauth_scopes": ("klaviyo",)}
    async with serve_app(tokens=(SecretStr(TOKEN),), **settings) as client:
        without = await post(client, bearer(issuer.token()))
        listed = await post(client, bearer(issuer.token(scp=["klaviyo"])))
        handed_out = await post(client, bearer(TOKEN))
    assert (without.status_code, listed.status_code, handed_out.status_code) == (403, 200, 200)


async def test_a_refused_client_learns_where_to_get_a_token(issuer: OAuthIssuer) -> None:
    async with serve_app(oauth_issuer=issuer.url, oauth_audience=AUDIENCE, oauth_scopes=("klaviyo",)) as client:
        refused = await post(client)
        metadata_url = refused.headers["www-authenticate"].split('resource_metadata="')[1].rstrip('"')
        metadata = await client.get(metadata_url, headers={"Host": "klaviyo.example.com"})
    assert metadata_url == "https://klaviyo.example.com/.well-known/oauth-protected-resource/mcp"
    document = metadata.json()
    assert document["resource"] == AUDIENCE
    assert [server.rstrip("/") for server in document["authorization_servers"]] == [issuer.url]
    assert document["scopes_supported"] == ["klaviyo"]


async def test_an_oversized_body_is_refused() -> None:
    calls = FakeService()
    async with serve_app(calls, max_body=2_000) as client:
        large = await post(client, **call(word="x" * 3_000))
        small = await post(client, **call(word="x" * 1_000))
        posted = await client.post("/messages/?session_id=0", content=b"x" * 3_000, headers=ACCEPT)
    assert (large.status_code, small.status_code, posted.status_code) == (413, 200, 413)
    assert calls.events == ["echo", "closed"]


async def test_sessions_beyond_the_limit_are_refused() -> None:
    async with serve_app(max_sessions=1) as client:
        first = await client.post("/mcp", json=initialize(), headers=ACCEPT)
        second = await client.post("/mcp", json=initialize(), headers=ACCEPT)
    assert (first.status_code, second.status_code) == (200, 503)


async def test_a_busy_server_says_so_and_when_to_come_back() -> None:
    calls = FakeService()
    async with serve_app(calls, max_concurrent=1) as client, anyio.create_task_group() as group:
        answers: list[int] = []

        async def wait() -> None:
            headers = {"Mcp-Name": "wait"}
            answers.append((await post(client, headers, **call("wait"))).status_code)

        group.start_soon(wait)
        await calls.on_wait.wait()
        refused = await post(client)
        healthy = await client.get("/healthz")
        calls.release.set()
    assert (refused.status_code, healthy.status_code, answers) == (503, 200, [200])
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"]["message"].startswith("This server is busy: it serves 1 requests at once.")


async def test_one_client_leaves_room_for_the_others() -> None:
    calls = FakeService()
    tokens = (SecretStr(TOKEN), SecretStr(OTHER))
    async with serve_app(calls, max_concurrent=2, tokens=tokens) as client, anyio.create_task_group() as group:

        async def wait() -> None:
            await post(client, {"Mcp-Name": "wait", **bearer(TOKEN)}, **call("wait"))

        group.start_soon(wait)
        await calls.on_wait.wait()
        refused = await post(client, bearer(TOKEN))
        other = await post(client, bearer(OTHER))
        calls.release.set()
    assert (refused.status_code, other.status_code) == (503, 200)
    assert "it serves 1 requests of one client at once" in refused.json()["error"]["message"]


async def test_a_code_belongs_to_the_token_that_got_it() -> None:
    server = sandbox_server()
    server.put("list", "L1", name="Newsletter")
    service = ServedTools(server.calls.inventory, lambda: server.calls)

    async def delete(client: httpx.AsyncClient, token: str, **more: str) -> str:
        message = call("delete_list", list_id="L1", **more)
        reply = await client.post("/mcp", json=message, headers={**MODERN, "Mcp-Name": "delete_list", **bearer(token)})
        return str(reply.json()["result"]["content"][0]["text"])

    async with serve_app(service, tokens=(SecretStr(TOKEN), SecretStr(OTHER))) as client:
        code = confirmation_code(await delete(client, TOKEN))
        assert "that code was not given out here" in await delete(client, OTHER, confirmation=code)
        assert server.writes() == []
        assert (await delete(client, TOKEN, confirmation=code)).startswith("Done")


async def test_health_is_open_to_everybody_and_readiness_ends_with_draining() -> None:
    calls = FakeService()
    app = HttpApp(calls, load_settings({}, {"KLAVIYO_MCP_TOKENS": TOKEN}), fetch_document)
    application = app.application()
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.1:8000") as client:
        healthy, ready = await client.get("/healthz"), await client.get("/readyz")
        await app.drain(1)
        drained = await client.get("/readyz")
        refused = await client.post("/mcp", json=call(), headers={**MODERN, **bearer(TOKEN), "Host": "127.0.0.1"})
    assert (healthy.json()["status"], ready.json()) == ("ok", {"status": "ready", "tools": 11, "calls": 0})
    assert (drained.status_code, drained.json()) == (503, {"status": "shutting down"})
    assert refused.status_code == 503
    assert refused.json()["error"]["message"] == "This server is shutting down."


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b'{"jsonrpc":"2.0"}', 400), (b"[" * 100_000, 400), (b"\xff", 400)],
)
async def test_a_malformed_message_is_answered_with_400(body: bytes, status: int) -> None:
    async with serve_app() as client:
        assert (await client.post("/mcp", content=body, headers=MODERN)).status_code == status
        assert (await client.post("/mcp", content=body, headers=ACCEPT)).status_code == status


async def test_an_unknown_tool_is_invalid_params_over_http_too() -> None:
    async with serve_app() as client:
        answer = await post(client, {"Mcp-Name": "ecko"}, **call("ecko"))
    assert answer.json()["error"]["code"] == mcp_types.INVALID_PARAMS
