"""A refused client learns where to get which token; the metadata says what the settings say, to the byte."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from tests.server.transports.http_app import ACCEPT, post, serve_app

pytestmark = pytest.mark.anyio
ISSUERS = ("https://issuer.example.com", "https://login.example.com/tenant/", "https://x.example.com:8443/a")
PUBLIC = "https://mcp.example.com"
HOST = {"Host": "mcp.example.com"}
OAUTH: dict[str, Any] = {
    "public_url": PUBLIC,
    "oauth_issuer": ISSUERS,
    "oauth_scopes": ("klaviyo:read", "klaviyo:write"),
}


def challenge_of(response: httpx.Response) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', response.headers["www-authenticate"]))


@pytest.mark.parametrize(
    ("path", "method"), [("/mcp", "POST"), ("/mcp/", "POST"), ("/sse", "GET"), ("/messages/", "POST")]
)
async def test_each_endpoint_names_its_own_metadata_and_the_scopes(path: str, method: str) -> None:
    async with serve_app(**OAUTH) as client:
        refused = await client.request(method, path, headers=ACCEPT | HOST)
        challenge = challenge_of(refused)
        metadata = await client.get(challenge["resource_metadata"].removeprefix(PUBLIC), headers=HOST)
    endpoint = "/mcp" if path.startswith("/mcp") else "/sse"
    assert refused.status_code == 401
    assert challenge["scope"] == "klaviyo:read klaviyo:write"
    assert challenge["resource_metadata"] == f"{PUBLIC}/.well-known/oauth-protected-resource{endpoint}"
    assert metadata.json() == {
        "resource": f"{PUBLIC}{endpoint}",
        "authorization_servers": list(ISSUERS),
        "scopes_supported": ["klaviyo:read", "klaviyo:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "klaviyo-mcp",
    }


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/klaviyo"])
async def test_a_server_behind_a_proxy_is_served_under_its_public_url(slash: str, prefix: str) -> None:
    async with serve_app(public_url=f"{PUBLIC}/klaviyo{slash}") as client:
        proxied = HOST | {"Origin": PUBLIC, "X-Forwarded-Proto": "https"}
        answer = await post(client, proxied, path=f"{prefix}/mcp{slash}")
        foreign = await post(client, proxied | {"Origin": "https://evil.example.com"}, path=f"{prefix}/mcp{slash}")
        healthy = await client.get(f"{prefix}/healthz")
    assert (answer.status_code, foreign.status_code, healthy.status_code) == (200, 403, 200)


async def test_under_a_prefix_the_metadata_is_where_its_url_says() -> None:
    async with serve_app(public_url=f"{PUBLIC}/klaviyo/mcp", oauth_issuer=ISSUERS) as client:
        refused = await post(client, HOST)
        url = challenge_of(refused)["resource_metadata"]
        metadata = [
            await client.get(path, headers=HOST)
            for path in (url.removeprefix(PUBLIC), "/.well-known/oauth-protected-resource/mcp")
        ]
    assert url == f"{PUBLIC}/.well-known/oauth-protected-resource/klaviyo/mcp"
    assert [page.json()["resource"] for page in metadata] == [f"{PUBLIC}/klaviyo/mcp"] * 2
    assert "scopes_supported" not in metadata[0].json()


async def test_an_audience_that_is_no_url_needs_no_public_url() -> None:
    async with serve_app(oauth_issuer=ISSUERS, oauth_audience=("api://klaviyo",)) as client:
        refused = await post(client)
    assert challenge_of(refused) == {"error": "invalid_token", "error_description": "Authentication required"}


@pytest.mark.parametrize(
    ("settings", "origin"),
    [
        ({"allowed_hosts": ("mcp.example.com",)}, "https://mcp.example.com"),
        ({"allowed_hosts": ("mcp.example.com",)}, "https://mcp.example.com:8443"),
        ({"allowed_hosts": ("mcp.example.com:*",)}, "https://mcp.example.com"),
        ({"public_url": "https://mcp.example.com"}, "https://mcp.example.com"),
    ],
)
async def test_a_page_of_an_allowed_host_may_call(settings: dict[str, Any], origin: str) -> None:
    async with serve_app(**settings) as client:
        answer = await post(client, {"Origin": origin})
        other = await post(client, {"Origin": origin.replace("mcp.", "evil.")})
    assert (answer.status_code, other.status_code) == (200, 403)
    assert answer.headers["access-control-allow-origin"] == origin
