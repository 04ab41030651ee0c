"""What the proxy client is given beside a request, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from klaviyo_mcp.gateway.pacing import OnWait
from klaviyo_tools.operation.request import JSON, Service

if TYPE_CHECKING:
    from klaviyo_tools.operation.facts import Rate

_NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """What the client must know of a call beside its request."""

    operation: str
    safe: bool
    """A read, which may be sent again after anything."""
    repeatable: bool = False
    """A write that Klaviyo applies once however often it arrives (an event with a `unique_id`): sent again like a read,
    in doubt like a write."""
    scopes: Sequence[str] = ()
    verify_with: str | None = None
    """The read that tells whether a write was applied."""
    rate: Rate | None = None
    """Klaviyo's limits; None is not paced."""
    expects_body: bool = True
    """A success with status 200 or 201 carries a body."""
    argument_names: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    """Klaviyo's name for an argument -> ours, for errors: `{"id": "profile_id"}`."""
    deadline: float | None = None
    """When the whole call must end, on the event loop's clock, for calls of several requests; the client's own deadline
    bounds each of them too."""
    on_wait: OnWait | None = None
    """Awaited before a wait of more than two seconds."""
    connection: str | None = None
    """Id of the Maton connection that this request uses, in place of the client's own."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A success: its document (None without a body), its size in bytes, the attempts made and the seconds waited."""

    status: int
    document: dict[str, JSON] | None
    size: int
    attempts: int
    waited: float
    date: str = field(default="", compare=False)
    """When the gateway says it answered: the `Date` header as it came."""


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What must be known to judge an answer: the call, where it went, whether a connection was named, what to hide."""

    call: RequestOptions
    service: Service = Service.KLAVIYO
    chosen: bool = False
    secrets: Sequence[str] = field(default=(), repr=False)
