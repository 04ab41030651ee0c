"""Back in stock: people who want a message when a variant is in stock again."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from klaviyo_tools.areas.profiles import require_identifier
from klaviyo_tools.arguments.places import Embedded, Relationship, Target
from klaviyo_tools.arguments.types import Arguments, CatalogId, Email, Id, Phone, Text, one_line_schema
from klaviyo_tools.operation.area import XL, Area
from klaviyo_tools.operation.facts import AnswerKind, Effect
from klaviyo_tools.operation.preview import Preview

area = Area("back_in_stock")


class WaitingProfile(Arguments):
    """The person who waits. A person without a profile gets one."""

    EXAMPLES: ClassVar = (
        {"email": "ann@example.com"},
        {"id": "01PROFILE", "email": "ann@example.com", "phone_number": "+14155550123", "external_id": "shop-77"},
    )

    id: Annotated[Id | None, Target()] = None
    email: Email | None = None
    phone_number: Phone | None = None
    external_id: Text | None = None

    @model_validator(mode="after")
    def _check_identifier(self) -> Self:
        require_identifier(self, "id", "email", "phone_number", "external_id")
        return self


class BackInStock(Arguments):
    variant_id: Annotated[CatalogId, Relationship("catalog-variant")] = Field(
        description="such as $custom:::$default:::SKU-1 or $shopify:::$default:::1"
    )
    profile: Annotated[WaitingProfile, Embedded("profile"), one_line_schema(WaitingProfile)]
    channels: Annotated[list[Literal["EMAIL", "PUSH", "SMS", "WHATSAPP"]], Field(min_length=1)]


area.create(
    "create_back_in_stock_subscription",
    "/api/back-in-stock-subscriptions",
    "back-in-stock-subscription",
    BackInStock,
    "Notify a person when a variant is back in stock: a flow then messages them.",
    rate=XL,
    preview=Preview(
        ("notify {profile} by {channels} once the {record} is in stock again.",),
        record=("catalog-variant", "variant_id"),
    ),
    answer=AnswerKind.NOTHING,
    effect=Effect.REACHES_PEOPLE,
    scopes="catalogs:write profiles:write",
)
