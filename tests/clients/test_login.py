"""The OAuth clients of both SDKs log in at a real provider, from the first refusal to the answer of a tool."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import anyio
import httpx
import httpx2
import mcp_types
import pytest
from anyio.streams.text import TextReceiveStream
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl
from tests.clients.server_processes import FAKE_SERVICE, HttpServer, http_server

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

SOURCE = Path(__file__).with_name("oauth")
CALLBACK = "http://127.0.0.1:9/callback"
SCOPES = "klaviyo:read,klaviyo:write"
MAX_REDIRECTS = 10
NEWEST_CLIENTS = ["python", "@modelcontextprotocol/client"]
CLIENTS = [*NEWEST_CLIENTS, "@modelcontextprotocol/sdk"]
"""The Python SDK, and versions 2 and 1 of the TypeScript SDK."""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the scripts and the packages that they import."""
    directory = tmp_path_factory.mktemp("oauth")
    for file in SOURCE.iterdir():
        if file.is_file():
            shutil.copy(file, directory)
    try:
        command = [shutil.which("npm") or "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=100)
    except (OSError, subprocess.SubprocessError) as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"needs Node.js and npm's registry: {error}")
    return directory


@pytest.fixture(scope="session")
def issuers(packages: Path) -> Iterator[dict[str, str]]:
    """The issuers of a running provider by what is special about each."""
    command = ["node", "provider.mjs"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=packages, stdin=pipe, stdout=pipe, stderr=None) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


class Servers:
    """Running servers, each under its public URL; a server is started once for the same settings."""

    def __init__(self, issuers: dict[str, str], stack: ExitStack) -> None:
        self._issuers = issuers
        self._stack = stack
        self._running: dict[tuple[str, ...], HttpServer] = {}

    def accepting(self, *tenants: str, **variables: str) -> HttpServer:
        """A server that accepts the tokens of some issuers, and requires the scopes that it advertises."""
        if tenants not in self._running:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            settings = {
                "KLAVIYO_MCP_PORT": str(port),
                "KLAVIYO_MCP_PUBLIC_URL": f"http://127.0.0.1:{port}",
                "KLAVIYO_MCP_OAUTH_ISSUER": ",".join(self._issuers[tenant] for tenant in tenants),
                "KLAVIYO_MCP_OAUTH_SCOPES": SCOPES,
                **variables,
            }
            server = http_server([*FAKE_SERVICE, "http"], **settings)
            self._running[tenants] = self._stack.enter_context(server)
        return self._running[tenants]


@pytest.fixture(scope="session")
def servers(issuers: dict[str, str]) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(issuers, stack)


async def authorize(address: str) -> str:
    """The address to which the provider sends a person who agrees, as a browser follows its redirects."""
    async with httpx.AsyncClient(verify=False) as browser:
        for _ in range(MAX_REDIRECTS):
            response = await browser.get(address)
            assert response.is_redirect, response.text
            address = urljoin(address, response.headers["location"])
            if address.startswith(CALLBACK):
                return address
    raise AssertionError(f"no way back to the client, last at {address}")


class Login(OAuthClientProvider):
    """The Python SDK's client of OAuth with its storage, and what it went through."""

    def __init__(self, url: str, issuer_index: int = 0) -> None:
        metadata = OAuthClientMetadata(client_name="login", redirect_uris=[AnyUrl(CALLBACK)])
        metadata.token_endpoint_auth_method = "none"
        super().__init__(url, metadata, self, self._redirect, self._callback)
        self._issuer_index = issuer_index
        self.client: OAuthClientInformationFull | None = None
        self.token: OAuthToken | None = None
        self.authorizations = self.tokens = 0
        self._address = ""

    async def get_tokens(self) -> OAuthToken | None:
        return self.token

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.token = tokens
        self.tokens += 1

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    def _select_authorization_server(self, advertised: list[str]) -> str:
        return advertised[self._issuer_index]

    async def _redirect(self, address: str) -> None:
        self.authorizations += 1
        self._address = address

    async def _callback(self) -> AuthorizationCodeResult:
        query = parse_qs(urlsplit(await authorize(self._address)).query)
        return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0], iss=query["iss"][0])


@asynccontextmanager
async def python_client(url: str, login: Login) -> AsyncIterator[Client]:
    """The Python SDK's client, which logs in at the address that it gets."""
    if url.endswith("/sse"):
        async with Client(sse_client(url, auth=login)) as client:
            yield client
        return
    async with (
        httpx2.AsyncClient(auth=login, verify=False) as http_client,
        Client(streamable_http_client(url, http_client=http_client)) as client,
    ):
        yield client


async def echo(client: Client) -> str:
    [part] = (await client.call_tool("echo", {"word": "hello"})).content
    assert isinstance(part, mcp_types.TextContent)
    return part.text


@dataclass(frozen=True)
class Outcome:
    """What a client reached that logged in and called the tool `echo`."""

    text: str = ""
    error: str = ""
    scope: str = ""
    authorizations: int = 0
    tokens: int = 0


async def log_in_from_python(url: str, issuer_index: int = 0) -> Outcome:
    login = Login(url, issuer_index)
    text = error = ""
    try:
        async with python_client(url, login) as client:
            text = await echo(client)
    except Exception as failure:
        error = repr(failure)
    assert login.token is not None
    return Outcome(text, error, login.token.scope or "", login.authorizations, login.tokens)


async def log_in_from_node(packages: Path, package: str, url: str) -> Outcome:
    command = ["node", "login.mjs", package, url]
    async with await anyio.open_process(command, cwd=packages, stderr=None) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        lines = TextReceiveStream(process.stdout)
        received = ""
        async for chunk in lines:
            received += chunk
            while "\n" in received:
                line, _, received = received.partition("\n")
                if line.startswith("{"):
                    return Outcome(**json.loads(line))
                await process.stdin.send((await authorize(line)).encode() + b"\n")
    raise AssertionError("the client ended without an outcome")


async def log_in(packages: Path, client: str, url: str) -> Outcome:
    return await (log_in_from_python(url) if client == "python" else log_in_from_node(packages, client, url))


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("tenant", "client"), [*(("root", client) for client in CLIENTS), *(("slash", client) for client in NEWEST_CLIENTS)]
)
async def test_a_client_logs_in_at_an_issuer_with_and_without_a_path(
    packages: Path, servers: Servers, tenant: str, client: str
) -> None:
    outcome = await log_in(packages, client, f"{servers.accepting(tenant).base}/mcp")
    assert (outcome.text, outcome.authorizations, outcome.tokens) == ("hello", 1, 1), outcome
    assert {"klaviyo:read", "klaviyo:write"} <= set(outcome.scope.split())


async def test_a_client_logs_in_for_an_audience_that_is_no_url(packages: Path, servers: Servers, client: str) -> None:
    server = servers.accepting("api", KLAVIYO_MCP_OAUTH_AUDIENCE="api://klaviyo")
    outcome = await log_in(packages, client, f"{server.base}/mcp")
    assert outcome.text == "hello", outcome


# Version 1 of the TypeScript SDK refreshes its token instead, which gives it the same scopes again.
@pytest.mark.parametrize("client", NEWEST_CLIENTS)
async def test_a_client_whose_token_lacks_a_scope_asks_for_it(packages: Path, servers: Servers, client: str) -> None:
    outcome = await log_in(packages, client, f"{servers.accepting('partial').base}/mcp")
    assert (outcome.text, outcome.authorizations) == ("hello", 2), outcome


@pytest.mark.parametrize("client", NEWEST_CLIENTS)
async def test_a_token_for_another_audience_lets_no_client_in(packages: Path, servers: Servers, client: str) -> None:
    outcome = await log_in(packages, client, f"{servers.accepting('elsewhere').base}/mcp")
    assert outcome.error, outcome
    assert outcome.tokens, outcome


@pytest.mark.parametrize("package", CLIENTS[1:])
async def test_a_client_whose_token_is_refused_as_expired_refreshes_it(
    packages: Path, servers: Servers, package: str
) -> None:
    outcome = await log_in_from_node(packages, package, f"{servers.accepting('expired').base}/mcp")
    assert (outcome.text, outcome.authorizations, outcome.tokens) == ("hello", 1, 2), outcome


async def test_a_client_that_knows_its_token_to_be_expired_refreshes_it(servers: Servers) -> None:
    url = f"{servers.accepting('root').base}/mcp"
    login = Login(url)
    async with python_client(url, login) as client:
        assert await echo(client) == "hello"
        assert login.token is not None
        first_token = login.token.access_token
        login.context.token_expiry_time = 1
        assert await echo(client) == "hello"
        assert login.token.access_token != first_token
    assert login.authorizations == 1


@pytest.mark.parametrize("issuer_index", [0, 1])
async def test_a_client_logs_in_at_any_of_several_issuers(servers: Servers, issuer_index: int) -> None:
    outcome = await log_in_from_python(f"{servers.accepting('slash', 'root').base}/mcp", issuer_index)
    assert outcome.text == "hello", outcome


async def test_a_client_logs_in_for_sse(servers: Servers) -> None:
    outcome = await log_in_from_python(f"{servers.accepting('root').base}/sse")
    assert outcome.text == "hello", outcome
