"""A request as httpx takes it: address, headers and body; and the JSON of its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from pydantic_core import from_json

from klaviyo_mcp.errors import ArgumentError, SettingError
from klaviyo_tools.operation.request import JSON, Request, Service

MAX_URL_CHARACTERS = 65_536
"""The longest URL that httpx accepts."""

_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+")
_JSON_API = "application/vnd.api+json"
_PLAIN_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """One rendered request; its headers hold the key and are not shown."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None


def render_request(request: Request, *, base: str, key: str, revision: str, connection: str | None) -> RenderedRequest:
    """The request as it is sent; only Klaviyo is told a revision and a connection. Raises `ArgumentError`."""
    klaviyo = request.service is Service.KLAVIYO
    media = _JSON_API if klaviyo else _PLAIN_JSON
    headers = {"Authorization": f"Bearer {key}", "Accept": media}
    if klaviyo:
        headers["revision"] = revision
        if connection:
            headers["Maton-Connection"] = connection
    url = request_url(base, request)
    if request.upload is not None:
        form = {name: _form_text(value) for name, value in (request.body or {}).items() if value is not None}
        upload = request.upload
        files = {"file": (upload.filename, upload.content, upload.media_type)}
        return RenderedRequest(request.method, url, headers, form=form, files=files)
    if request.body is None:
        return RenderedRequest(request.method, url, headers)
    headers["Content-Type"] = media
    return RenderedRequest(request.method, url, headers, content=_encode(request.body))


def request_url(base: str, request: Request) -> str:
    """The full URL of a request, ids percent-encoded in its path; a path that could lead elsewhere is refused."""
    decoded = request.path
    for _ in range(3):
        decoded = unquote(decoded)
    if not _PATH.fullmatch(request.path) or {"", ".", ".."} & set(decoded.replace("\\", "/")[1:].split("/")):
        raise ArgumentError(
            "An id in this call is empty or would lead to another path; nothing was sent.",
            then="Give the id exactly as Klaviyo shows it, without slashes, dots or question marks around it.",
        )
    service = "/klaviyo" if request.service is Service.KLAVIYO else ""
    url = f"{base}{service}{request.path}{query_string(request.query)}"
    if len(url) > MAX_URL_CHARACTERS:
        name = max(request.query, key=lambda name: len(request.query[name]), default="id")
        raise ArgumentError(
            f"This call would take an address of {len(url):,} characters; {MAX_URL_CHARACTERS:,} can be sent, "
            "and nothing was.",
            then=f"Make its {name} shorter: name fewer values at once, in several calls.",
        )
    return url


def query_string(parameters: Mapping[str, str]) -> str:
    """`?a=b&page%5Bsize%5D=1`, or nothing: every reserved character encoded, a space as %20, a plus as %2B."""
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
    return f"?{pairs}" if pairs else ""


def parse_json(content: bytes) -> JSON:
    """The JSON value in an answer's body. Raises ValueError or RecursionError where it is none."""
    try:
        return from_json(content, cache_strings="keys")  # in two thirds of the time
    except ValueError:
        # Halves of characters (lone surrogates), which customers' properties do hold, are read by this one alone.
        return json.loads(content)


def header_value(variable: str, value: str | None) -> str | None:
    """A setting that goes into a header: visible ASCII, without the blanks around it; None where nothing is left."""
    value = (value or "").strip()
    if not all("!" <= character <= "~" for character in value):
        raise SettingError(variable, "holds characters that cannot be sent", then="Copy it again, without spaces.")
    return value or None


def _encode(body: JSON) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            "A text in this call holds half a character (a lone surrogate); nothing was sent."
        ) from None
    except ValueError:
        raise ArgumentError("A number in this call is not finite; nothing was sent.") from None


def _form_text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
