"""Requests and responses of the sandbox, read from and written to ASGI."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON_API = "application/vnd.api+json"
JSON = "application/json"


@dataclass(frozen=True)
class HttpRequest:
    """A request as it arrived: `path` is not decoded, names of `headers` are in lower case."""

    method: str
    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    scheme: str = "http"

    @property
    def origin(self) -> str:
        """The scheme and host that the client asked."""
        return f"{self.scheme}://{self.headers.get('host', '')}"

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @cached_property
    def _parsed(self) -> tuple[Any, bool]:
        """The body, and whether it is malformed: then the body is its text."""
        if not self.content:
            return None, False
        if self.content_type.startswith("multipart/form-data"):
            return _parts(self.content_type, self.content), False
        try:
            return json.loads(self.content), False
        except ValueError:
            return self.content.decode("utf-8", "replace"), True

    @property
    def body(self) -> Any:
        """The body: JSON as it is parsed, a form as its parts by name, any other as text; None where there is none."""
        return self._parsed[0]

    @property
    def is_malformed(self) -> bool:
        """Whether the body is neither JSON nor a form."""
        return self._parsed[1]

    def check_media_type(self, expected: str) -> None:
        """Raise KlaviyoError (400, 415) for a body that is missing, unreadable or not of the expected media type."""
        media_type = self.content_type.partition(";")[0].strip().lower()
        if media_type not in ((expected, JSON) if expected == JSON_API else (expected,)):
            detail = f'Unsupported media type "{media_type}" in request.'
            raise KlaviyoError(415, "unsupported_media_type", "Unsupported media type.", detail)
        if expected == JSON_API and (not self.content or self.is_malformed):
            raise KlaviyoError(400, "parse_error", "Malformed request.", "JSON parse error.", "/data")
        if expected != JSON_API and not self.body:
            raise invalid("The form is empty.", pointer="/")


@dataclass(frozen=True)
class HttpResponse:
    status: int
    content: bytes
    content_type: str = JSON_API
    headers: Mapping[str, str] | None = None


async def read_request(scope: Scope, receive: Receive) -> HttpRequest:
    chunks = []
    more = True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = bool(message.get("more_body"))
    query = scope.get("query_string", b"").decode("ascii", "replace")
    return HttpRequest(
        method=scope["method"],
        path=scope.get("raw_path", b"").split(b"?")[0].decode("ascii") or scope["path"],
        parameters=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        content=b"".join(chunks),
        scheme=scope.get("scheme", "http"),
    )


async def send_response(response: HttpResponse, send: Send) -> None:
    headers = [(b"content-type", response.content_type.encode())] if response.content else []
    if response.status != 204:
        headers.append((b"content-length", str(len(response.content)).encode()))
    headers += [(name.encode(), value.encode()) for name, value in (response.headers or {}).items()]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


async def run_lifespan(receive: Receive, send: Send) -> None:
    """Acknowledge start and shutdown: the sandbox has nothing to do at either."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _parts(content_type: str, content: bytes) -> dict[str, Any]:
    """The parts of a multipart form by name: of a file its name and content, of a field its text."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    parts: dict[str, Any] = {}
    for part in content.split(b"--" + boundary)[1:-1]:
        head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        body = body.removesuffix(b"\r\n")
        lines = head.split(b"\r\n")
        disposition = next((line for line in lines if line.lower().startswith(b"content-disposition")), b"")
        options = dict(piece.strip().partition(b"=")[::2] for piece in disposition.split(b";")[1:])
        name = options.get(b"name", b"").strip(b'"').decode()
        filename = options.get(b"filename")
        parts[name] = body.decode() if filename is None else (filename.strip(b'"').decode(), body)
    return parts
