"""Push tokens: the devices that get push messages for a profile."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from klaviyo_tools.areas.profiles import ADDITIONAL_FIELDS, InnerProfile, require_identifier
from klaviyo_tools.arguments.places import Embedded
from klaviyo_tools.arguments.types import Arguments, Text, one_line_schema
from klaviyo_tools.operation.area import Area, L, M, S
from klaviyo_tools.operation.facts import AnswerKind, Effect
from klaviyo_tools.operation.preview import Preview

area = Area(
    "push_tokens",
    scope="push-tokens",
)

READ_SCOPES = "profiles:read push-tokens:read"


class Device(Arguments):
    device_id: str | None = None
    klaviyo_sdk: Literal["android", "flutter", "flutter_community", "react_native", "swift"] | None = None
    sdk_version: str | None = None
    device_model: str | None = None
    os_name: Literal["android", "ios", "ipados", "macos", "tvos"] | None = None
    os_version: str | None = None
    manufacturer: str | None = None
    app_name: str | None = None
    app_version: str | None = None
    app_build: str | None = None
    app_id: str | None = None
    environment: Literal["debug", "release"] | None = None


class PushToken(Arguments):
    """A token that an app received from Apple or Google."""

    token: Text
    platform: Literal["android", "ios"]
    vendor: Literal["apns", "fcm"]
    enablement_status: Literal["AUTHORIZED", "DENIED", "NOT_DETERMINED", "PROVISIONAL", "UNAUTHORIZED"] | None = None
    background: Literal["AVAILABLE", "DENIED", "RESTRICTED"] | None = None
    device_metadata: Annotated[Device, one_line_schema(Device)] | None = None


TOKEN_EXAMPLE = {
    "token": "1234567890",
    "platform": "ios",
    "vendor": "apns",
    "enablement_status": "AUTHORIZED",
    "background": "AVAILABLE",
    "device_metadata": {
        "device_id": "device-1",
        "klaviyo_sdk": "swift",
        "sdk_version": "1.0.0",
        "device_model": "iPhone12,5",
        "os_name": "ios",
        "os_version": "17.0",
        "manufacturer": "Apple",
        "app_name": "Example",
        "app_version": "2.1",
        "app_build": "7",
        "app_id": "com.example.app",
        "environment": "release",
    },
}
"""A token with all attributes."""


class TokenProfile(InnerProfile):
    @model_validator(mode="after")
    def _check_identifier(self) -> Self:
        require_identifier(self, "email", "phone_number", "id", "external_id", "kx")
        return self


class NewPushToken(PushToken):
    profile: Annotated[
        TokenProfile,
        Embedded("profile"),
        one_line_schema(TokenProfile, "email, phone_number, id, external_id or _kx; attributes to set"),
    ]


area.resource_type(
    "push-token",
    "platform vendor enablement_status background metadata.app_name metadata.device_model profile created"
    " recorded_date",
    """background created enablement_status platform recorded_date token vendor
    metadata(app_build app_id app_name app_version device_id device_model environment klaviyo_sdk manufacturer
        os_name os_version sdk_version)""",
    label="platform",
    facet="platform",
    date="created",
    relationships="profile",
    untrusted="background metadata token vendor",
)
area.collection(
    "get_push_tokens",
    "/api/push-tokens",
    "push-token",
    "Push tokens of the account, by profile, platform or status.",
    rate=M,
    scopes=READ_SCOPES,
    filter={"profile.id": "equals", "enablement_status": "equals", "platform": "equals", "id": "equals"},
    include=("profile",),
    max_page_size=100,
)
area.record(
    "get_push_token",
    "/api/push-tokens/{push_token_id}",
    "push-token",
    "One push token.",
    rate=M,
    scopes=READ_SCOPES,
    include=("profile",),
)
area.create(
    "create_push_token",
    "/api/push-tokens",
    "push-token",
    NewPushToken,
    "Register a device for a person's push messages; it counts as their consent.",
    rate=L,
    preview=Preview(
        ("register a device ({platform}) for push messages to {profile}.", "This counts as their consent.")
    ),
    max_body_bytes=100_000,
    answer=AnswerKind.NOTHING,
    effect=Effect.REACHES_PEOPLE,
    scopes="profiles:write push-tokens:write",
)
area.delete(
    "delete_push_token",
    "/api/push-tokens/{push_token_id}",
    "push-token",
    "Delete a push token; that device gets no more push messages.",
    rate=S,
    preview=Preview(("delete the {record} of {profile}: that device gets no more push messages.",)),
    effect=Effect.REACHES_PEOPLE,
)
area.collection(
    "get_push_tokens_for_profile",
    "/api/profiles/{profile_id}/push-tokens",
    "push-token",
    "Push tokens of a profile.",
    rate=M,
    paged=False,
    scopes="profiles:read",
    aliases="get_profile_push_tokens",
    ids_operation="get_push_token_ids_for_profile",
)
area.record(
    "get_profile_for_push_token",
    "/api/push-tokens/{push_token_id}/profile",
    "profile",
    "The profile of a push token.",
    rate=M,
    scopes=READ_SCOPES,
    aliases="get_push_token_profile",
    additional_fields=ADDITIONAL_FIELDS,
    ids_operation="get_profile_id_for_push_token",
)
