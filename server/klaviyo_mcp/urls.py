"""Checks of URLs that an operator sets."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from klaviyo_mcp.errors import SettingError

MATON_URL = "https://api.maton.ai"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")


def gateway_url(text: str) -> str:
    """The gateway's base URL without a trailing slash: https, or plain http to this machine. Raises SettingError.

    The host is matched strictly and the URL put together anew, so that no two parsers disagree on where the key goes.
    """
    text = text.strip()
    if not text.isprintable() or " " in text:  # urlsplit would drop a line break silently
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
    if parts.path.rstrip("/").endswith("/klaviyo"):
        raise _unusable("must not end in /klaviyo, which this server adds itself")
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether a host (an IPv6 address without its brackets) is this machine, which nothing else can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unusable(problem: str) -> SettingError:
    return SettingError("MATON_BASE_URL", problem, then=f"Leave it unset to use {MATON_URL}.")
