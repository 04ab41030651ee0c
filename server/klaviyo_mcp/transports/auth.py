"""Who may use the server over HTTP: bearer tokens that the operator handed out, or access tokens of an OAuth issuer."""

from __future__ import annotations

import hmac
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import anyio.to_thread
from mcp.server.auth.provider import AccessToken, TokenVerifier

from klaviyo_mcp.settings import MIN_TOKEN_CHARACTERS, Settings, StartupError

logger = logging.getLogger(__name__)

MAX_TOKEN_CHARACTERS = 16_384
KEYS_CACHE_SECONDS = 600.0
"""Seconds after which an issuer's keys are read anew."""
KEYS_RETRY_SECONDS = 15.0
"""Seconds in which an unknown key is not looked up again, so that forged tokens cannot make us flood the issuer."""
LEEWAY_SECONDS = 30
"""Seconds by which the issuer's clock may differ."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones only: a token signed with a published key as if it were a shared secret is refused."""

_COMMENT = re.compile(r"(^|\s)#.*")

FetchDocument = Callable[[str], dict[str, Any]]
"""Reads the JSON object at a URL; blocks. Raises OSError, ValueError."""


def create_verifier(settings: Settings, fetch_document: FetchDocument) -> TokenVerifier | None:
    """What checks the tokens of clients under these settings; None where they need none. Raises StartupError."""
    verifiers: list[TokenVerifier] = []
    if tokens := tokens_of(settings):
        verifiers.append(TokenListVerifier(tokens, settings.oauth_scopes))
    if settings.oauth_issuer or settings.oauth_audience:
        if not (settings.oauth_issuer and settings.oauth_audience):
            raise StartupError("KLAVIYO_MCP_OAUTH_ISSUER and KLAVIYO_MCP_OAUTH_AUDIENCE are set together or not at all")
        verifiers.append(JwtVerifier(settings.oauth_issuer, settings.oauth_audience, fetch_document))
    return AnyVerifier(verifiers) if verifiers else None


def tokens_of(settings: Settings) -> list[str]:
    """The bearer tokens of the settings and of their file. Raises StartupError."""
    tokens = [secret.get_secret_value() for secret in settings.tokens]
    if settings.tokens_file:
        try:
            lines = settings.tokens_file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise StartupError(f"KLAVIYO_MCP_TOKENS_FILE (--tokens-file) cannot be read: {reason}") from None
        listed = [token for line in lines if (token := _COMMENT.sub("", line).strip())]
        if not listed:
            raise StartupError("KLAVIYO_MCP_TOKENS_FILE (--tokens-file) holds no token")
        if any(len(token) < MIN_TOKEN_CHARACTERS for token in listed):
            raise StartupError(
                f"KLAVIYO_MCP_TOKENS_FILE (--tokens-file) holds a token of less than {MIN_TOKEN_CHARACTERS} characters"
            )
        if any(len(token.split()) > 1 for token in listed):
            raise StartupError("KLAVIYO_MCP_TOKENS_FILE (--tokens-file) holds more than a token on a line")
        tokens += listed
    return tokens


class AnyVerifier:
    """Accepts a token that any of several verifiers accepts."""

    def __init__(self, verifiers: Sequence[TokenVerifier]) -> None:
        self._verifiers = verifiers

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access that the first of them grants."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        for verifier in self._verifiers:
            if (access := await verifier.verify_token(token)) is not None:
                return access
        return None


class TokenListVerifier:
    """Bearer tokens that the operator handed out, all compared in constant time."""

    def __init__(self, tokens: Iterable[str], scopes: Sequence[str] = ()) -> None:
        self._tokens = [token.encode() for token in tokens]
        self._scopes = list(scopes)

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access that a token grants, None for an unknown one. Each token is a client of its own."""
        encoded = token.encode("utf-8", "replace")
        matches = [hmac.compare_digest(encoded, accepted) for accepted in self._tokens]
        if not any(matches):
            return None
        # The subject tells the tokens of two servers of one user apart: a code belongs to its token alone.
        subject = sha256(encoded).hexdigest()[:32]
        client = f"token-{matches.index(True) + 1}"
        return AccessToken(token=token, client_id=client, scopes=self._scopes, subject=subject)


class JwtVerifier:
    """Access tokens in the form of JWTs, signed by an issuer for this server alone (RFC 9068, RFC 8707)."""

    def __init__(self, issuer: str, audience: str, fetch_document: FetchDocument) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = KeySet(issuer, fetch_document)

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access that a token grants; None where it is malformed, expired, or of or for somebody else."""
        if token.count(".") != 2:
            return None
        from jwt.exceptions import PyJWTError

        try:
            claims = await anyio.to_thread.run_sync(self._claims, token)
        except PyJWTError as error:
            logger.warning("access token refused", extra={"facts": {"why": type(error).__name__}})
            return None
        except (OSError, ValueError) as error:
            logger.error("the issuer's keys cannot be read", extra={"facts": {"why": type(error).__name__}})
            return None
        client = claims.get("client_id") or claims.get("azp") or claims["sub"]
        return AccessToken(
            token=token,
            client_id=str(client),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"]) + LEEWAY_SECONDS,
            resource=self._audience,
            subject=str(claims["sub"]),
            claims={"iss": self._issuer},
        )

    def _claims(self, token: str) -> dict[str, Any]:
        import jwt

        key = self._keys.find(jwt.get_unverified_header(token).get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("the token names no key of the issuer")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=self._audience,
            issuer=self._issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims


class KeySet:
    """The public keys of an issuer, located by its metadata (RFC 8414, OpenID Connect Discovery). Blocks."""

    def __init__(self, issuer: str, fetch_document: FetchDocument) -> None:
        self._issuer = issuer
        self._fetch_document = fetch_document
        self._lock = threading.Lock()
        self._keys: dict[str | None, Any] = {}
        self._fetched_at = float("-inf")

    def find(self, key_id: str | None) -> Any | None:
        """The key of that id; an issuer with a single key need not name it. Raises OSError, ValueError."""
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if age > KEYS_CACHE_SECONDS or (key_id not in self._keys and age > KEYS_RETRY_SECONDS):
                self._fetched_at = time.monotonic()
                self._keys = self._fetch()
            if key_id is None and len(self._keys) == 1:
                return next(iter(self._keys.values()))
            return self._keys.get(key_id)

    def _fetch(self) -> dict[str | None, Any]:
        import jwt

        keys = jwt.PyJWKSet.from_dict(self._fetch_document(self._keys_url())).keys
        return {key.key_id: key for key in keys if key.public_key_use in (None, "sig")}

    def _keys_url(self) -> str:
        failure: Exception = ValueError("no metadata")
        for url in _metadata_urls(self._issuer):
            try:
                metadata = self._fetch_document(url)
                if metadata.get("issuer") == self._issuer and isinstance(metadata.get("jwks_uri"), str):
                    return str(metadata["jwks_uri"])
            except (OSError, ValueError) as error:
                failure = error
        raise failure


def _metadata_urls(issuer: str) -> list[str]:
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    inserted = f"/.well-known/oauth-authorization-server{path}"
    appended = f"{path}/.well-known/openid-configuration"
    return [urlunsplit((parts.scheme, parts.netloc, place, "", "")) for place in (inserted, appended)]


def _scopes(claims: dict[str, Any]) -> list[str]:
    scopes = claims.get("scope", claims.get("scp", ""))
    return [str(scope) for scope in (scopes if isinstance(scopes, list) else str(scopes).split())]
