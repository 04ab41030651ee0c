"""An OAuth issuer on loopback: metadata, keys, and the tokens that it signs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

AUDIENCE = "https://klaviyo.example.com/mcp"


class OAuthIssuer:
    """Signs with its newest key; `requests` are the paths that were read."""

    def __init__(self, url: str, keys: list[tuple[str, ec.EllipticCurvePrivateKey]]) -> None:
        self.url = url
        self.keys = keys
        self.requests: list[str] = []
        self.metadata: dict[str, Any] = {"issuer": url, "jwks_uri": f"{url}/keys"}

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self.keys.append((f"key-{len(self.keys) + 1}", ec.generate_private_key(ec.SECP256R1())))

    def token(self, **claims: Any) -> str:
        """A valid access token with these claims changed; None leaves a claim out."""
        now = int(time.time())
        claims_by_default = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ann",
            "client_id": "app",
            "exp": now + 300,
            "iat": now,
        }
        kid, key = self.keys[-1]
        payload = {name: value for name, value in {**claims_by_default, **claims}.items() if value is not None}
        return jwt.encode(payload, key, algorithm="ES256", headers={"kid": kid})

    def answer(self, path: str) -> dict[str, Any] | None:
        """The document at a path."""
        self.requests.append(path)
        if path == "/keys":
            keys = [
                {**json.loads(ECAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": "ES256"}
                for kid, key in self.keys
            ]
            return {"keys": keys}
        return self.metadata if path == "/.well-known/openid-configuration" else None


@contextmanager
def oauth_issuer() -> Iterator[OAuthIssuer]:
    """An issuer that answers until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = issuer.answer(self.path)
            self.send_response(200 if document is not None else 404)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = OAuthIssuer(f"http://127.0.0.1:{server.server_port}", [])
        issuer.rotate()
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
