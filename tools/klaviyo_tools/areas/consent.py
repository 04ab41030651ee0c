"""Consent: subscribe, unsubscribe and suppress many profiles at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from klaviyo_tools.areas.push_tokens import TOKEN_EXAMPLE, PushToken
from klaviyo_tools.arguments.marks import Since
from klaviyo_tools.arguments.places import Embedded, Relationship, Target
from klaviyo_tools.arguments.types import Arguments, Day, Email, Id, Phone, Text, Timestamp, one_line_schema
from klaviyo_tools.operation.area import Area, L
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.preview import PreviewKind

area = Area(
    "consent",
    scope="subscriptions",
)

LIST_SCOPES = "lists:write profiles:write subscriptions:write"
MAX_SUPPRESSED_PROFILES = 100

# Parts of the examples below.
OPT_IN = {"consent": "SUBSCRIBED", "consented_at": "2025-11-03T10:00:00Z"}
OPT_OUT = {"consent": "UNSUBSCRIBED"}


def _require_one_of(arguments: Arguments, *names: str) -> None:
    if not any(getattr(arguments, name) for name in names):
        raise ValueError(f"give at least one of {', '.join(names)}")


# Subscribe.


class Consent(Arguments):
    consent: Literal["SUBSCRIBED"]
    consented_at: Timestamp | None = None


class TrackingConsent(Arguments):
    consent: Literal["SUBSCRIBED"]


class EmailSubscription(Arguments):
    marketing: Consent | None = None
    open_tracking: Annotated[TrackingConsent | None, Since("2026-07-15")] = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        _require_one_of(self, "marketing", "open_tracking")
        return self


class TextSubscription(Arguments):
    """By SMS or WhatsApp."""

    marketing: Consent | None = None
    transactional: Consent | None = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        _require_one_of(self, "marketing", "transactional")
        return self


class PushSubscription(Arguments):
    marketing: Consent
    tokens: list[PushToken] | None = None
    anonymous_id: Text | None = None


class Subscriptions(Arguments):
    email: EmailSubscription | None = None
    sms: TextSubscription | None = None
    whatsapp: TextSubscription | None = None
    push: PushSubscription | None = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        _require_one_of(self, "email", "sms", "whatsapp", "push")
        return self

    def consents(self) -> Iterator[Consent]:
        for channel in (self.email, self.sms, self.whatsapp, self.push):
            for kind in ("marketing", "transactional"):
                if consent := getattr(channel, kind, None):
                    yield consent


class Subscriber(Arguments):
    id: Annotated[Id | None, Target()] = None
    email: Email | None = None
    phone_number: Phone | None = None
    subscriptions: Subscriptions
    age_gated_date_of_birth: Day | None = None

    @model_validator(mode="after")
    def _check_addresses(self) -> Self:
        channels = self.subscriptions
        _check_addresses(
            channels.email, channels.sms or channels.whatsapp, self.email or self.id, self.phone_number or self.id
        )
        return self


def _check_addresses(by_email: object, by_text: object, email: str | None, phone: str | None) -> None:
    """Raises ValueError unless each channel has the address that it needs."""
    if by_email and not email:
        raise ValueError("an email subscription needs the profile's email")
    if by_text and not phone:
        raise ValueError("an sms or whatsapp subscription needs the profile's phone_number")


SubscriberArgument = Annotated[
    Subscriber,
    one_line_schema(
        Subscriber,
        'email, phone_number or id; subscriptions {"email":{"marketing":{"consent":"SUBSCRIBED"}}}, or sms, '
        "whatsapp, push; age_gated_date_of_birth",
    ),
]


class SubscriptionRequest(Arguments):
    EXAMPLES: ClassVar = (
        {
            "profiles": [
                {"email": "ann@example.com", "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}}}
            ]
        },
        {
            "profiles": [
                {
                    "id": "01PROFILE",
                    "email": "ann@example.com",
                    "phone_number": "+14155550123",
                    "subscriptions": {
                        "email": {"marketing": OPT_IN, "open_tracking": {"consent": "SUBSCRIBED"}},
                        "sms": {"marketing": OPT_IN, "transactional": OPT_IN},
                        "whatsapp": {"marketing": OPT_IN, "transactional": OPT_IN},
                        "push": {"marketing": OPT_IN, "tokens": [TOKEN_EXAMPLE], "anonymous_id": "a1"},
                    },
                    "age_gated_date_of_birth": "1990-05-12",
                }
            ],
            "list_id": "Y6nRLr",
            "custom_source": "Till",
            "historical_import": True,
        },
    )

    profiles: Annotated[list[SubscriberArgument], Field(min_length=1, max_length=1000), Embedded("profile")]
    list_id: Annotated[Id | None, Relationship("list")] = None
    custom_source: str | None = None
    historical_import: bool | None = Field(None, description="no double opt-in; each consent needs consented_at")

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        for number, profile in enumerate(self.profiles):
            have_dates = [consent.consented_at is not None for consent in profile.subscriptions.consents()]
            if self.historical_import and not all(have_dates):
                raise ValueError(f"with historical_import each consent needs consented_at: profiles.{number} has none")
            if not self.historical_import and any(have_dates):
                raise ValueError(f"consented_at needs historical_import=true: profiles.{number} has one")
        return self


# Unsubscribe.


class ConsentWithdrawal(Arguments):
    consent: Literal["UNSUBSCRIBED"]


class EmailUnsubscription(Arguments):
    marketing: ConsentWithdrawal | None = None
    open_tracking: Annotated[ConsentWithdrawal | None, Since("2026-07-15")] = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        _require_one_of(self, "marketing", "open_tracking")
        return self


class SmsUnsubscription(Arguments):
    marketing: ConsentWithdrawal | None = None
    transactional: ConsentWithdrawal | None = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        _require_one_of(self, *type(self).model_fields)
        return self


class WhatsAppUnsubscription(SmsUnsubscription):
    conversational: ConsentWithdrawal | None = None


class PushUnsubscription(Arguments):
    marketing: ConsentWithdrawal
    tokens: Annotated[list[PushToken], Field(min_length=1)]


class Unsubscriptions(Arguments):
    email: EmailUnsubscription | None = None
    sms: SmsUnsubscription | None = None
    whatsapp: WhatsAppUnsubscription | None = None
    push: PushUnsubscription | None = None

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        _require_one_of(self, "email", "sms", "whatsapp", "push")
        return self


class Unsubscriber(Arguments):
    email: Email | None = None
    phone_number: Phone | None = None
    subscriptions: Unsubscriptions

    @model_validator(mode="after")
    def _check_addresses(self) -> Self:
        channels = self.subscriptions
        _require_one_of(self, "email", "phone_number")
        _check_addresses(channels.email, channels.sms or channels.whatsapp, self.email, self.phone_number)
        return self


UnsubscriberArgument = Annotated[
    Unsubscriber,
    one_line_schema(
        Unsubscriber,
        'email or phone_number; subscriptions {"email":{"marketing":{"consent":"UNSUBSCRIBED"}}}, or '
        "sms, whatsapp, push",
    ),
]


class UnsubscriptionRequest(Arguments):
    EXAMPLES: ClassVar = (
        {"profiles": [{"email": "ann@example.com", "subscriptions": {"email": {"marketing": OPT_OUT}}}]},
        {
            "profiles": [
                {
                    "email": "ann@example.com",
                    "phone_number": "+14155550123",
                    "subscriptions": {
                        "email": {"marketing": OPT_OUT, "open_tracking": OPT_OUT},
                        "sms": {"marketing": OPT_OUT, "transactional": OPT_OUT},
                        "whatsapp": {
                            "marketing": OPT_OUT,
                            "transactional": OPT_OUT,
                            "conversational": OPT_OUT,
                        },
                        "push": {"marketing": OPT_OUT, "tokens": [TOKEN_EXAMPLE]},
                    },
                }
            ],
            "list_id": "Y6nRLr",
        },
    )

    profiles: Annotated[list[UnsubscriberArgument], Field(min_length=1, max_length=100), Embedded("profile")]
    list_id: Annotated[Id | None, Relationship("list")] = None


# Suppress.


class Address(Arguments):
    email: Email

    @model_validator(mode="before")
    @classmethod
    def _accept_email(cls, value: Any) -> Any:
        return {"email": value} if isinstance(value, str) else value


class SuppressionRequest(Arguments):
    EXAMPLES: ClassVar = (
        {"profiles": [{"email": "ann@example.com"}]},
        {"list_id": "Y6nRLr"},
        {"segment_id": "X5mQkq"},
    )

    profiles: Annotated[list[Annotated[Address, one_line_schema(Address)]] | None, Embedded("profile")] = Field(
        None, max_length=MAX_SUPPRESSED_PROFILES
    )
    list_id: Annotated[Id | None, Relationship("list")] = None
    segment_id: Annotated[Id | None, Relationship("segment")] = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(bool(value) for value in (self.profiles, self.list_id, self.segment_id)) != 1:
            raise ValueError("give one of profiles, list_id or segment_id")
        return self


area.job_type("profile-suppression-bulk-create-job", "lists:list segments:segment", "completed_count skipped_count")
area.job_type("profile-suppression-bulk-delete-job", "lists:list segments:segment", "completed_count skipped_count")
area.job(
    "bulk_subscribe_profiles",
    "/api/profile-subscription-bulk-create-jobs",
    "profile",
    SubscriptionRequest,
    "Subscribe people who agreed; double opt-in lists mail them first.",
    rate=L,
    preview=PreviewKind.SUBSCRIPTION,
    body_type="profile-subscription-bulk-create-job",
    effect=Effect.REACHES_PEOPLE,
    scopes=LIST_SCOPES,
    aliases="subscribe_profiles create_profile_subscription_bulk_create_job",
    verify_with="get_profiles",
)
area.job(
    "bulk_unsubscribe_profiles",
    "/api/profile-subscription-bulk-delete-jobs",
    "profile",
    UnsubscriptionRequest,
    "Unsubscribe people; from all marketing if no list, or not on the list.",
    rate=L,
    preview=PreviewKind.UNSUBSCRIPTION,
    body_type="profile-subscription-bulk-delete-job",
    effect=Effect.REACHES_PEOPLE,
    scopes=LIST_SCOPES,
    aliases="unsubscribe_profiles create_profile_subscription_bulk_delete_job",
    verify_with="get_profiles",
)
area.job(
    "bulk_suppress_profiles",
    "/api/profile-suppression-bulk-create-jobs",
    "profile-suppression-bulk-create-job",
    SuppressionRequest,
    "Block email marketing to addresses, a list or a segment.",
    rate=L,
    preview=PreviewKind.SUPPRESSION,
    effect=Effect.REACHES_PEOPLE,
    scopes="profiles:write subscriptions:write",
    aliases="suppress_profiles create_profile_suppression_bulk_create_job",
    job="get_bulk_suppress_profiles_job",
)
area.job(
    "bulk_unsuppress_profiles",
    "/api/profile-suppression-bulk-delete-jobs",
    "profile-suppression-bulk-delete-job",
    SuppressionRequest,
    "Undo bulk_suppress_profiles; bounces and unsubscribes stay blocked.",
    rate=L,
    preview=PreviewKind.UNSUPPRESSION,
    effect=Effect.REACHES_PEOPLE,
    aliases="unsuppress_profiles create_profile_suppression_bulk_delete_job",
    job="get_bulk_unsuppress_profiles_job",
)
area.collection(
    "get_bulk_suppress_profiles_jobs",
    "/api/profile-suppression-bulk-create-jobs",
    "profile-suppression-bulk-create-job",
    "Jobs of bulk_suppress_profiles with their progress.",
    rate=L,
    filter={"status": "equals", "list_id": "equals", "segment_id": "equals"},
    sort=("created",),
    aliases="get_profile_suppression_bulk_create_jobs",
)
area.record(
    "get_bulk_suppress_profiles_job",
    "/api/profile-suppression-bulk-create-jobs/{job_id}",
    "profile-suppression-bulk-create-job",
    "Progress of a bulk_suppress_profiles job.",
    rate=L,
    aliases="get_profile_suppression_bulk_create_job",
)
area.collection(
    "get_bulk_unsuppress_profiles_jobs",
    "/api/profile-suppression-bulk-delete-jobs",
    "profile-suppression-bulk-delete-job",
    "Jobs of bulk_unsuppress_profiles with their progress.",
    rate=L,
    filter={"status": "equals", "list_id": "equals", "segment_id": "equals"},
    sort=("created",),
    aliases="get_profile_suppression_bulk_delete_jobs",
)
area.record(
    "get_bulk_unsuppress_profiles_job",
    "/api/profile-suppression-bulk-delete-jobs/{job_id}",
    "profile-suppression-bulk-delete-job",
    "Progress of a bulk_unsuppress_profiles job.",
    rate=L,
    aliases="get_profile_suppression_bulk_delete_job",
)
