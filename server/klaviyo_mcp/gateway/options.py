"""The options of a request, the reply to it, and the facts that the texts of its errors name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from klaviyo_mcp.gateway.pacing import OnWait
from klaviyo_mcp.gateway.retry import RequestKind
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.operation.request import Service

if TYPE_CHECKING:
    from klaviyo_tools.operation.facts import Rate

_NO_NAMES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RequestOptions:
    """How one request is sent, and how its errors are worded."""

    operation: str
    kind: RequestKind
    scopes: Sequence[str] = ()
    verify_with: str | None = None
    """The read that shows whether a write was applied."""
    rate: Rate | None = None
    """Klaviyo's limits; None for a request that is not paced."""
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
    waited_seconds: float
    date: str = field(default="", compare=False)
    """When the gateway says it answered: the `Date` header as it came."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The facts of a request that the text of its error names or leaves out."""

    options: RequestOptions
    service: Service = Service.KLAVIYO
    names_connection: bool = False
    """The request names the connection to use."""
    connection_is_set: bool = True
    """That connection is the one that the settings name."""
    secrets: Sequence[str] = field(default=(), repr=False)
    """The texts that no error may show, wherever upstream repeats them."""
    revision: str = ""
    """The revision of Klaviyo's API that was asked for."""
