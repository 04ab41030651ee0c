"""Web addresses that Klaviyo fetches from or posts to: public https only, so that none leads into a private network.

Only the text is checked. Klaviyo connects, so Klaviyo has to check the IP address that a name resolves to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from klaviyo_tools.arguments.types import Text

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

_PRIVATE_SUFFIXES = {
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "arpa"),
    *("test", "invalid", "example", "onion", "alt"),
}
"""Last labels of names that public DNS does not hold (RFC 6761, 6762, 8375, 9476; `internal`: ICANN, 2024)."""

_SPECIAL_NETWORKS = ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")
"""Networks that some versions of Python take for public: protocol assignments (RFC 6890), relays that are switched off
(RFC 7526), documentation (RFC 9637)."""

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_PICTURE = re.compile(r"data:image/(jpeg|jpg|png|gif);base64,[A-Za-z0-9+/]+={0,2}", re.I)


def public_https(address: str) -> str:
    """The address without surrounding blanks. Raises ValueError where it is no public https address."""
    text = address.strip()
    if any(c.isspace() or not c.isprintable() or c == "\\" for c in text):
        raise ValueError("holds a space, a backslash or a control character: give one address")
    if text[:8].lower() != "https://":
        raise ValueError(f"{_quote(text)} must start with https://")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"{_quote(text)} is not an address") from None
    if "@" in parts.netloc:
        raise ValueError("holds a user name or password before an @: leave them out")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"{_quote(text)} has no usable port: leave it out")
    _check_host(host)
    return text


def picture_url(address: str) -> str:
    """A public https address, or a picture as a base64 data URI. Raises ValueError for others."""
    text = address.strip()
    if text[:5].lower() != "data:":
        return public_https(text)
    if not _PICTURE.fullmatch(text):
        raise ValueError("a data URI must hold a jpeg, png or gif: data:image/png;base64,…")
    return text


def _check_host(host: str) -> None:
    import ipaddress

    name = _ascii(host)
    if ":" in name:
        address: IPv4Address | IPv6Address | None = _parse_address(name)
    elif _NUMBER.fullmatch(name.removesuffix(".").rpartition(".")[2]):
        # A host name cannot end in a number: every client reads this as an IPv4 address, in any notation.
        address = _parse_address(name) if isinstance(_parse_address(name), ipaddress.IPv4Address) else None
    else:
        _check_name(host, name.removesuffix("."))
        return
    if address is None:
        raise ValueError(f"{_quote(host)} is not a plain IP address or host name")
    if not _is_public(address):
        raise ValueError(f"{_quote(host)} is not a public address: Klaviyo reaches only what the internet can")


def _check_name(host: str, name: str) -> None:
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{_quote(host)} is not a host name")
    if len(labels) < 2 or labels[-1] in _PRIVATE_SUFFIXES:
        raise ValueError(f"{_quote(host)} is a name of a private network: Klaviyo reaches only what the internet can")


def _ascii(host: str) -> str:
    """The name as DNS gets it: full-width digits and other look-alikes become plain characters."""
    if host.isascii():
        return host.lower()
    try:
        return host.encode("idna").decode().lower()
    except UnicodeError:
        raise ValueError(f"{_quote(host)} is not a host name") from None


def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    import ipaddress

    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the internet routes the address. An IPv6 address that carries an IPv4 address does not count."""
    import ipaddress

    if any(address in ipaddress.ip_network(network) for network in _SPECIAL_NETWORKS):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    unicast = address in ipaddress.ip_network("2000::/3")
    return unicast and address.is_global and address.sixtofour is None and address.teredo is None


def _quote(text: str) -> str:
    return repr(text[:60])


PublicUrl = Annotated[Text, AfterValidator(public_https)]
"""A public https address."""
PictureUrl = Annotated[Text, AfterValidator(picture_url)]
"""A public https address, or a picture as a data URI."""
