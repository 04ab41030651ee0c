"""Profiles: the people an account knows, and what it knows about each."""

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

area = Area(
    "profiles",
    search_words=(
        "contact customer subscriber person people user shopper buyer lead guest member client crm kunde kundin "
        "kontakt cliente contacto persona personne"
    ),
)

EXTRAS = ("subscriptions", "predictive_analytics")
"""What a profile answers only when asked for."""
SPAN = "greater-or-equal greater-than less-or-equal less-than"


# Objects that profiles have wherever they are sent: here, in imports and in events.


def _degrees(most: int) -> Callable[[float], float]:
    def check(given: float) -> float:
        if not -most <= given <= most:
            raise ValueError(f"{given} is not between -{most} and {most} degrees")
        return given

    return check


Clearable = Annotated[str | None, CLEARS]


class Place(Arguments):
    """Where a profile is. A null clears what Klaviyo holds."""

    address1: Clearable = None
    address2: Clearable = None
    city: Clearable = None
    country: Clearable = None
    region: Clearable = None
    zip: Clearable = None
    timezone: Clearable = None
    latitude: Annotated[Annotated[float, AfterValidator(_degrees(90))] | None, CLEARS] = None
    longitude: Annotated[Annotated[float, AfterValidator(_degrees(180))] | None, CLEARS] = None
    ip: Clearable = None


class Patch(Arguments):
    """Changes inside custom properties: values put on or taken off lists, keys taken away."""

    append: OpenObject | None = None
    unappend: OpenObject | None = None
    unset: list[Text] | None = None


class IdentifierPatch(Arguments):
    """Identifiers put on a profile or taken off: so far further e-mail addresses."""

    append: OpenObject | None = None
    unappend: OpenObject | None = None


PatchIdentifiers = Annotated[
    IdentifierPatch,
    one_line_schema(IdentifierPatch, "append, unappend: {email: [further addresses]}"),
    Since("2026-07-15"),
]
Location = Annotated[Place, one_line_schema(Place), Brief("address1, city, region, zip, country …")]
PatchProperties = Annotated[Patch, one_line_schema(Patch, "append, unappend: {key: value} on lists; unset: [keys]")]


class ProfileAttributes(Arguments):
    """What a profile holds. Null is not sent: what Klaviyo holds stays."""

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


WHOLE: dict[str, Any] = {
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
"""Every attribute, for the examples of models that need an identifier."""
MOVED: dict[str, Any] = {"append": {"email": ["anna@example.com"]}, "unappend": {"email": ["a@example.com"]}}
PATCHED: dict[str, Any] = {"append": {"skus": "SKU-1"}, "unappend": {"skus": "SKU-2"}, "unset": ["size"]}


class ClearableAttributes(Arguments):
    """The same where null clears what Klaviyo holds."""

    email: Annotated[Email | None, CLEARS] = None
    phone_number: Annotated[Phone | None, CLEARS] = Field(None, description="E.164")
    external_id: Annotated[Text | None, CLEARS] = None
    first_name: Clearable = None
    last_name: Clearable = None
    organization: Clearable = None
    title: Clearable = Field(None, description="job title")
    locale: Clearable = None
    image: Clearable = None
    location: Location | None = None
    properties: OpenObject | None = Field(None, description="custom; keys not given stay")


def identified(arguments: Arguments, *names: str) -> None:
    """Raises ValueError unless one of these identifiers is given."""
    if not any(getattr(arguments, name) for name in names):
        shown = [type(arguments).model_fields[name].alias or name for name in names]
        raise ValueError(f"a profile needs {', '.join(shown[:-1])} or {shown[-1]}")


class InnerProfile(ProfileAttributes):
    """A profile inside an event or a push token: whose it is, and what to write to that profile on the way."""

    EXAMPLES: ClassVar[tuple[dict[str, Any], ...]] = (
        {"email": "ann@example.com"},
        {**WHOLE, "id": "01PROFILE", "_kx": "x", "patch_properties": PATCHED, "patch_identifiers": MOVED},
    )

    id: Annotated[Id | None, Target()] = None
    kx: Annotated[Text | None, Attribute("_kx")] = Field(None, alias="_kx")
    patch_properties: Annotated[PatchProperties | None, Attribute("meta.patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Attribute("meta.patch_identifiers")] = None


# What the operations of this area take.


class NewProfile(ProfileAttributes):
    EXAMPLES: ClassVar = ({"email": "ann@example.com"}, {**WHOLE, "additional_fields": list(EXTRAS)})

    @model_validator(mode="after")
    def _identified(self) -> Self:
        identified(self, "email", "phone_number", "external_id")
        return self


class ProfileChanges(ClearableAttributes):
    patch_properties: Annotated[PatchProperties | None, Meta("patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Meta("patch_identifiers")] = None


class UpsertedProfile(ClearableAttributes):
    EXAMPLES: ClassVar = (
        {"email": "ann@example.com"},
        {
            **WHOLE,
            "profile_id": "01PROFILE",
            "_kx": "x",
            "patch_properties": PATCHED,
            "patch_identifiers": MOVED,
            "additional_fields": list(EXTRAS),
        },
    )

    profile_id: Annotated[Id | None, Target()] = None
    kx: Annotated[Text | None, Attribute("_kx")] = Field(None, alias="_kx")
    patch_properties: Annotated[PatchProperties | None, Meta("patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Meta("patch_identifiers")] = None

    @model_validator(mode="after")
    def _identified(self) -> Self:
        identified(self, "profile_id", "email", "phone_number", "external_id", "kx")
        return self


class Merger(Arguments):
    profile_id: Annotated[Id, Target()] = Field(description="the one that stays")
    profile_ids: Annotated[list[Id], Relationship("profile")] = Field(
        description="the one that goes", examples=[["01OTHER"]]
    )

    @model_validator(mode="after")
    def _one_other(self) -> Self:
        if len(self.profile_ids) != 1:
            raise ValueError(f"profile_ids takes exactly one id a call, not {len(self.profile_ids)}")
        if self.profile_id in self.profile_ids:
            raise ValueError("profile_ids names the profile that stays: give the other one")
        return self


CONSENT = "can_receive consent consent_timestamp created_timestamp last_updated metadata valid_until"
MEASURED = "consent consent_timestamp last_updated method method_detail"
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
        email(marketing({MEASURED} can_receive_email_marketing custom_method_detail double_optin
            list_suppressions suppression) open_tracking({CONSENT}))
        sms(marketing({MEASURED} can_receive_sms_marketing)
            transactional({MEASURED} can_receive_sms_transactional))
        mobile_push(marketing(can_receive_push_marketing consent consent_timestamp))
        whatsapp(conversational|marketing|transactional({CONSENT} phone_number)))""",
    label="email phone_number external_id",
    facet="location.country",
    date="created",
    relationships="lists:list segments:segment push-tokens:push-token conversations:conversation",
    # A sign-up form posts to Klaviyo with a public key, the source it names for the consent included.
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
    "Find people; subscriptions adds their consent.",
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
        "subscriptions.email.marketing.suppression.timestamp": SPAN,
        "subscriptions.email.marketing.list_suppressions.timestamp": SPAN,
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
    additional_fields=EXTRAS,
    max_page_size=100,
    lower_rates={"predictive_analytics": M},
    search_words=(
        "who everyone everybody whose address phone email inbox check status consent subscribed optin suppressed "
        "blocked bounced everything know best customers value ltv clv churn vip predicted nachschlagen suchen finden "
        "busca buscar encuentra chercher trouver rechercher"
    ),
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
    additional_fields=EXTRAS,
    lower_rates={"lists": XS, "segments": XS},
    search_words=(
        "details everything know about full record card single custom properties location lifetime value ltv clv "
        "churn risk predicted predictive expected next order consent subscribed status"
    ),
)
area.create(
    "create_profile",
    "/api/profiles",
    "profile",
    NewProfile,
    "Add a person, without consent; fails if there already.",
    rate=L,
    max_body_bytes=100_000,
    additional_fields=EXTRAS,
    search_words="new register enter sign person kunden anlegen alta registrar enregistrer walked met",
)
area.update(
    "update_profile",
    "/api/profiles/{profile_id}",
    "profile",
    ProfileChanges,
    "Change a person; null clears, properties merge.",
    rate=L,
    max_body_bytes=100_000,
    additional_fields=EXTRAS,
    search_words=(
        "phone number name surname email address birthday date birth city loyalty tier custom property attribute "
        "field moved typo wrong nummer adresse geburtstag teléfono dirección cumpleaños téléphone anniversaire"
    ),
)
area.create(
    "merge_profiles",
    "/api/profile-merge",
    "profile",
    Merger,
    "Merge one profile into another and delete it; cannot be undone.",
    rate=M,
    preview=PreviewKind.PROFILE_MERGE,
    body_type="profile-merge",
    effect=Effect.IRREVERSIBLE,
    aliases="create_profile_merge",
    verify_with="get_profile",
    search_words=(
        "duplicate duplicates twice two double same person one dupe dupes together doppelt doppelte duplicado "
        "duplicados doublon doublons"
    ),
)
area.collection(
    "get_lists_for_profile",
    "/api/profiles/{profile_id}/lists",
    "list",
    "Lists that a person is on.",
    rate=S,
    paged=False,
    scopes="lists:read profiles:read",
    aliases="get_profile_lists",
    search_words=(
        "which lists person on member membership belongs subscribed listen mitglied listas pertenece listes appartient"
    ),
    ids_operation="get_list_ids_for_profile",
)
area.collection(
    "get_segments_for_profile",
    "/api/profiles/{profile_id}/segments",
    "segment",
    "Segments that a person is in.",
    rate=S,
    paged=False,
    scopes="profiles:read segments:read",
    aliases="get_profile_segments",
    search_words=(
        "which segments audiences person in qualify qualifies falls belongs membership dynamic groups segmente "
        "segmentos pertenece appartient"
    ),
    ids_operation="get_segment_ids_for_profile",
)
area.create(
    "create_or_update_profile",
    "/api/profile-import",
    "profile",
    UpsertedProfile,
    "Add a person, or change the one with that identifier; null clears, properties are merged.",
    rate=L,
    max_body_bytes=100_000,
    additional_fields=EXTRAS,
    aliases="create_profile_import",
    search_words="upsert whether exists already insert otherwise idempotent sync falls anlegen si existe",
)
