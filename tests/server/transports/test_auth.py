"""Tokens of an OAuth issuer: its keys are found, kept for a while, and believed only where they are its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.to_thread
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import OKPAlgorithm, RSAAlgorithm
from tests.server.oauth_issuer import AUDIENCE, OAuthIssuer, oauth_issuer

from klaviyo_mcp.gateway.documents import fetch_document
from klaviyo_mcp.transports import auth

pytestmark = pytest.mark.anyio


@pytest.fixture
def issuer() -> Iterator[OAuthIssuer]:
    with oauth_issuer() as started:
        yield started


async def test_new_keys_are_found_but_unknown_ones_do_not_flood_the_issuer(
    issuer: OAuthIssuer,
) -> None:
    now = 1000.0
    jwts = auth.JwtVerifier([issuer.url], [AUDIENCE], fetch_document, lambda: now)
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
    assert await auth.JwtVerifier([issuer.url], [AUDIENCE], fetch_document).verify_token(issuer.token()) is None
    assert "/keys" not in issuer.requests


async def test_an_issuer_that_cannot_be_read_grants_nothing_and_is_not_asked_for_each_token() -> None:
    requests: list[str] = []

    def fail(url: str) -> dict[str, object]:
        requests.append(url)
        raise OSError("refused")

    verifier = auth.JwtVerifier(["https://issuer.example.com/tenant"], [AUDIENCE], fail)
    token = jwt.encode(
        {"sub": "ann", "iss": "https://issuer.example.com/tenant"},
        "x" * 32,
        algorithm="HS256",
        headers={"kid": "key-1"},
    )
    for _ in range(2):
        assert await verifier.verify_token(token) is None
    assert requests == [
        "https://issuer.example.com/.well-known/oauth-authorization-server/tenant",
        "https://issuer.example.com/tenant/.well-known/openid-configuration",
    ]


def key_document(private: Any, **members: Any) -> dict[str, Any]:
    """The entry of a JWK set for a key, without members that are None."""
    jwk = OKPAlgorithm if isinstance(private, ed25519.Ed25519PrivateKey) else RSAAlgorithm
    entry = {**jwk.to_jwk(private.public_key(), as_dict=True), "kid": "key-1", **members}
    return {name: value for name, value in entry.items() if value is not None}


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2_048)


@pytest.mark.parametrize(
    ("algorithm", "named", "accepted"),
    [
        ("RS256", None, True),
        ("PS256", None, True),
        ("PS384", "PS384", True),
        ("RS256", "PS256", False),
        ("PS256", "RS256", False),
        ("EdDSA", None, True),
        ("EdDSA", "Ed25519", True),
        ("Ed25519", "EdDSA", True),
        ("Ed25519", None, True),
    ],
)
async def test_each_asymmetric_algorithm_is_accepted_that_the_key_does_not_rule_out(
    issuer: OAuthIssuer, rsa_key: rsa.RSAPrivateKey, algorithm: str, named: str | None, accepted: bool
) -> None:
    private: Any = ed25519.Ed25519PrivateKey.generate() if algorithm.startswith("Ed") else rsa_key
    documents = {
        f"{issuer.url}/.well-known/oauth-authorization-server": issuer.metadata,
        f"{issuer.url}/keys": {"keys": [{"kty": "quantum", "kid": "key-0"}, key_document(private, alg=named)]},
    }
    auth.signing_key(key_document(ed25519.Ed25519PrivateKey.generate()))  # the name Ed25519 is known from here on
    claims = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ann", "exp": int(time.time()) + 60}
    token = jwt.encode(claims, private, algorithm=algorithm, headers={"kid": "key-1"})
    verifier = auth.JwtVerifier([issuer.url], [AUDIENCE], documents.__getitem__)
    assert (await verifier.verify_token(token) is not None) == accepted


@pytest.mark.parametrize("entry", [{"kty": "oct", "k": "c2VjcmV0"}, {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}])
def test_a_shared_secret_is_no_key_of_an_issuer(entry: dict[str, Any]) -> None:
    with pytest.raises(jwt.PyJWTError):
        auth.signing_key(entry)


async def test_a_token_of_each_issuer_and_audience_is_accepted(issuer: OAuthIssuer) -> None:
    with oauth_issuer() as other:
        verifier = auth.JwtVerifier([issuer.url, other.url], [AUDIENCE, "api://klaviyo"], fetch_document)
        accepted = [await verifier.verify_token(token) for token in (issuer.token(), other.token(aud="api://klaviyo"))]
        swapped = await verifier.verify_token(issuer.token(iss=other.url))
        unlisted = await verifier.verify_token(issuer.token(iss=f"{issuer.url}/"))
    assert [access.claims["iss"] for access in accepted if access and access.claims] == [issuer.url, other.url]
    assert (swapped, unlisted) == (None, None)


async def test_a_known_key_does_not_wait_for_the_search_for_an_unknown_one(issuer: OAuthIssuer) -> None:
    now, searching, release = 1000.0, threading.Event(), threading.Event()
    searches: list[str] = []

    def fetch(url: str) -> dict[str, Any]:
        if url.endswith("/keys"):
            searches.append(url)
            if len(searches) > 1:
                searching.set()
                assert release.wait(20)
        return fetch_document(url)

    verifier = auth.JwtVerifier([issuer.url], [AUDIENCE], fetch, lambda: now)
    known = issuer.token()
    assert await verifier.verify_token(known) is not None
    now += auth.KEYS_RETRY_SECONDS + 1
    issuer.rotate()
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(verifier.verify_token, issuer.token())
        assert await anyio.to_thread.run_sync(searching.wait, 20)
        with anyio.fail_after(20):
            assert await verifier.verify_token(known) is not None
        release.set()
    assert len(searches) == 2
