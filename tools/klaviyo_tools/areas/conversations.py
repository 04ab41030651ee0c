"""Conversations: messages exchanged with a person by SMS, WhatsApp or Instagram."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from klaviyo_tools.arguments.places import Relationship
from klaviyo_tools.arguments.types import Arguments, Id, OpenObject, Text
from klaviyo_tools.operation.area import Area, S
from klaviyo_tools.operation.facts import AnswerKind, Effect
from klaviyo_tools.operation.preview import Preview

area = Area("conversations")

READ_SCOPES = "conversations:read profiles:read"


def _check_pair(messages: list[OpenObject]) -> list[OpenObject]:
    if [item.get("message_format", default) for item, default in zip(messages, ("RCS", "SMS"), strict=False)] != [
        "RCS",
        "SMS",
    ]:
        raise ValueError('give two: {"message_format": "RCS", "message": …} and then {"message_format": "SMS", …}')
    return messages


PAIR_EXAMPLE = [{"message_format": "RCS", "message": "Hi"}, {"message_format": "SMS", "message": "Hi"}]
MessagePair = Annotated[
    list[OpenObject],
    Field(min_length=2, max_length=2),
    AfterValidator(_check_pair),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "object"},
            "description": "RCS, then its SMS fallback: {message_format, message}",
        }
    ),
]


class NewMessage(Arguments):
    conversation_id: Annotated[Id, Relationship("conversation")]
    body: Text
    message_hierarchy: MessagePair | None = Field(None, examples=[PAIR_EXAMPLE])


area.resource_type(
    "conversation", "channel profile", "channel", label="channel", facet="channel", relationships="profile"
)
area.record(
    "get_conversation_for_profile",
    "/api/profiles/{profile_id}/conversation",
    "conversation",
    "The conversation with a profile: its id and channel.",
    rate=S,
    since="2026-04-15",
    scopes=READ_SCOPES,
    ids_operation="get_conversation_id_for_profile",
)
area.collection(
    "get_conversations_for_profile",
    "/api/profiles/{profile_id}/conversations",
    "conversation",
    "All conversations with a profile, by channel.",
    rate=S,
    since="2026-07-15",
    scopes=READ_SCOPES,
    paged=False,
    ids_operation="get_conversation_ids_for_profile",
)
area.create(
    "create_conversation_message",
    "/api/conversation-messages",
    "conversation-message",
    NewMessage,
    "Send a message to the person in a conversation; Klaviyo must have enabled it for the account.",
    rate=S,
    preview=Preview(
        (
            "send a message to the person in the conversation with id {conversation_id}; Klaviyo does not tell who "
            "that is.",
            "Message: {body:300}.",
        )
    ),
    since="2026-04-15",
    answer=AnswerKind.NOTHING,
    effect=Effect.REACHES_PEOPLE,
)
