"""Campaigns: messages sent once to lists and segments, with their schedules, sends and recipients."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from klaviyo_tools.areas.campaign_messages import MessageChanges, NewMessageArgument
from klaviyo_tools.areas.profiles import TIME_OPERATORS
from klaviyo_tools.arguments.marks import Brief
from klaviyo_tools.arguments.places import Embedded, Linkage, Relationship, Target
from klaviyo_tools.arguments.spelling import resolve_name
from klaviyo_tools.arguments.types import Arguments, Day, Id, Text, Timestamp, one_line_schema
from klaviyo_tools.operation.area import Area, M, S
from klaviyo_tools.operation.facts import AnswerKind, Effect, Parts, RecordAddress
from klaviyo_tools.operation.preview import Preview, PreviewKind

area = Area("campaigns")

PERCENTAGES = (10, 11, 13, 14, 17, 20, 25, 33, 50)
DYNAMIC_VALUES = (
    "campaign_id",
    "campaign_name",
    "campaign_name_id",
    "campaign_name_send_day",
    "email_subject",
    "group_id",
    "group_name",
    "group_name_id",
    "link_alt_text",
    "message_type",
    "profile_external_id",
    "profile_id",
)
"""The values of a tracking parameter of type dynamic."""


# The schedule, the audiences and the options of a campaign.


def _check_percentage(value: int) -> int:
    if value not in PERCENTAGES:
        raise ValueError(f"{value} is not one of {', '.join(map(str, PERCENTAGES))} (percent of recipients an hour)")
    return value


class LocalTime(Arguments):
    is_local: bool
    send_past_recipients_immediately: bool | None = None

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if self.send_past_recipients_immediately is not None and not self.is_local:
            raise ValueError("send_past_recipients_immediately needs is_local true")
        return self


class SendStrategy(Arguments):
    method: Literal["immediate", "static", "throttled", "smart_send_time"]
    datetime: Timestamp | None = None
    options: LocalTime | None = None
    throttle_percentage: Annotated[int, AfterValidator(_check_percentage)] | None = None
    date: Day | None = None

    NEEDS: ClassVar[dict[str, tuple[str, ...]]] = {
        "immediate": (),
        "static": ("datetime",),
        "throttled": ("datetime", "throttle_percentage"),
        "smart_send_time": ("date",),
    }
    EXAMPLES: ClassVar[Any] = (
        {
            "method": "static",
            "datetime": "2026-03-01T09:00:00Z",
            "options": {"is_local": True, "send_past_recipients_immediately": True},
        },
        {"method": "static", "datetime": "2026-03-01T09:00:00Z", "options": {"is_local": False}},
        {"method": "throttled", "datetime": "2026-03-01T09:00:00Z", "throttle_percentage": 25},
        {"method": "immediate"},
        {"method": "smart_send_time", "date": "2026-03-01"},
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        needed = self.NEEDS[self.method]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"method {self.method} needs {' and '.join(missing)}")
        fields = (*needed, "options") if self.method == "static" else needed
        for name in ("datetime", "options", "throttle_percentage", "date"):
            if getattr(self, name) is not None and name not in fields:
                raise ValueError(f"method {self.method} takes {' and '.join(fields) or 'nothing else'}, not {name}")
        return self


class TrackingParameter(Arguments):
    type: Literal["dynamic", "static"]
    name: Text
    value: str

    EXAMPLES: ClassVar[Any] = (
        *({"type": "dynamic", "name": "utm_campaign", "value": value} for value in DYNAMIC_VALUES),
        {"type": "static", "name": "utm_source", "value": "mail"},
    )

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        if self.type == "dynamic":
            self.value = resolve_name(self.value, DYNAMIC_VALUES, "dynamic value")
        return self


class TrackingOptions(Arguments):
    is_tracking_opens: bool | None = None
    is_tracking_clicks: bool | None = None
    add_tracking_params: bool | None = None
    custom_tracking_params: list[TrackingParameter] | None = None


class SendOptions(Arguments):
    use_smart_sending: bool | None = None


class Audiences(Arguments):
    included: list[Id]
    excluded: list[Id] | None = None


class AudienceChanges(Arguments):
    included: list[Id] | None = None
    excluded: list[Id] | None = None


StrategyArgument = Annotated[
    SendStrategy,
    one_line_schema(
        SendStrategy,
        "method immediate, static (datetime, options.is_local), throttled (datetime, throttle_percentage) or "
        "smart_send_time (date)",
    ),
    Brief("method: immediate, static (datetime), throttled or smart_send_time (date)"),
]
AUDIENCES_TEXT = "replaces included, excluded"
AS_CREATED_TEXT = "as in create_campaign"
SendOptionsArgument = Annotated[SendOptions, one_line_schema(SendOptions)]
TrackingOptionsArgument = Annotated[
    TrackingOptions,
    one_line_schema(
        TrackingOptions,
        "is_tracking_opens, is_tracking_clicks, add_tracking_params, custom_tracking_params",
    ),
    Brief("is_tracking_opens, is_tracking_clicks …"),
]


# Arguments of the operations.


class NewCampaign(Arguments):
    name: Text
    audiences: Annotated[Audiences, one_line_schema(Audiences, "included, excluded: list or segment ids")]
    campaign_messages: Annotated[
        list[NewMessageArgument], Field(min_length=1), Embedded("campaign-message", "campaign-messages")
    ]
    send_strategy: StrategyArgument | None = None
    send_options: SendOptionsArgument | None = None
    tracking_options: TrackingOptionsArgument | None = None


class CampaignChanges(Arguments):
    name: Text | None = None
    audiences: Annotated[AudienceChanges, one_line_schema(AudienceChanges, AUDIENCES_TEXT)] | None = None
    send_strategy: Annotated[SendStrategy, one_line_schema(SendStrategy, AS_CREATED_TEXT)] | None = None
    send_options: SendOptionsArgument | None = None
    tracking_options: Annotated[TrackingOptions, one_line_schema(TrackingOptions, AS_CREATED_TEXT)] | None = None


class CampaignTarget(Arguments):
    campaign_id: Annotated[Id, Target()]


class CampaignCopy(CampaignTarget):
    new_name: Text | None = None


class SendJobChange(Arguments):
    action: Literal["cancel", "revert"] = Field(description="cancel cannot be undone; revert makes it a draft")


class TemplateAssignment(Arguments):
    campaign_message_id: Annotated[Id, Target()]
    template_id: Annotated[Id, Relationship("template")]


class MessageImage(Arguments):
    image_id: Annotated[Id, Linkage("image")]


area.resource_type(
    "campaign",
    "name status send_time send_strategy.method audiences.included audiences.excluded campaign-messages created_at"
    " updated_at",
    """archived audiences(excluded included) created_at name scheduled_at send_options(use_smart_sending)
    send_strategy(date datetime method options(is_local send_past_recipients_immediately) throttle_percentage)
    send_time status tracking_options(add_tracking_params custom_tracking_params is_tracking_clicks
        is_tracking_opens) updated_at""",
    label="name",
    facet="status",
    date="send_time",
    relationships="campaign-messages:campaign-message tags:tag",
    stable_attributes="status audiences send_strategy send_options tracking_options",
)
area.resource_type(
    "campaign-message",
    "definition.channel definition.label definition.content.subject definition.content.from_email"
    " definition.content.body send_times campaign template updated_at",
    """created_at send_times updated_at
    definition(channel label notification_type kv_pairs
        content(action_buttons bcc_email body cc_email dynamic_image from_email from_label media_url preview_text
            reply_to_email subject title)
        options(badge(badge_options(badge_config set_from_property value) display)
            on_open(android_deep_link ios_deep_link type web_url) play_sound)
        render_options(add_info_link add_opt_out_language add_org_prefix shorten_links))""",
    label="definition.label definition.content.subject definition.channel",
    facet="definition.channel",
    date="created_at",
    relationships="campaign template image",
    fields_since={"2026-07-15": "definition.content.action_buttons definition.options.on_open.web_url"},
    stable_attributes="definition updated_at",
)
area.resource_type("campaign-send-job", "status", "status", facet="status")
area.resource_type("campaign-recipient-estimation", "estimated_recipient_count", "estimated_recipient_count")
area.resource_type("campaign-recipient-estimation-job", "status", "status", facet="status")
area.collection(
    "get_campaigns",
    "/api/campaigns",
    "campaign",
    "Campaigns of a channel: email, sms or mobile_push.",
    rate=M,
    filter={
        "messages.channel": "equals",
        "status": "equals any",
        "name": "contains",
        "scheduled_at": TIME_OPERATORS,
        "created_at": TIME_OPERATORS,
        "updated_at": TIME_OPERATORS,
        "archived": "equals",
        "id": "any",
    },
    filter_required=("messages.channel",),
    parts=Parts("messages.channel", ("email", "sms", "mobile_push"), {"push-notification": "mobile_push"}),
    sort=("created_at", "scheduled_at", "updated_at", "name", "id"),
    include=("campaign-messages", "tags"),
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.record(
    "get_campaign",
    "/api/campaigns/{campaign_id}",
    "campaign",
    "One campaign; include=campaign-messages adds its messages.",
    rate=M,
    address=RecordAddress(
        "A campaign and its messages.", {"include": ["campaign-messages", "tags"]}, completes_ids=True
    ),
    include=("campaign-messages", "tags"),
)
area.create(
    "create_campaign",
    "/api/campaigns",
    "campaign",
    NewCampaign,
    "Draft a campaign.",
    rate=M,
)
area.update(
    "update_campaign",
    "/api/campaigns/{campaign_id}",
    "campaign",
    CampaignChanges,
    "Change a draft; its text: update_campaign_message.",
    preview=PreviewKind.CAMPAIGN_CHANGE,
    rate=M,
)
area.delete(
    "delete_campaign",
    "/api/campaigns/{campaign_id}",
    "campaign",
    "Delete a campaign.",
    rate=M,
    preview=Preview(facts=("status", "send_time"), joined={"campaign-messages": "has", "tags": "has"}),
)
area.job(
    "send_campaign",
    "/api/campaign-send-jobs",
    "campaign-send-job",
    CampaignTarget,
    "Send a campaign at its send_strategy's time (default: now).",
    rate=M,
    preview=PreviewKind.CAMPAIGN_SEND,
    effect=Effect.REACHES_PEOPLE,
    aliases="create_campaign_send_job",
    job="get_campaign_send_job",
)
area.record(
    "get_campaign_send_job",
    "/api/campaign-send-jobs/{campaign_id}",
    "campaign-send-job",
    "Progress of sending a campaign.",
    rate=M,
)
area.update(
    "cancel_campaign_send",
    "/api/campaign-send-jobs/{campaign_id}",
    "campaign-send-job",
    SendJobChange,
    "Stop a campaign that is scheduled or being sent.",
    rate=M,
    preview=PreviewKind.CAMPAIGN_STOP,
    answer=AnswerKind.NOTHING,
    effect=Effect.REACHES_PEOPLE,
    aliases="update_campaign_send_job",
)
area.job(
    "refresh_campaign_recipient_estimation",
    "/api/campaign-recipient-estimation-jobs",
    "campaign-recipient-estimation-job",
    CampaignTarget,
    "Recount the people a campaign would reach.",
    rate=M,
    effect=Effect.READ,
    scopes="campaigns:write",
    aliases="create_campaign_recipient_estimation_job",
    job_result="get_campaign_recipient_estimation",
    job="get_campaign_recipient_estimation_job",
)
area.record(
    "get_campaign_recipient_estimation_job",
    "/api/campaign-recipient-estimation-jobs/{campaign_id}",
    "campaign-recipient-estimation-job",
    "Whether a recount is done.",
    rate=M,
)
area.record(
    "get_campaign_recipient_estimation",
    "/api/campaign-recipient-estimations/{campaign_id}",
    "campaign-recipient-estimation",
    "People a campaign would reach, as last counted.",
    rate=M,
)
area.create(
    "create_campaign_clone",
    "/api/campaign-clone",
    "campaign",
    CampaignCopy,
    "Copy a campaign as a new draft.",
    rate=M,
    aliases="clone_campaign",
)
area.collection(
    "get_messages_for_campaign",
    "/api/campaigns/{campaign_id}/campaign-messages",
    "campaign-message",
    "Messages of a campaign: subject, sender, text.",
    rate=M,
    paged=False,
    aliases="get_campaign_campaign_messages get_campaign_messages",
    include=("template", "image", "campaign"),
    ids_operation="get_message_ids_for_campaign",
)
area.collection(
    "get_tags_for_campaign",
    "/api/campaigns/{campaign_id}/tags",
    "tag",
    "Tags on a campaign.",
    rate=S,
    paged=False,
    scopes="campaigns:read tags:read",
    aliases="get_campaign_tags",
    ids_operation="get_tag_ids_for_campaign",
)
area.record(
    "get_campaign_message",
    "/api/campaign-messages/{campaign_message_id}",
    "campaign-message",
    "One message of a campaign.",
    rate=M,
    include=("template", "image", "campaign"),
)
area.update(
    "update_campaign_message",
    "/api/campaign-messages/{campaign_message_id}",
    "campaign-message",
    MessageChanges,
    "Change a campaign message's subject, sender, text or options; give channel with them.",
    rate=M,
)
area.create(
    "assign_template_to_campaign_message",
    "/api/campaign-message-assign-template",
    "campaign-message",
    TemplateAssignment,
    "Copy a template into an e-mail message of a campaign.",
    rate=M,
    preview=Preview(
        (
            "use a copy of the template with id {template_id} in the {record} of {campaign}, status {campaign.status}.",
            "Until now it has {template}.",
        ),
        record=("campaign-message", "campaign_message_id"),
    ),
    aliases="create_campaign_message_assign_template",
)
area.record(
    "get_campaign_for_campaign_message",
    "/api/campaign-messages/{campaign_message_id}/campaign",
    "campaign",
    "The campaign that a message belongs to.",
    rate=M,
    aliases="get_campaign_message_campaign",
    ids_operation="get_campaign_id_for_campaign_message",
)
area.record(
    "get_template_for_campaign_message",
    "/api/campaign-messages/{campaign_message_id}/template",
    "template",
    "The template of a campaign message, with its HTML.",
    rate=M,
    scopes="campaigns:read templates:read",
    aliases="get_campaign_message_template",
    ids_operation="get_template_id_for_campaign_message",
)
area.record(
    "get_image_for_campaign_message",
    "/api/campaign-messages/{campaign_message_id}/image",
    "image",
    "The image of a push message.",
    rate=M,
    scopes="campaigns:read images:read",
    aliases="get_campaign_message_image",
    ids_operation="get_image_id_for_campaign_message",
)
area.custom(
    "update_image_for_campaign_message",
    "PATCH",
    "/api/campaign-messages/{campaign_message_id}/relationships/image",
    "campaign-message",
    "Change the image of a push message.",
    attributes=MessageImage,
    body_type="image",
    answer=AnswerKind.NOTHING,
    rate=M,
    preview=Preview(
        (
            "show the image with id {image_id} in the {record} of {campaign}, status {campaign.status}.",
            "Until now it has {image}.",
        )
    ),
    scopes="campaigns:write images:read",
    aliases="update_campaign_message_relationships_image",
)
