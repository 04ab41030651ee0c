"""Requests as they arrive at Maton's gateway, and those that never leave."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import anyio
import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.fake_gateway import OK, Answer, ReceivedRequest, closed_port, fake_gateway

from klaviyo_mcp import __version__
from klaviyo_mcp.errors import (
    ArgumentError,
    InDoubtError,
    KeyMissingError,
    RateLimitError,
    SettingError,
    UnreachableError,
    UpstreamError,
)
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.options import Reply, RequestOptions
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.gateway.request import request_url
from klaviyo_mcp.gateway.retry import RequestKind
from klaviyo_tools.operation.area import XS
from klaviyo_tools.operation.request import Request, Service, Upload

KEY = "mtn_5ecret_0f_the_operator"
READ = RequestOptions("get_profiles", RequestKind.READ)
WRITE = RequestOptions("create_profile", RequestKind.WRITE)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def send_one(request: Request, options: RequestOptions = READ, **client_options: Any) -> ReceivedRequest:
    async with fake_gateway(OK) as upstream:
        client = GatewayClient(**{"key": KEY, "base_url": upstream.url, **client_options})
        await client.send(request, options)
        await client.aclose()
        (arrival,) = upstream.requests
        return arrival


async def error_of(request: Request, error: type[Exception], **options: Any) -> str:
    """The text of the error; checks that nothing was sent."""
    async with fake_gateway(OK) as upstream:
        client = GatewayClient(**{"key": KEY, "base_url": upstream.url, **options})
        with pytest.raises(error) as caught:
            await client.send(request, WRITE)
        await client.aclose()
        assert upstream.connections == 0
        return str(caught.value)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "path",
    [
        "/api/lists/",
        "/api/lists//profiles",
        "/api/lists/..",
        "/api/lists/./profiles",
        "/api/lists/%2e%2e/profiles",
        "/api/lists/%2E%2E%2Fprofiles",
        "/api/lists/..%5Cprofiles",
        "/api/lists/%252e%252e%252fprofiles",
        "/api/lists/x%2F",
        "/api/lists/x?y=1",
        "/api/lists/x#y",
        "/api/lists/x y",
        "/api/lists/x\r\nHost: example.com",
        "/api/lists/é",
        "/api/lists/%zz",
        "//example.com/api",
        "api/lists",
        "",
    ],
)
async def test_a_path_that_could_lead_elsewhere_is_never_sent(path: str) -> None:
    assert await error_of(Request("DELETE", path), ArgumentError) == (
        "An id in this call is empty or would lead to another path; nothing was sent. Give the id exactly as Klaviyo "
        "shows it, without slashes, dots or question marks around it."
    )


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"data": "\ud83d"}, "A text in this call holds half a character (a lone surrogate); nothing was sent."),
        ({"data": float("nan")}, "A number in this call is not finite; nothing was sent."),
    ],
)
async def test_a_body_that_json_cannot_hold_is_never_sent(body: object, why: str) -> None:
    assert await error_of(Request("POST", "/api/profiles", body=body), ArgumentError) == why


@pytest.mark.anyio
@pytest.mark.parametrize("key", [None, "", "  "])
async def test_without_a_key_nothing_is_sent_and_the_answer_says_how_to_get_one(key: str | None) -> None:
    text = await error_of(Request("GET", "/api/profiles"), KeyMissingError, key=key)
    assert "MATON_API_KEY" in text
    assert "https://maton.ai/settings" in text


@pytest.mark.parametrize(
    ("option", "variable"),
    [("key", "MATON_API_KEY"), ("connection", "MATON_CONNECTION"), ("revision", "KLAVIYO_REVISION")],
)
@pytest.mark.parametrize("value", ["a\r\nX: y", "a b", "ключ", "a\x00b"])
def test_a_setting_that_could_forge_a_header_is_refused_without_being_shown(
    option: str, variable: str, value: str
) -> None:
    options: dict[str, Any] = {"key": KEY, option: value}
    with pytest.raises(SettingError) as caught:
        GatewayClient(**options)
    assert str(caught.value) == f"{variable} holds characters that cannot be sent. Copy it again, without spaces."


def test_the_key_is_in_no_repr() -> None:
    assert repr(GatewayClient(key=KEY)) == "GatewayClient('https://api.maton.ai', key=set)"
    assert repr(GatewayClient(key=None)) == "GatewayClient('https://api.maton.ai', key=missing)"


@pytest.mark.anyio
async def test_a_read_arrives_with_these_headers_and_no_others() -> None:
    request = await send_one(
        Request("GET", "/api/profiles", {"page[size]": "20", "filter": 'equals(email,"a+b c@example.com")'}),
        connection="c-1",
    )
    assert (request.method, request.target, request.body) == (
        "GET",
        "/klaviyo/api/profiles?page%5Bsize%5D=20&filter=equals%28email%2C%22a%2Bb%20c%40example.com%22%29",
        b"",
    )
    assert request.headers == {
        "host": request.headers["host"],
        "accept": "application/vnd.api+json",
        "accept-encoding": "gzip, deflate",
        "authorization": f"Bearer {KEY}",
        "connection": "keep-alive",
        "maton-connection": "c-1",
        "revision": "2026-01-15",
        "x-klaviyo-revision-fall-forward-opt-out": "1",
        "user-agent": f"klaviyo-mcp/{__version__}",
    }


@pytest.mark.anyio
async def test_a_write_carries_json_api_in_utf_8() -> None:
    request = await send_one(
        Request("PATCH", "/api/profiles/01X", body={"data": {"city": "Łódź", "title": None}}), WRITE
    )
    assert (request.method, request.path) == ("PATCH", "/klaviyo/api/profiles/01X")
    assert request.body == '{"data":{"city":"Łódź","title":null}}'.encode()
    assert request.headers["content-type"] == "application/vnd.api+json"


@pytest.mark.anyio
async def test_a_delete_carries_its_body() -> None:
    request = await send_one(Request("DELETE", "/api/lists/Y/relationships/profiles", body={"data": []}), WRITE)
    assert (request.method, request.json) == ("DELETE", {"data": []})


@pytest.mark.anyio
async def test_requests_to_maton_itself_carry_no_revision_and_no_connection() -> None:
    body = {"app": "klaviyo"}
    request = await send_one(Request("POST", "/connections", body=body, service=Service.MATON), WRITE, connection="c-1")
    assert (request.method, request.target, request.json) == ("POST", "/connections", body)
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert not {"revision", "maton-connection"} & set(request.headers)


@pytest.mark.anyio
async def test_a_file_is_sent_as_a_form_with_its_fields() -> None:
    upload = Upload("a.png", b"\x89PNG\r\n", "image/png")
    body = {"name": "Spring banner", "hidden": False, "left_out": None}
    request = await send_one(Request("POST", "/api/image-upload", body=body, upload=upload), WRITE)
    kind, _, boundary = request.headers["content-type"].partition("; boundary=")
    assert kind == "multipart/form-data"
    parts = request.body.split(b"--" + boundary.encode())
    assert parts[1:4] == [
        b'\r\nContent-Disposition: form-data; name="name"\r\n\r\nSpring banner\r\n',
        b'\r\nContent-Disposition: form-data; name="hidden"\r\n\r\nfalse\r\n',
        b'\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
        b"\x89PNG\r\n\r\n",
    ]


@pytest.mark.anyio
async def test_an_encoded_id_arrives_as_it_was_encoded() -> None:
    request = await send_one(Request("GET", "/api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3APROD-001%2Fa"))
    assert request.target == "/klaviyo/api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3APROD-001%2Fa"


@pytest.mark.slow
@given(st.dictionaries(st.text(min_size=1).filter(_ok := str.isprintable), st.text().filter(_ok), max_size=5))
def test_every_query_survives_its_encoding(query: dict[str, str]) -> None:
    url = httpx.URL(request_url("https://api.maton.ai/klaviyo", Request("GET", "/api/profiles", query)))
    assert dict(url.params) == query
    assert (url.host, url.path, url.fragment) == ("api.maton.ai", "/klaviyo/api/profiles", "")


@pytest.mark.anyio
async def test_a_reply_holds_document_size_attempts_and_wait() -> None:
    async with fake_gateway(Answer(503), Answer(201, {"data": {"id": "01X"}})) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url, backoff_seconds=0.001)
        reply = await client.send(Request("GET", "/api/profiles/01X"), READ)
        await client.aclose()
    assert reply == Reply(201, {"data": {"id": "01X"}}, 23, 2, reply.waited_seconds)
    assert 0 < reply.waited_seconds < 0.01


@pytest.mark.anyio
@pytest.mark.parametrize("status", [202, 204])
async def test_an_empty_success_has_no_document(status: int) -> None:
    async with fake_gateway(Answer(status)) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url)
        assert (await client.send(Request("POST", "/api/events", body={}), WRITE)).document is None
        await client.aclose()


@pytest.mark.anyio
async def test_no_cookie_is_kept() -> None:
    async with fake_gateway(Answer(200, {"data": []}, {"Set-Cookie": "session=1; Path=/"})) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url)
        for _ in range(2):
            await client.send(Request("GET", "/api/profiles"), READ)
        await client.aclose()
        assert [request.headers.get("cookie") for request in upstream.requests] == [None, None]
        assert upstream.connections == 1


@pytest.mark.anyio
async def test_a_proxy_of_the_environment_never_sees_the_key_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{closed_port()}")
    for variable in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    assert (await send_one(Request("GET", "/api/profiles"))).path == "/klaviyo/api/profiles"


@pytest.mark.anyio
async def test_a_proxy_of_the_environment_opens_a_tunnel_and_sees_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    async with fake_gateway(Answer(403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        client = GatewayClient(key=KEY, base_url="https://gateway.example.com", backoff_seconds=0.001, max_attempts=2)
        with pytest.raises(UnreachableError, match=r"\(the proxy that HTTPS_PROXY names refused to connect\)"):
            await client.send(Request("POST", "/api/events", body={}), WRITE)
        await client.aclose()
        assert [(request.method, request.target) for request in proxy.requests] == [
            ("CONNECT", "gateway.example.com:443")
        ] * 2
        assert KEY not in str(proxy.requests)


@pytest.mark.anyio
async def test_klaviyos_own_count_paces_the_next_requests() -> None:
    headers = {"RateLimit-Limit": "15", "RateLimit-Remaining": "0", "RateLimit-Reset": "50"}
    async with fake_gateway(Answer(200, {"data": []}, headers)) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url, deadline_seconds=20)
        call = RequestOptions("get_accounts", RequestKind.READ, rate=XS)
        await client.send(Request("GET", "/api/accounts"), call)
        with pytest.raises(RateLimitError) as caught:
            await client.send(Request("GET", "/api/accounts"), call)
        await client.aclose()
        assert len(upstream.requests) == 1
    assert caught.value.retry_in == pytest.approx(50, abs=10)


@pytest.mark.anyio
async def test_a_transport_in_this_process_replaces_the_network() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": [str(request.url)]})

    client = GatewayClient(key="sandbox", base_url="http://localhost", transport=httpx.MockTransport(answer))
    reply = await client.send(Request("GET", "/api/lists"), READ)
    await client.aclose()
    assert reply.document == {"data": ["http://localhost/klaviyo/api/lists"]}


@pytest.mark.anyio
async def test_requests_at_once_build_one_transport() -> None:
    async with fake_gateway(OK) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url, pacer=Pacer(enabled=False))
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(client.warm)
        transport = client._transport
        await client.send(Request("GET", "/api/lists"), READ)
        assert client._transport is transport
        await client.aclose()
        await client.send(Request("GET", "/api/lists"), READ)
        await client.aclose()


def test_creating_a_client_imports_no_heavy_library() -> None:
    script = (
        "import sys, klaviyo_mcp.gateway.client as m; m.GatewayClient(key='k');"
        "print([n for n in ('httpx', 'limits', 'stamina') if n in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert process.stdout == "[]\n"


@pytest.mark.anyio
async def test_a_url_that_is_too_long_is_refused_and_the_longest_argument_named() -> None:
    many = ",".join(f'"01JBENCH{number:018d}"' for number in range(2_000))
    request = Request("GET", "/api/profiles", query={"page[size]": "20", "filter": f"any(id,[{many}])"})
    text = await error_of(request, ArgumentError)
    assert "characters; 65,536 can be sent, and nothing was" in text
    assert "Make its filter shorter" in text
    assert (await send_one(Request("GET", "/api/profiles", query={"filter": "x" * 60_000}))).query[
        "filter"
    ] == "x" * 60_000


@pytest.mark.anyio
@pytest.mark.parametrize(
    "base", ["http://localhost:80", "http://127.0.0.1:8080/prefix", "https://api.example.com:443/", "https://[::1]:9"]
)
async def test_a_direct_request_targets_the_whole_path_on_any_port(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from klaviyo_mcp.gateway.pool import ConnectionPool

    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    requests: list[httpcore.Request] = []

    async def keep(connection: httpcore.AsyncHTTPConnection, request: httpcore.Request) -> httpcore.Response:
        requests.append(request)
        return httpcore.Response(200, headers=[("Content-Type", "application/json")], content=b'{"data": []}')

    monkeypatch.setattr(httpcore.AsyncHTTPConnection, "handle_async_request", keep)
    client = GatewayClient(key=KEY, base_url=base)
    await client.send(Request("GET", "/api/profiles/a%2Fb", query={"filter": 'equals(email,"a+b@example.com")'}), READ)
    assert client._transport is not None
    assert isinstance(client._transport._connections, ConnectionPool)
    (request,) = requests
    prefix = "/prefix" if "prefix" in base else ""
    query = "filter=equals%28email%2C%22a%2Bb%40example.com%22%29"
    assert request.url.target.decode() == f"{prefix}/klaviyo/api/profiles/a%2Fb?{query}"
    assert request.url.origin == httpcore.URL(client.base_url).origin


@pytest.mark.anyio
async def test_no_more_than_ten_requests_a_second_reach_the_gateway_whatever_they_ask() -> None:
    async with fake_gateway(OK) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url, deadline_seconds=0.4)
        await client.warm()
        outcomes: list[str] = []

        async def call(number: int) -> None:
            try:
                await client.send(Request("GET", "/api/lists"), RequestOptions(f"read_{number}", RequestKind.READ))
                outcomes.append("sent")
            except RateLimitError as error:
                outcomes.append(str(error).partition(";")[0].partition(" ")[2])

        async with anyio.create_task_group() as group:
            for number in range(14):
                group.start_soon(call, number)
        await client.aclose()
    assert sorted(outcomes) == ["sent"] * 10 + ["was held back by Maton's rate limit"] * 4
    assert len(upstream.requests) == 10


@pytest.mark.anyio
async def test_a_proxy_that_does_not_listen_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "https_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    client = GatewayClient(key=KEY, base_url="https://gateway.example.com", backoff_seconds=0.001, max_attempts=1)
    with pytest.raises(UnreachableError, match=r"refused or broke off on the way through the proxy that HTTPS_PROXY"):
        await client.send(Request("GET", "/api/lists"), READ)
    await client.aclose()


@pytest.mark.anyio
async def test_an_answer_in_another_revision_is_never_taken_for_the_one_asked_for() -> None:
    other = Answer(200, {"data": []}, {"X-Klaviyo-API-Revision": "2026-07-15"})
    async with fake_gateway(other) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url, pacer=Pacer(enabled=False))
        problem = "its answer is in revision 2026-07-15 of Klaviyo's API, not in 2026-01-15"
        with pytest.raises(UpstreamError, match=f"{problem} .* Set KLAVIYO_REVISION"):
            await client.send(Request("GET", "/api/lists"), READ)
        with pytest.raises(InDoubtError, match=problem):
            await client.send(Request("POST", "/api/lists", body={}), WRITE)
        assert len(upstream.requests) == 2
        await client.aclose()
    async with fake_gateway(Answer(200, {"data": []}, {"X-Klaviyo-API-Revision": "2026-01-15"})) as upstream:
        client = GatewayClient(key=KEY, base_url=upstream.url, pacer=Pacer(enabled=False))
        assert (await client.send(Request("GET", "/api/lists"), READ)).status == 200
        await client.aclose()
