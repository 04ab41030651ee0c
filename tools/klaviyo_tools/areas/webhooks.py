"""Webhooks: web addresses to which Klaviyo posts events."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klaviyo_tools.arguments.places import Relationship
from klaviyo_tools.arguments.types import Arguments, Id, Text
from klaviyo_tools.arguments.web_address import PublicUrl
from klaviyo_tools.operation.area import XS, Area
from klaviyo_tools.operation.facts import RecordAddress
from klaviyo_tools.operation.preview import Preview

area = Area(
    "webhooks",
)


Topics = Annotated[list[Id], Field(min_length=1), Relationship("webhook-topic")]


class NewWebhook(Arguments):
    name: Text
    endpoint_url: PublicUrl
    secret_key: Text = Field(description="your choice; signs posts")
    webhook_topic_ids: Topics = Field(description="as event:klaviyo.sent_sms")
    description: str | None = None


class WebhookChanges(Arguments):
    name: Text | None = None
    description: str | None = None
    endpoint_url: PublicUrl | None = None
    secret_key: Text | None = None
    enabled: bool | None = None
    webhook_topic_ids: Topics | None = Field(None, description="replaces all topics")


area.resource_type(
    "webhook",
    "name enabled endpoint_url webhook-topics description created_at updated_at",
    "created_at description enabled endpoint_url name updated_at",
    label="name",
    facet="enabled",
    date="created_at",
    relationships="webhook-topics:webhook-topic",
    stable_attributes="endpoint_url enabled updated_at",
)
area.resource_type("webhook-topic")
area.collection(
    "get_webhooks",
    "/api/webhooks",
    "webhook",
    "Webhooks, and whether they are enabled.",
    rate=XS,
    paged=False,
    include=("webhook-topics",),
)
area.record(
    "get_webhook",
    "/api/webhooks/{webhook_id}",
    "webhook",
    "One webhook.",
    rate=XS,
    address=RecordAddress("A webhook and its topics.", {"include": ["webhook-topics"]}, completes_ids=True),
    include=("webhook-topics",),
)
area.create(
    "create_webhook",
    "/api/webhooks",
    "webhook",
    NewWebhook,
    "Send events to a web address: data leaves the account.",
    rate=XS,
    preview=Preview(
        (
            "post data of people to {endpoint_url:300} from now on, as the webhook {name:80}.",
            "It posts at each of these: {webhook_topic_ids}.",
        )
    ),
)
area.update(
    "update_webhook",
    "/api/webhooks/{webhook_id}",
    "webhook",
    WebhookChanges,
    "Change, enable or disable a webhook.",
    rate=XS,
    preview=Preview(facts=("endpoint_url", "enabled"), joined={"webhook-topics": "posts at"}),
)
area.delete(
    "delete_webhook",
    "/api/webhooks/{webhook_id}",
    "webhook",
    "Delete a webhook; it stops posting.",
    rate=XS,
    preview=Preview(facts=("endpoint_url",)),
)
area.collection(
    "get_webhook_topics",
    "/api/webhook-topics",
    "webhook-topic",
    "Events that a webhook can post, with their ids.",
    rate=XS,
    paged=False,
    sparse_fieldsets=False,
)
area.record(
    "get_webhook_topic",
    "/api/webhook-topics/{webhook_topic_id}",
    "webhook-topic",
    "Whether a webhook topic exists.",
    rate=XS,
    sparse_fieldsets=False,
)
