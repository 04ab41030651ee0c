"""A request as it is sent: URL, headers and body; and the JSON of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from pydantic_core import from_json

from klaviyo_mcp.errors import ArgumentError, SettingError
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.operation.request import Request, Service

MAX_URL_CHARACTERS = 65_536
"""The longest URL that httpx accepts."""

_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+")
_JSON_API = "application/vnd.api+json"
_PLAIN_JSON = "application/json"
_OPT_OUT = "X-Klaviyo-Revision-Fall-Forward-Opt-Out"
"""With it Klaviyo refuses a retired revision (410); otherwise it answers in the next one (source: its page "API
versioning and deprecation policy")."""


@dataclass(frozen=True, slots=True)
class GatewayScheme:
    """How a gateway takes requests for Klaviyo: all in which one way to Klaviyo differs from another."""

    authorization: str
    """The word before the key in the header `Authorization`."""
    klaviyo_path: str
    """The path below which Klaviyo's API is found."""
    connection_header: str | None
    """The header that names the connection, None where the key itself belongs to one account."""
    requests_per_second: int | None = None
    """The gateway's own limit for one credential, None where it has none."""


MATON = GatewayScheme("Bearer", "/klaviyo", "Maton-Connection", requests_per_second=10)
"""Source of the limit: Maton's documentation of its gateway (10 requests a second for an account)."""


@dataclass(frozen=True, slots=True)
class RenderedRequest:
    """One request ready to be sent; its headers hold the key, so its repr omits them."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = None
    form: Mapping[str, str] | None = None
    files: Mapping[str, tuple[str, bytes, str]] | None = None


def render_request(
    request: Request,
    *,
    base: str,
    key: str,
    revision: str,
    connection: str | None,
    scheme: GatewayScheme = MATON,
) -> RenderedRequest:
    """The request as it is sent; revision and connection go with requests to Klaviyo only. Raises ArgumentError."""
    to_klaviyo = request.service is Service.KLAVIYO
    media = _JSON_API if to_klaviyo else _PLAIN_JSON
    headers = {"Authorization": f"{scheme.authorization} {key}", "Accept": media}
    if to_klaviyo:
        headers["revision"] = revision
        headers[_OPT_OUT] = "1"
        if connection and scheme.connection_header:
            headers[scheme.connection_header] = connection
    url = request_url(f"{base}{scheme.klaviyo_path}" if to_klaviyo else base, request)
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
    """The full URL of a request below a base URL.

    Raises ArgumentError for a path that could lead elsewhere, and for a URL that is too long.
    """
    decoded = request.path
    for _ in range(3):
        decoded = unquote(decoded)
    if not _PATH.fullmatch(request.path) or {"", ".", ".."} & set(decoded.replace("\\", "/")[1:].split("/")):
        raise ArgumentError(
            "An id in this call is empty or would lead to another path; nothing was sent.",
            then="Give the id exactly as Klaviyo shows it, without slashes, dots or question marks around it.",
        )
    url = f"{base}{request.path}{query_string(request.query)}"
    if len(url) > MAX_URL_CHARACTERS:
        name = max(request.query, key=lambda name: len(request.query[name]), default="id")
        raise ArgumentError(
            f"This call would take an address of {len(url):,} characters; {MAX_URL_CHARACTERS:,} can be sent, "
            "and nothing was.",
            then=f"Make its {name} shorter: name fewer values at once, in several calls.",
        )
    return url


def query_string(parameters: Mapping[str, str]) -> str:
    """`?a=b&page%5Bsize%5D=1`, or an empty string: every reserved character is encoded, a space as %20."""
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
    return f"?{pairs}" if pairs else ""


def parse_json(content: bytes) -> JSON:
    """The JSON value in an answer's body. Raises ValueError or RecursionError where the body is not JSON."""
    try:
        return from_json(content, cache_strings="keys")  # takes two thirds of json's time
    except ValueError:
        # Only json reads lone surrogates (halves of characters), which customers' properties do hold.
        return json.loads(content)


def header_value(variable: str, value: str | None) -> str | None:
    """A setting that goes into a header, without the blanks around it; None where nothing is left.

    Raises SettingError for anything but visible ASCII, since a line break would begin a header of its own.
    """
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
