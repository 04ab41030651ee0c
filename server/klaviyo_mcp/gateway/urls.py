"""Where a request goes: the gateway's address, checked once, and the URL of a request, encoded in this one place."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from klaviyo_mcp.errors import ArgumentError, SettingError
from klaviyo_tools.operation.request import Request, Service

MAX_URL_CHARACTERS = 65_536
"""Characters of an address that httpx takes."""

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+")


def base_url(text: str) -> str:
    """The gateway's base URL without a trailing slash: https, or plain http to this machine; else `SettingError`.

    The host is matched strictly and the URL put together anew: no two parsers can disagree on where the key goes.
    """
    text = text.strip()
    if not text.isprintable() or " " in text:  # urlsplit would drop a line break unseen
        raise _unusable("holds a blank or a control character")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _unusable("is not a URL") from None
    host = (parts.netloc.rsplit("@", 1)[-1][: -len(f":{port}")] if port is not None else parts.netloc).lower()
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in text or "#" in text:
        raise _unusable("must not hold a user name, a query or a fragment")
    if not _HOST.fullmatch(host) or not _PREFIX.fullmatch(parts.path) or {".", ".."} & set(parts.path.split("/")):
        raise _unusable("must be a scheme, a host and at most a plain path")
    if parts.scheme not in {"https", "http"} or (parts.scheme == "http" and not is_loopback(host.strip("[]"))):
        raise _unusable("must start with https:// (plain http only to this machine)")
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


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


def is_loopback(host: str) -> bool:
    """Whether a host (an IPv6 address without its brackets) is this machine, reached by itself alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unusable(problem: str) -> SettingError:
    return SettingError("MATON_BASE_URL", problem, then="Leave it unset to use https://api.maton.ai.")
