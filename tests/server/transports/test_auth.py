"""Tokens of an OAuth issuer: its keys are found, kept for a while, and believed only where they are its own."""

from __future__ import annotations

from collections.abc import Iterator

import jwt
import pytest
from tests.server.oauth_issuer import AUDIENCE, OAuthIssuer, oauth_issuer

from klaviyo_mcp.gateway.documents import fetch_document
from klaviyo_mcp.transports import auth

pytestmark = pytest.mark.anyio


@pytest.fixture
def issuer() -> Iterator[OAuthIssuer]:
    with oauth_issuer() as started:
        yield started


async def test_new_keys_are_found_but_unknown_ones_do_not_flood_the_issuer(
    issuer: OAuthIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("klaviyo_mcp.transports.auth.time.monotonic", lambda: now)
    jwts = auth.JwtVerifier(issuer.url, AUDIENCE, fetch_document)
    assert await jwts.verify_token(issuer.token()) is not None
    issuer.rotate()
    assert await jwts.verify_token(issuer.token()) is None
    assert issuer.requests.count("/keys") == 1
    now += auth.KEYS_RETRY_SECONDS + 1
    access = await jwts.verify_token(issuer.token(scope="klaviyo:read klaviyo:write"))
    assert access is not None
    assert (access.client_id, access.subject, access.scopes) == ("app", "ann", ["klaviyo:read", "klaviyo:write"])
    assert issuer.requests.count("/keys") == 2


async def test_metadata_of_another_issuer_is_not_believed(issuer: OAuthIssuer) -> None:
    issuer.metadata["issuer"] = "https://issuer.example.com"
    assert await auth.JwtVerifier(issuer.url, AUDIENCE, fetch_document).verify_token(issuer.token()) is None
    assert "/keys" not in issuer.requests


async def test_an_issuer_that_cannot_be_read_grants_nothing_and_is_not_asked_for_each_token() -> None:
    requests: list[str] = []

    def fail(url: str) -> dict[str, object]:
        requests.append(url)
        raise OSError("refused")

    verifier = auth.JwtVerifier("https://issuer.example.com/tenant", AUDIENCE, fail)
    token = jwt.encode({"sub": "ann"}, "x" * 32, algorithm="HS256", headers={"kid": "key-1"})
    for _ in range(2):
        assert await verifier.verify_token(token) is None
    assert requests == [
        "https://issuer.example.com/.well-known/oauth-authorization-server/tenant",
        "https://issuer.example.com/tenant/.well-known/openid-configuration",
    ]
