"""Imports: jobs that create or change many profiles."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from klaviyo_tools.areas.profiles import (
    ADDITIONAL_FIELDS,
    FULL_PROFILE_WITH_PATCHES,
    PatchIdentifiers,
    PatchProperties,
    ProfileAttributes,
    require_identifier,
)
from klaviyo_tools.arguments.places import Attribute, Embedded, Meta, Relationship, Target
from klaviyo_tools.arguments.types import Arguments, Id, Text, one_line_schema
from klaviyo_tools.operation.area import Area, M
from klaviyo_tools.operation.facts import Effect
from klaviyo_tools.operation.preview import PreviewKind

area = Area(
    "imports",
    scope="profiles",
)

READ_SCOPES = "lists:read profiles:read"


class ImportedProfile(ProfileAttributes):
    EXAMPLES: ClassVar = (
        {"email": "ann@example.com"},
        FULL_PROFILE_WITH_PATCHES,
    )

    id: Annotated[Id | None, Target()] = None
    kx: Annotated[Text | None, Attribute("_kx")] = Field(None, alias="_kx")
    patch_properties: Annotated[PatchProperties | None, Meta("patch_properties")] = None
    patch_identifiers: Annotated[PatchIdentifiers | None, Meta("patch_identifiers")] = None

    @model_validator(mode="after")
    def _check_identifier(self) -> Self:
        require_identifier(self, "email", "phone_number", "external_id", "id", "kx")
        return self


AS_CREATED = "as in create_profile; also id, _kx, patch_properties"


class ProfileImport(Arguments):
    profiles: Annotated[
        list[Annotated[ImportedProfile, one_line_schema(ImportedProfile, AS_CREATED)]],
        Field(min_length=1, max_length=10_000),
        Embedded("profile"),
    ]
    list_ids: Annotated[list[Id] | None, Relationship("list")] = None


area.job_type(
    "profile-bulk-import-job",
    "lists:list profiles:profile import-errors:import-error",
    more_fields="expires_at started_at",
)
area.resource_type(
    "import-error",
    "code title detail source.pointer",
    "code detail original_payload source(pointer) title",
    label="title",
    facet="code",
    untrusted="detail original_payload",
)
area.job(
    "bulk_import_profiles",
    "/api/profile-bulk-import-jobs",
    "profile-bulk-import-job",
    ProfileImport,
    "Create or change many profiles; sets no consent.",
    rate=M,
    preview=PreviewKind.PROFILE_IMPORT,
    effect=Effect.REACHES_PEOPLE,
    scopes="lists:write profiles:write",
    aliases="spawn_bulk_profile_import_job create_profile_bulk_import_job",
    job="get_bulk_import_profiles_job",
    job_errors="get_errors_for_bulk_import_profiles_job",
    max_body_bytes=5_000_000,
    max_item_bytes={"profiles": 100_000},
)
area.collection(
    "get_bulk_import_profiles_jobs",
    "/api/profile-bulk-import-jobs",
    "profile-bulk-import-job",
    "Profile imports and their progress.",
    rate=M,
    scopes=READ_SCOPES,
    aliases="get_bulk_profile_import_jobs get_profile_bulk_import_jobs",
    filter={"status": "any equals"},
    sort=("created_at",),
    max_page_size=100,
)
area.record(
    "get_bulk_import_profiles_job",
    "/api/profile-bulk-import-jobs/{job_id}",
    "profile-bulk-import-job",
    "Progress of a profile import: status and counts.",
    rate=M,
    scopes=READ_SCOPES,
    aliases="get_bulk_profile_import_job get_profile_bulk_import_job",
    include=("lists",),
)
area.collection(
    "get_errors_for_bulk_import_profiles_job",
    "/api/profile-bulk-import-jobs/{job_id}/import-errors",
    "import-error",
    "Errors of a profile import, row by row.",
    rate=M,
    aliases="get_bulk_profile_import_job_import_errors get_import_errors_for_profile_bulk_import_job "
    "get_profile_bulk_import_job_import_errors",
    max_page_size=100,
)
area.collection(
    "get_list_for_bulk_import_profiles_job",
    "/api/profile-bulk-import-jobs/{job_id}/lists",
    "list",
    "Lists that a profile import fills.",
    rate=M,
    paged=False,
    scopes="lists:read",
    aliases="get_bulk_profile_import_job_lists get_lists_for_profile_bulk_import_job get_profile_bulk_import_job_lists",
    ids_operation="get_list_ids_for_bulk_import_profiles_job",
)
area.collection(
    "get_profiles_for_bulk_import_profiles_job",
    "/api/profile-bulk-import-jobs/{job_id}/profiles",
    "profile",
    "Profiles that an import created or changed.",
    rate=M,
    aliases="get_bulk_profile_import_job_profiles get_profile_bulk_import_job_profiles "
    "get_profiles_for_profile_bulk_import_job",
    additional_fields=ADDITIONAL_FIELDS,
    max_page_size=100,
    ids_operation="get_profile_ids_for_bulk_import_profiles_job",
)
