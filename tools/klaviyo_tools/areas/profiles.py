"""Profiles: the people in an account, and their attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, model_validator

from klaviyo_tools.arguments.marks import CLEARS, Brief, Since
from klaviyo_tools.arguments.places import Attribute, Meta, Relationship, Target
from klaviyo_tools.arguments.types import Arguments, Email, Id, OpenObject, Phone, Text, one_line_schema
from klaviyo_tools.operation.area import XS, Area, L, M, S
from klaviyo_tools.operation.facts import Effect, RecordAddress
from klaviyo_tools.operation.preview import PreviewKind

area = Area("profiles")

ADDITIONAL_FIELDS = ("subscriptions", "predictive_analytics")
"""Attributes that Klaviyo answers only for `additional_fields`."""
TIME_OPERATORS = "greater-or-equal greater-than less-or-equal less-than"


# Objects in profiles, which imports and events send as well.


def _check_degrees(most: int) -> Callable[[float], float]:
    def check(value: float) -> float:
        if not -most <= value <= most:
            raise ValueError(f"{value} is not between -{most} and {most} degrees")
        return value

    return check


ClearableText = Annotated[str | None, CLEARS]


class Place(Arguments):
    """The place of a profile. A null clears the value in Klaviyo."""

    address1: ClearableText = None
    address2: ClearableText = None
    city: ClearableText = None
    country: ClearableText = None
    region: ClearableText = None
    zip: ClearableText = None
    timezone: ClearableText = None
    latitude: Annotated[Annotated[float, AfterValidator(_check_degrees(90))] | None, CLEARS] = None
    longitude: Annotated[Annotated[float, AfterValidator(_check_degrees(180))] | None, CLEARS] = None
    ip: ClearableText = None


class PropertyPatch(Arguments):
    """Changes inside custom properties: values added to or removed from lists, and keys removed."""

    append: OpenObject | None = None
    unappend: OpenObject | None = None
    unset: list[Text] | None = None


class IdentifierPatch(Arguments):
    """Identifiers added to a profile or removed: so far only e-mail addresses."""

    append: OpenObject | None = None
    unappend: OpenObject | None = None


PatchIdentifiers = Annotated[
    IdentifierPatch,
    one_line_schema(IdentifierPatch, "append, unappend: {email: [further addresses]}"),
    Since("2026-07-15"),
]
Location = Annotated[Place, one_line_schema(Place), Brief("address1, city, region, zip, country …")]
PatchProperties = Annotated[
    PropertyPatch, one_line_schema(PropertyPatch, "append, unappend: {key: value} on lists; unset: [keys]")
]


class ProfileAttributes(Arguments):
    """The attributes of a profile. A null is not sent: the value in Klaviyo stays."""

    email: Email | None = None
    phone_number: Phone | None = Field(None, description="E.164")
    external_id: Text | None = None
    first_name: str | None = None
    last_name: str | None = None
    organization: str | None = None
    title: str | None = Field(None, description="job title")
    locale: str | None = None
    image: str | None = None
    location: Location | None = None
    properties: OpenObject | None = Field(None, description="custom")


FULL_PROFILE: dict[str, Any] = {
    "email": "ann@example.com",
    "phone_number": "+14155550123",
    "external_id": "shop-77",
    "first_name": "Ann",
    "last_name": "Example",
    "organization": "Example Ltd",
    "title": "Buyer",
    "locale": "en-US",
    "image": "https://example.com/ann.png",
    "location": {
        "address1": "1 Example Street",
        "address2": "Floor 2",
        "city": "Boston",
        "country": "United States",
        "region": "MA",
        "zip": "02110",
        "timezone": "America/New_York",
        "latitude": 42.36,
        "longitude": -71.06,
        "ip": "192.0.2.1",
    },
    "properties": {"size": "M"},
}
"""All attributes, for the examples of models that need an identifier."""
IDENTIFIER_PATCH: dict[str, Any] = {
    "append": {"email": ["anna@example.com"]},
    "unappend": {"email": ["a@example.com"]},
}
PROPERTY_PATCH: dict[str, Any] = {"append": {"skus": "SKU-1"}, "unappend": {"skus": "SKU-2"}, "unset": ["size"]}


class ClearableAttributes(Arguments):
    """The same attributes; a null clears the value in Klaviyo."""

    email: Annotated[Email | None, CLEARS] = None
    phone_number: Annotated[Phone | None, CLEARS] = Field(None, description="E.164")
    external_id: Annotated[Text | None, CLEARS] = None
    first_name: ClearableText = None
    last_name: ClearableText = None
    organization: ClearableText = None
    title: ClearableText = Field(None, description="job title")
    locale: ClearableText = None
    image: ClearableText = None
    location: Location | None = None
    properties: OpenObject | None = Field(None, description="custom; keys not given stay")


def require_identifier(arguments: Arguments, *names: str) -> None:
    """Raises ValueError unless one of these identifiers is given."""
    if not any(getattr(arguments, name) for name in names):
        identifiers = [type(arguments).model_fields[name].alias or name for name in names]
        raise ValueError(f"a profile needs {', '.join(identifiers[:-1])} or {identifiers[-1]}")


FULL_PROFILE_WITH_PATCHES: dict[str, Any] = {
    **FULL_PROFILE,
    "id": "01PROFILE",
    "_kx": "x",
    "patch_properties": PROPERTY_PATCH,
    "patch_identifiers": IDENTIFIER_PATCH,
}


class InnerProfile(ProfileAttributes):
    """The profile of an event or a push token; attributes beside its identifier are written to the profile."""

    EXAMPLES: ClassVar[tuple[dict[str, Any], ...]] = (
        {"email": "ann@example.com"},
        FULL_PROFILE_WITH_PATCHES,
    )

    id: Annotated[Id | None, Target()] = None
    kx: Annotated[Text | None, Attribute("_kx")] = Field(None, alias="_kx")
    patch_properties: Annotated[PatchProperties | None, Attribute("meta.patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Attribute("meta.patch_identifiers")] = None


# Arguments of the operations.


class NewProfile(ProfileAttributes):
    EXAMPLES: ClassVar = (
        {"email": "ann@example.com"},
        {**FULL_PROFILE, "additional_fields": list(ADDITIONAL_FIELDS)},
    )

    @model_validator(mode="after")
    def _check_identifier(self) -> Self:
        require_identifier(self, "email", "phone_number", "external_id")
        return self


class ProfileChanges(ClearableAttributes):
    patch_properties: Annotated[PatchProperties | None, Meta("patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Meta("patch_identifiers")] = None


class UpsertedProfile(ClearableAttributes):
    EXAMPLES: ClassVar = (
        {"email": "ann@example.com"},
        {
            **FULL_PROFILE,
            "profile_id": "01PROFILE",
            "_kx": "x",
            "patch_properties": PROPERTY_PATCH,
            "patch_identifiers": IDENTIFIER_PATCH,
            "additional_fields": list(ADDITIONAL_FIELDS),
        },
    )

    profile_id: Annotated[Id | None, Target()] = None
    kx: Annotated[Text | None, Attribute("_kx")] = Field(None, alias="_kx")
    patch_properties: Annotated[PatchProperties | None, Meta("patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Meta("patch_identifiers")] = None

    @model_validator(mode="after")
    def _check_identifier(self) -> Self:
        require_identifier(self, "profile_id", "email", "phone_number", "external_id", "kx")
        return self


class Merger(Arguments):
    profile_id: Annotated[Id, Target()] = Field(description="profile that stays")
    profile_ids: Annotated[list[Id], Relationship("profile")] = Field(
        description="profile to delete", examples=[["01OTHER"]]
    )

    @model_validator(mode="after")
    def _check_other(self) -> Self:
        if len(self.profile_ids) != 1:
            raise ValueError(f"profile_ids takes exactly one id a call, not {len(self.profile_ids)}")
        if self.profile_id in self.profile_ids:
            raise ValueError("profile_ids names the profile that stays: give the other one")
        return self


CONSENT_FIELDS = "can_receive consent consent_timestamp created_timestamp last_updated metadata valid_until"
MARKETING_FIELDS = "consent consent_timestamp last_updated method method_detail"
area.resource_type(
    "profile",
    "email phone_number first_name last_name location.city location.country created last_event_date joined_group_at",
    f"""email phone_number external_id first_name last_name organization title locale image created updated
    last_event_date joined_group_at properties
    location(address1 address2 city country ip latitude longitude region timezone zip)
    predictive_analytics(average_days_between_orders average_order_value churn_probability
        expected_date_of_next_order historic_clv historic_number_of_orders predicted_clv
        predicted_number_of_orders ranked_channel_affinity total_clv)
    subscriptions(
        email(marketing({MARKETING_FIELDS} can_receive_email_marketing custom_method_detail double_optin
            list_suppressions suppression) open_tracking({CONSENT_FIELDS}))
        sms(marketing({MARKETING_FIELDS} can_receive_sms_marketing)
            transactional({MARKETING_FIELDS} can_receive_sms_transactional))
        mobile_push(marketing(can_receive_push_marketing consent consent_timestamp))
        whatsapp(conversational|marketing|transactional({CONSENT_FIELDS} phone_number)))""",
    label="email phone_number external_id",
    facet="location.country",
    date="created",
    relationships="lists:list segments:segment push-tokens:push-token conversations:conversation",
    # Sign-up forms send these with a public key, also the source of the consent: strangers can write them.
    untrusted="""email phone_number external_id first_name last_name organization title locale image location
    properties subscriptions.email.marketing.method_detail subscriptions.email.marketing.custom_method_detail
    subscriptions.sms.marketing.method_detail subscriptions.sms.transactional.method_detail
    subscriptions.email.open_tracking.metadata subscriptions.whatsapp.conversational.metadata
    subscriptions.whatsapp.marketing.metadata subscriptions.whatsapp.transactional.metadata""",
    additional_columns="""subscriptions.email.marketing.consent subscriptions.sms.marketing.consent
    subscriptions.mobile_push.marketing.consent predictive_analytics.historic_clv
    predictive_analytics.predicted_clv predictive_analytics.historic_number_of_orders
    predictive_analytics.churn_probability predictive_analytics.expected_date_of_next_order""",
    additional_fields="subscriptions predictive_analytics joined_group_at",
    fields_since={"2026-07-15": "subscriptions.email.open_tracking"},
)
area.collection(
    "get_profiles",
    "/api/profiles",
    "profile",
    "Find people; additional_fields=subscriptions: consent.",
    rate=L,
    filter={
        "email": "any equals",
        "phone_number": "any equals",
        "external_id": "any equals",
        "id": "any equals",
        "_kx": "equals",
        "created": "greater-than less-than",
        "updated": "greater-than less-than",
        "subscriptions.email.marketing.suppression.reason": "equals",
        "subscriptions.email.marketing.list_suppressions.reason": "equals",
        "subscriptions.email.marketing.list_suppressions.list_id": "equals",
        "subscriptions.email.marketing.suppression.timestamp": TIME_OPERATORS,
        "subscriptions.email.marketing.list_suppressions.timestamp": TIME_OPERATORS,
    },
    sort=(
        "created",
        "updated",
        "email",
        "id",
        "subscriptions.email.marketing.suppression.timestamp",
        "subscriptions.email.marketing.list_suppressions.timestamp",
    ),
    include=("push-tokens", "conversations"),
    values_since={"conversations": "2026-07-15"},
    additional_fields=ADDITIONAL_FIELDS,
    max_page_size=100,
    lower_rates={"predictive_analytics": M},
)
area.record(
    "get_profile",
    "/api/profiles/{profile_id}",
    "profile",
    "One person by profile id; by e-mail or phone: get_profiles.",
    rate=L,
    address=RecordAddress("A person, with consent.", {"additional_fields": ["subscriptions"]}),
    include=("lists", "segments", "push-tokens", "conversations"),
    values_since={"conversations": "2026-07-15"},
    additional_fields=ADDITIONAL_FIELDS,
    lower_rates={"lists": XS, "segments": XS},
)
area.create(
    "create_profile",
    "/api/profiles",
    "profile",
    NewProfile,
    "Add a profile without consent; fails if it exists.",
    rate=L,
    max_body_bytes=100_000,
    additional_fields=ADDITIONAL_FIELDS,
)
area.update(
    "update_profile",
    "/api/profiles/{profile_id}",
    "profile",
    ProfileChanges,
    "Change a profile; null clears, properties merge.",
    rate=L,
    max_body_bytes=100_000,
    additional_fields=ADDITIONAL_FIELDS,
)
area.create(
    "merge_profiles",
    "/api/profile-merge",
    "profile",
    Merger,
    "Merge a profile into another; the merged one is deleted for good.",
    rate=M,
    preview=PreviewKind.PROFILE_MERGE,
    body_type="profile-merge",
    effect=Effect.IRREVERSIBLE,
    aliases="create_profile_merge",
    verify_with="get_profile",
)
area.collection(
    "get_lists_for_profile",
    "/api/profiles/{profile_id}/lists",
    "list",
    "Lists that a profile is on.",
    rate=S,
    paged=False,
    scopes="lists:read profiles:read",
    aliases="get_profile_lists",
    ids_operation="get_list_ids_for_profile",
)
area.collection(
    "get_segments_for_profile",
    "/api/profiles/{profile_id}/segments",
    "segment",
    "Segments that a profile is in.",
    rate=S,
    paged=False,
    scopes="profiles:read segments:read",
    aliases="get_profile_segments",
    ids_operation="get_segment_ids_for_profile",
)
area.create(
    "create_or_update_profile",
    "/api/profile-import",
    "profile",
    UpsertedProfile,
    "Add a profile, or change the one with that identifier; null clears, properties merge.",
    rate=L,
    max_body_bytes=100_000,
    additional_fields=ADDITIONAL_FIELDS,
    aliases="create_profile_import",
)
