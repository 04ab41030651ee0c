"""Messages and events that the seeded account will contain, before they are stored in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from klaviyo_mcp.sandbox.state.store import Record


@dataclass(slots=True)
class PlannedEvent:
    """An event to be stored later. `credit` is the message event that an order is attributed to."""

    at: datetime
    metric: str
    profile: str
    properties: dict[str, Any]
    credit: PlannedEvent | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a campaign or flow. `name` is the campaign's or flow's name; `flow` the flow's id, if any."""

    id: str
    name: str
    subject: str
    channel: str
    flow: str | None = None
    label: str = ""
    variation: bool = False


@dataclass(frozen=True, slots=True)
class PlannedSend:
    """A message to be sent to a profile."""

    at: datetime
    profile: Record
    message: Message
