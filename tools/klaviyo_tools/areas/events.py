"""Events: actions of people and messages sent to them, each one of a metric at a time."""

from __future__ import annotations

from typing import Annotated, Any, Self
from uuid import uuid4

from pydantic import Field, StringConstraints, model_validator

from klaviyo_tools.areas.profiles import (
    ADDITIONAL_FIELDS,
    TIME_OPERATORS,
    InnerProfile,
    PatchIdentifiers,
    PatchProperties,
    require_identifier,
)
from klaviyo_tools.arguments.marks import Generated, Since
from klaviyo_tools.arguments.places import Embedded, Meta
from klaviyo_tools.arguments.types import Arguments, OpenObject, Text, Timestamp, one_line_schema
from klaviyo_tools.operation.area import XL, Area, M
from klaviyo_tools.operation.facts import AnswerKind, RecordAddress
from klaviyo_tools.operation.preview import Preview

area = Area("events")

MAX_PROPERTIES = 400
MAX_EVENTS = 1000
MAX_TEXT_BYTES = 100_000
"""Bytes of one text in the properties."""


class EventProfile(InnerProfile):
    """The profile of an event. Attributes beside its identifier are written to the profile."""

    EXAMPLES = (*InnerProfile.EXAMPLES, {"anonymous_id": "a1"})

    anonymous_id: Text | None = None

    @model_validator(mode="after")
    def _check_identifier(self) -> Self:
        require_identifier(self, "email", "phone_number", "id", "external_id", "anonymous_id", "kx")
        return self


class BatchEventProfile(EventProfile):
    """The same in a batch, where Klaviyo takes `patch_properties` in another place."""

    patch_properties: Annotated[PatchProperties | None, Meta("patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Meta("patch_identifiers")] = None


class EventMetric(Arguments):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=127)]
    service: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


EventProfileArgument = Annotated[
    EventProfile,
    Embedded("profile"),
    one_line_schema(EventProfile, "email, phone_number, id or external_id; attributes to set"),
]
MetricArgument = Annotated[
    EventMetric, Embedded("metric"), one_line_schema(EventMetric, "name; a new name creates a metric")
]


Backfill = Annotated[bool, Since("2026-07-15")]


def _new_id() -> str:
    return uuid4().hex


class EventAttributes(Arguments):
    metric: MetricArgument
    properties: OpenObject = Field(description="details; {} for none")
    time: Timestamp | None = None
    value: float | None = None
    value_currency: str | None = None
    # Klaviyo records an id once for a profile and metric: a request with one is idempotent.
    unique_id: Annotated[Text | None, Generated(_new_id)] = Field(None, description="deduplicates")
    backfill: Backfill | None = Field(None, description="starts no flows")

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if len(self.properties) > MAX_PROPERTIES:
            raise ValueError(f"properties takes at most {MAX_PROPERTIES} keys, not {len(self.properties)}")
        for name, value in self.properties.items():
            if isinstance(value, str) and len(value.encode()) > MAX_TEXT_BYTES:
                raise ValueError(f"properties.{name[:60]} is longer than {MAX_TEXT_BYTES:,} bytes")
        return self


class NewEvent(EventAttributes):
    profile: EventProfileArgument


class ProfileEvents(Arguments):
    """The events of one profile."""

    profile: Annotated[BatchEventProfile, Embedded("profile")]
    events: Annotated[list[EventAttributes], Field(min_length=1), Embedded("event")]
    backfill: Backfill | None = None


class NewEvents(Arguments):
    events_bulk_create: Annotated[
        list[Annotated[ProfileEvents, one_line_schema(ProfileEvents, "profile and events, both as in create_event")]],
        Field(min_length=1),
        Embedded("event-bulk-create", "events-bulk-create"),
    ]

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        count = sum(len(one.events) for one in self.events_bulk_create)
        if count > MAX_EVENTS:
            raise ValueError(f"{count} events: one call takes at most {MAX_EVENTS}, split the call")
        return self


area.resource_type(
    "event",
    "datetime metric profile event_properties",
    "datetime event_properties timestamp uuid",
    label="datetime",
    facet="metric",
    date="datetime",
    relationships="profile metric attributions:attribution",
    untrusted="event_properties",
    default_includes="metric",
)
area.resource_type(
    "attribution",
    "campaign campaign-message flow flow-message flow-message-variation attributed-event",
    relationships="event attributed-event:event campaign campaign-message flow flow-message"
    " flow-message-variation:flow-message",
)
area.collection(
    "get_events",
    "/api/events",
    "event",
    "Events; to count or sum them: query_metric_aggregates.",
    rate=XL,
    filter={
        "profile_id": "equals",
        "metric_id": "equals",
        "datetime": TIME_OPERATORS,
        "timestamp": TIME_OPERATORS,
        "profile": "has",
        "metric": "has",
    },
    filters_since={"metric": "2026-07-15"},
    sort=("datetime", "timestamp"),
    include=("metric", "profile", "attributions"),
    max_page_size=1000,
)
area.record(
    "get_event",
    "/api/events/{event_id}",
    "event",
    "One event with all its properties.",
    rate=M,
    address=RecordAddress("An event, its person and its metric.", {"include": ["metric", "profile"]}),
    include=("metric", "profile", "attributions"),
)
area.create(
    "create_event",
    "/api/events",
    "event",
    NewEvent,
    "Record an event of a profile; it may start flows.",
    preview=Preview(("record an event of the metric {metric.name:127} for {profile}.", "Properties: {properties}")),
    idempotent=True,
    rate=XL,
    answer=AnswerKind.NOTHING,
)
area.job(
    "bulk_create_events",
    "/api/event-bulk-create-jobs",
    "event",
    NewEvents,
    "Record up to 1,000 events; they may start flows.",
    preview=Preview(("record events of {events_bulk_create:profile}.", "They are: {events_bulk_create}")),
    idempotent=True,
    rate=M,
    max_body_bytes=5_000_000,
    body_type="event-bulk-create-job",
    aliases="create_event_bulk_create_job",
    verify_with="get_events",
)
area.record(
    "get_metric_for_event",
    "/api/events/{event_id}/metric",
    "metric",
    "The metric of an event.",
    rate=XL,
    scopes="events:read metrics:read",
    aliases="get_event_metric",
    ids_operation="get_metric_id_for_event",
)
area.record(
    "get_profile_for_event",
    "/api/events/{event_id}/profile",
    "profile",
    "The profile of an event.",
    rate=XL,
    scopes="events:read profiles:read",
    aliases="get_event_profile",
    additional_fields=ADDITIONAL_FIELDS,
    ids_operation="get_profile_id_for_event",
)
