"""One HTTP request, as an operation renders it and the proxy client sends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from klaviyo_tools.jsonapi.documents import JSON


class Service(StrEnum):
    """Which of the gateway's two services a path belongs to."""

    KLAVIYO = "klaviyo"
    MATON = "maton"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file sent as one part of a multipart form, beside the plain fields in the request's body."""

    filename: str
    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Request:
    """`path` starts with a slash (`/api/lists/Y6nRLr`), its ids percent-encoded; `query` values are not yet encoded."""

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: JSON = None
    service: Service = Service.KLAVIYO
    upload: Upload | None = None
