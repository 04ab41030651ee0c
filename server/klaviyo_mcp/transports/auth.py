"""Who may use the server over HTTP: bearer tokens that the operator handed out, or access tokens of an OAuth issuer."""

from __future__ import annotations

import contextlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import anyio.to_thread
from mcp.server.auth.provider import AccessToken, TokenVerifier

from klaviyo_mcp.cache import Clock, ExpiringCache
from klaviyo_mcp.settings import MIN_TOKEN_CHARACTERS, Settings, StartupError

logger = logging.getLogger(__name__)

MAX_TOKEN_CHARACTERS = 16_384
KEYS_CACHE_SECONDS = 600.0
"""Seconds after which an issuer's keys are read anew."""
KEYS_RETRY_SECONDS = 15.0
"""Seconds in which an unknown key is not looked up again, so that forged tokens cannot make us flood the issuer."""
LEEWAY_SECONDS = 30
"""Seconds by which the issuer's clock may differ."""
RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
ED25519_NAMES = ("EdDSA", "Ed25519")
ALGORITHMS = (*RSA_ALGORITHMS, "ES256", "ES384", "ES512", *ED25519_NAMES)
"""Asymmetric ones only: a token signed with a published key as if it were a shared secret is refused."""

_COMMENT = re.compile(r"(^|\s)#.*")

FetchDocument = Callable[[str], dict[str, Any]]
"""Reads the JSON object at a URL; blocks. Raises OSError, ValueError."""


def create_verifier(settings: Settings, fetch_document: FetchDocument) -> TokenVerifier | None:
    """The verifier of clients' tokens under these settings; None where clients need no token. Raises StartupError."""
    verifiers: list[TokenVerifier] = []
    if tokens := tokens_of(settings):
        verifiers.append(TokenListVerifier(tokens, settings.oauth_scopes))
    if settings.oauth_issuer or settings.oauth_audience:
        audiences = settings.oauth_audience or public_resources(settings)
        if not (settings.oauth_issuer and audiences):
            raise StartupError(
                "KLAVIYO_MCP_OAUTH_ISSUER needs KLAVIYO_MCP_OAUTH_AUDIENCE or KLAVIYO_MCP_PUBLIC_URL, and an audience"
                " needs an issuer"
            )
        verifiers.append(JwtVerifier(settings.oauth_issuer, audiences, fetch_document))
    return AnyVerifier(verifiers) if verifiers else None


def public_resources(settings: Settings) -> tuple[str, ...]:
    """The URLs of the endpoints as clients know them; none without a public URL."""
    return tuple(f"{settings.public_url}{path}" for path in ("/mcp", "/sse")) if settings.public_url else ()


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
    """Access tokens in the form of JWTs, signed for this server alone by one of some issuers (RFC 9068, RFC 8707)."""

    def __init__(
        self,
        issuers: Iterable[str],
        audiences: Iterable[str],
        fetch_document: FetchDocument,
        clock: Clock = time.monotonic,
    ) -> None:
        self._audiences = list(audiences)
        self._key_sets = {issuer: KeySet(issuer, fetch_document, clock) for issuer in issuers}

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access that a token grants; None where it is malformed, expired, or of or for somebody else."""
        if token.count(".") != 2:
            return None
        from jwt.exceptions import PyJWTError

        try:
            claims = await self._claims(token)
        except PyJWTError as error:
            logger.warning("access token refused", extra={"facts": {"why": type(error).__name__}})
            return None
        except (OSError, ValueError) as error:
            logger.error("the issuer's keys cannot be read", extra={"facts": {"why": type(error).__name__}})
            return None
        client = claims.get("client_id") or claims.get("azp") or claims["sub"]
        audience = claims["aud"]
        return AccessToken(
            token=token,
            client_id=str(client),
            scopes=_scopes(claims),
            expires_at=int(claims["exp"]) + LEEWAY_SECONDS,
            resource=str(audience[0] if isinstance(audience, list) else audience),
            subject=str(claims["sub"]),
            claims={"iss": claims["iss"]},
        )

    async def _claims(self, token: str) -> dict[str, Any]:
        import jwt

        unverified = jwt.decode_complete(token, options={"verify_signature": False})
        issuer = unverified["payload"].get("iss")
        key_set = self._key_sets.get(issuer) if isinstance(issuer, str) else None
        if key_set is None:
            raise jwt.InvalidIssuerError("no issuer of ours")
        key = await key_set.find(unverified["header"].get("kid"))
        if key is None:
            raise jwt.InvalidKeyError("the token names no key of the issuer")
        return await anyio.to_thread.run_sync(self._verified_claims, token, key, issuer)

    def _verified_claims(self, token: str, key: SigningKey, issuer: str) -> dict[str, Any]:
        import jwt

        claims: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=list(key.algorithms),
            audience=self._audiences,
            issuer=issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims


class SigningKey(NamedTuple):
    """A public key of an issuer, and the algorithms with which it may have signed."""

    key: Any
    algorithms: Sequence[str]


Keys = Mapping[str | None, SigningKey]


class KeySet:
    """The public keys of an issuer, located by its metadata (RFC 8414, OpenID Connect Discovery).

    They are read once at a time, in a thread; a token that names a key in hand never waits for that.
    """

    def __init__(self, issuer: str, fetch_document: FetchDocument, clock: Clock) -> None:
        self._issuer = issuer
        self._fetch_document = fetch_document
        self._cache: ExpiringCache[str, Keys] = ExpiringCache(max_entries=2, clock=clock)

    async def find(self, key_id: str | None) -> SigningKey | None:
        """The key of that id; an issuer with a single key need not name it. Raises OSError, ValueError."""
        key = _choose(self._cache.get("keys") or {}, key_id)
        if key is not None:
            return key
        keys = await self._cache.load(
            "newest keys", self._read, seconds=KEYS_RETRY_SECONDS, failure_seconds=KEYS_RETRY_SECONDS
        )
        return _choose(keys, key_id)

    async def _read(self) -> Keys:
        keys = await anyio.to_thread.run_sync(self._fetch)
        self._cache.put("keys", keys, KEYS_CACHE_SECONDS)
        return keys

    def _fetch(self) -> Keys:
        import jwt

        entries = self._fetch_document(self._keys_url()).get("keys")
        keys: dict[str | None, SigningKey] = {}
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and entry.get("use") in (None, "sig"):
                with contextlib.suppress(jwt.PyJWTError):  # a key of a kind that is not known here
                    keys[entry.get("kid")] = signing_key(entry)
        return keys

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


def signing_key(entry: dict[str, Any]) -> SigningKey:
    """The key of one entry of a JWK set. Raises jwt.PyJWTError.

    Where the entry names no algorithm, all of its type may have been used.
    """
    import jwt

    name = entry.get("alg")
    algorithm = "EdDSA" if name in ED25519_NAMES else name
    key = jwt.PyJWK({member: value for member, value in entry.items() if member != "alg"}, algorithm)
    if key.algorithm_name == "EdDSA":
        _register_ed25519()
        return SigningKey(key.key, ED25519_NAMES)
    if algorithm is None and entry.get("kty") == "RSA":
        return SigningKey(key.key, RSA_ALGORITHMS)
    if key.algorithm_name not in ALGORITHMS:
        raise jwt.InvalidKeyError("not an asymmetric algorithm")
    return SigningKey(key.key, [key.algorithm_name])


def _register_ed25519() -> None:
    """Let the library take the name that RFC 9864 gives to the algorithm, too."""
    import jwt
    from jwt.algorithms import OKPAlgorithm

    with contextlib.suppress(ValueError):  # it is registered already
        jwt.register_algorithm("Ed25519", OKPAlgorithm())


def _choose(keys: Keys, key_id: str | None) -> SigningKey | None:
    if key_id is None and len(keys) == 1:
        return next(iter(keys.values()))
    return keys.get(key_id)


def _metadata_urls(issuer: str) -> list[str]:
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    inserted = f"/.well-known/oauth-authorization-server{path}"
    appended = f"{path}/.well-known/openid-configuration"
    return [urlunsplit((parts.scheme, parts.netloc, place, "", "")) for place in (inserted, appended)]


def _scopes(claims: dict[str, Any]) -> list[str]:
    scopes = claims.get("scope", claims.get("scp", ""))
    return [str(scope) for scope in (scopes if isinstance(scopes, list) else str(scopes).split())]
