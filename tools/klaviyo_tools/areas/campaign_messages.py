"""The messages of campaigns: one model for e-mail, SMS and push."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from klaviyo_tools.arguments.marks import UNLISTED, Since, ValuesByRevision
from klaviyo_tools.arguments.places import Attribute, Relationship, TextEdits
from klaviyo_tools.arguments.replacements import replacements_in
from klaviyo_tools.arguments.types import Arguments, Id, OpenObject, Text, one_line_schema

EMAIL_FIELDS = {
    "label",
    "subject",
    "preview_text",
    "from_email",
    "from_label",
    "reply_to_email",
    "cc_email",
    "bcc_email",
}
SMS_FIELDS = {"body", "render_options"}
PUSH_FIELDS = {
    "title",
    "body",
    "action_buttons",
    "dynamic_image",
    "kv_pairs",
    "options",
    "notification_type",
    "image_id",
}
SILENT_PUSH_FIELDS = {"kv_pairs", "notification_type"}
"""The fields of a message on each channel."""


class RenderOptions(Arguments):
    shorten_links: bool | None = None
    add_org_prefix: bool | None = None
    add_info_link: bool | None = None
    add_opt_out_language: bool | None = None


class OnOpen(Arguments):
    type: Annotated[Literal["open_app", "deep_link", "open_web_url"], ValuesByRevision({"open_web_url": "2026-07-15"})]
    ios_deep_link: str | None = None
    android_deep_link: str | None = None
    web_url: Annotated[Text | None, Since("2026-07-15")] = None

    EXAMPLES: ClassVar[Any] = (
        {"type": "open_app"},
        {"type": "deep_link", "ios_deep_link": "shop://sale", "android_deep_link": "shop://sale"},
        {"type": "open_web_url", "web_url": "https://example.com/sale"},
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if self.type != "deep_link" and (self.ios_deep_link or self.android_deep_link):
            raise ValueError(f"type {self.type} takes no deep links: use type deep_link")
        if (self.type == "open_web_url") != (self.web_url is not None):
            raise ValueError("web_url and type open_web_url go together")
        if self.type == "deep_link" and not (self.ios_deep_link or self.android_deep_link):
            raise ValueError("type deep_link needs ios_deep_link, android_deep_link or both")
        return self


class ActionButton(Arguments):
    label: Annotated[Text, Field(max_length=40)]
    action_type: Literal["open_app", "deep_link", "open_url", "dismiss"]
    position: int | None = Field(None, ge=0)
    url: Annotated[Text | None, Field(max_length=2048)] = None

    EXAMPLES: ClassVar[Any] = (
        {"label": "Shop", "action_type": "open_url", "url": "https://example.com/sale", "position": 0},
        {"label": "Later", "action_type": "dismiss"},
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if (self.action_type in ("deep_link", "open_url")) != (self.url is not None):
            raise ValueError("action_type deep_link and open_url need url, and no other type takes it")
        return self


class BadgeOptions(Arguments):
    badge_config: Literal["increment_one", "set_count", "set_property"]
    value: Text | None = None
    set_from_property: Text | None = None

    EXAMPLES: ClassVar[Any] = (
        {"badge_config": "increment_one"},
        {"badge_config": "set_count", "value": "3"},
        {"badge_config": "set_property", "set_from_property": "unread"},
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        needs = {"set_count": "value", "set_property": "set_from_property"}
        needed = needs.get(self.badge_config)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"badge_config {self.badge_config} needs {needed}")
        for choice, name in needs.items():
            if name != needed and getattr(self, name) is not None:
                raise ValueError(f"{name} needs badge_config {choice}")
        return self


class Badge(Arguments):
    display: bool
    badge_options: BadgeOptions | None = None

    EXAMPLES: ClassVar[Any] = (
        {"display": True, "badge_options": {"badge_config": "increment_one"}},
        {"display": True, "badge_options": {"badge_config": "set_count", "value": "3"}},
        {"display": True, "badge_options": {"badge_config": "set_property", "set_from_property": "unread"}},
        {"display": False},
    )

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        if self.badge_options and not self.display:
            raise ValueError("badge_options needs display true")
        return self


class PushOptions(Arguments):
    on_open: OnOpen | None = None
    badge: Badge | None = None
    play_sound: bool | None = None


class Message(Arguments):
    """The text and settings of a message, flat. Klaviyo's nested form (`definition`, `content`) is taken too."""

    channel: Annotated[Literal["email", "sms", "mobile_push"] | None, Attribute("definition.channel")] = None
    subject: Annotated[str | None, Attribute("definition.content.subject")] = None
    preview_text: Annotated[str | None, Attribute("definition.content.preview_text")] = None
    from_email: Annotated[str | None, Attribute("definition.content.from_email")] = None
    from_label: Annotated[str | None, Attribute("definition.content.from_label")] = None
    reply_to_email: Annotated[str | None, Attribute("definition.content.reply_to_email")] = None
    cc_email: Annotated[str | None, Attribute("definition.content.cc_email")] = None
    bcc_email: Annotated[str | None, Attribute("definition.content.bcc_email")] = None
    label: Annotated[str | None, Attribute("definition.label")] = None
    title: Annotated[str | None, Attribute("definition.content.title")] = None
    body: Annotated[str | None, Attribute("definition.content.body")] = None
    dynamic_image: Annotated[str | None, Attribute("definition.content.dynamic_image")] = None
    action_buttons: Annotated[
        Annotated[list[ActionButton], Field(max_length=3)] | None,
        Attribute("definition.content.action_buttons"),
        Since("2026-07-15"),
        UNLISTED,
    ] = None
    render_options: Annotated[
        Annotated[RenderOptions, one_line_schema(RenderOptions)] | None, Attribute("definition.render_options")
    ] = None
    notification_type: Annotated[Literal["standard", "silent"] | None, Attribute("definition.notification_type")] = None
    kv_pairs: Annotated[OpenObject | None, Attribute("definition.kv_pairs")] = None
    options: Annotated[
        Annotated[
            PushOptions, one_line_schema(PushOptions, "on_open {type: open_app | deep_link …}, badge, play_sound")
        ]
        | None,
        Attribute("definition.options"),
    ] = None
    image_id: Annotated[Id | None, Relationship("image")] = None

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, source: Any) -> Any:
        for nest in ("definition", "content"):
            if isinstance(source, Mapping) and isinstance(source.get(nest), Mapping):
                source = {**{name: value for name, value in source.items() if name != nest}, **source[nest]}
        return source

    @model_validator(mode="after")
    def _check_fields(self) -> Self:
        names = [n for n in Message.model_fields if n in self.model_fields_set and getattr(self, n) is not None]
        names = [name for name in names if name != "channel"]
        if self.channel is None and set(names) - {"image_id"}:
            raise ValueError("channel is needed with the fields of a message: email, sms or mobile_push")
        silent = self.notification_type == "silent"
        push = SILENT_PUSH_FIELDS if silent else PUSH_FIELDS
        fields = {"email": EMAIL_FIELDS, "sms": SMS_FIELDS}.get(self.channel or "", push)
        for name in names:
            if name not in fields:
                kind = "a silent push" if silent and self.channel == "mobile_push" else f"channel {self.channel}"
                fitting = ", ".join(one for one in Message.model_fields if one in fields)
                hint = (
                    "; its text is a template (assign_template_to_campaign_message)" if fields is EMAIL_FIELDS else ""
                )
                raise ValueError(f"{name} is not a field of {kind}, which takes {fitting}{hint}")
        return self


MESSAGE_EXAMPLES: tuple[Mapping[str, Any], ...] = (
    {
        "channel": "email",
        "label": "Spring mail",
        "subject": "Spring is here",
        "preview_text": "Up to 30% off",
        "from_email": "shop@example.com",
        "from_label": "The shop",
        "reply_to_email": "reply@example.com",
        "cc_email": "cc@example.com",
        "bcc_email": "bcc@example.com",
    },
    {
        "channel": "sms",
        "body": "Spring is here",
        "render_options": {
            "shorten_links": True,
            "add_org_prefix": True,
            "add_info_link": True,
            "add_opt_out_language": False,
        },
    },
    *(
        {
            "channel": "mobile_push",
            "title": "Spring",
            "body": "Spring is here",
            "dynamic_image": "{{ event.image }}",
            "action_buttons": list(ActionButton.EXAMPLES),
            "notification_type": "standard",
            "kv_pairs": {"page": "sale"},
            "options": {"on_open": on_open, "badge": badge, "play_sound": True},
            "image_id": "7",
        }
        for on_open, badge in zip((*OnOpen.EXAMPLES, *OnOpen.EXAMPLES), Badge.EXAMPLES, strict=False)
    ),
    {"channel": "mobile_push", "notification_type": "silent", "kv_pairs": {"page": "sale"}},
)
"""A complete message of each kind."""


class NewMessage(Message):
    channel: Annotated[Literal["email", "sms", "mobile_push"], Attribute("definition.channel")]

    EXAMPLES: ClassVar[Any] = MESSAGE_EXAMPLES

    @model_validator(mode="after")
    def _check_push(self) -> Self:
        if self.channel == "mobile_push" and self.notification_type != "silent" and self.body is None:
            raise ValueError("channel mobile_push needs body, or notification_type silent")
        return self


MESSAGE_TEXTS = TextEdits({name: f"definition.content.{name}" for name in ("subject", "preview_text", "title", "body")})


class MessageChanges(Message):
    EXAMPLES: ClassVar[Any] = tuple({"campaign_message_id": "01HEXAMPLE", **message} for message in MESSAGE_EXAMPLES)

    replacements: replacements_in(MESSAGE_TEXTS) = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _check_changes(self) -> Self:
        if self.channel is None and self.image_id is None and not self.replacements:
            raise ValueError("give what changes: channel with subject, body …, image_id, or replacements")
        return self


NewMessageArgument = Annotated[
    NewMessage,
    one_line_schema(
        NewMessage,
        "channel; email: subject, preview_text, from_email, from_label …; sms: body; mobile_push: title, body …",
    ),
]
