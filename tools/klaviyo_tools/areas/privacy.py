"""Data privacy: the permanent deletion of a person's data."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import model_validator

from klaviyo_tools.arguments.places import Embedded, Target
from klaviyo_tools.arguments.types import Arguments, Email, Id, Phone, one_line_schema
from klaviyo_tools.operation.area import Area, S
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.preview import PreviewKind

area = Area(
    "privacy",
    scope="data-privacy",
)


class ErasedProfile(Arguments):
    EXAMPLES: ClassVar = ({"email": "ann@example.com"}, {"phone_number": "+14155550123"}, {"id": "01PROFILE"})

    id: Annotated[Id | None, Target()] = None
    email: Email | None = None
    phone_number: Phone | None = None

    @model_validator(mode="after")
    def _check_one(self) -> Self:
        if sum(bool(value) for value in (self.id, self.email, self.phone_number)) != 1:
            raise ValueError("give exactly one of id, email or phone_number")
        return self


class Erasure(Arguments):
    profile: Annotated[
        ErasedProfile, Embedded("profile"), one_line_schema(ErasedProfile, "one of id, email, phone_number")
    ]


area.job(
    "request_profile_deletion",
    "/api/data-privacy-deletion-jobs",
    "profile",
    Erasure,
    "Erase for good all profiles with this id, e-mail or phone number, and their data.",
    rate=S,
    preview=PreviewKind.PROFILE_ERASURE,
    body_type="data-privacy-deletion-job",
    effect=Effect.IRREVERSIBLE,
    aliases="create_data_privacy_deletion_job",
    verify_with="get_profiles",
)
