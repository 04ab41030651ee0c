"""Coupons: discounts, and the codes of each that people redeem."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from klaviyo_tools.arguments.places import Embedded, Relationship
from klaviyo_tools.arguments.types import Arguments, Id, OpenObject, Text, Timestamp, one_line_schema
from klaviyo_tools.operation.area import XL, Area, L, S
from klaviyo_tools.operation.facts import RecordAddress
from klaviyo_tools.operation.preview import Preview

area = Area("coupons")

MAX_CODES = 1000
CODE_SCOPES = {"read": "coupon-codes:read", "write": "coupon-codes:write"}
CODE_FILTER = {
    "coupon.id": "any equals",
    "profile.id": "any equals",
    "status": "equals",
    "expires_at": "greater-or-equal greater-than less-or-equal less-than",
}


def _check_external_id(text: str) -> str:
    if not re.fullmatch(r"[0-9_A-z]+", text):
        raise ValueError(f"{text[:60]!r} may hold only letters, digits and underscores (no hyphen), as in SUMMER_SALE")
    return text


def _check_code_id(text: str) -> str:
    if "-" not in text or not text.isprintable():
        raise ValueError(f"{text[:60]!r} is not the id of a code: those look like SUMMER_SALE-SAVE20NOW, coupon first")
    return text


CodeId = Annotated[str, StringConstraints(strip_whitespace=True, max_length=512), AfterValidator(_check_code_id)]
"""A coupon's id, a hyphen and the code, which can contain any character."""


class NewCoupon(Arguments):
    external_id: Annotated[str, AfterValidator(_check_external_id)] = Field(
        description="letters, digits, _; becomes its id"
    )
    description: str | None = None
    monitor_configuration: OpenObject | None = Field(None, description="{low_balance_threshold: 500}")


class NewCode(Arguments):
    coupon_id: Annotated[Id, Relationship("coupon")]
    unique_code: Text = Field(description="the code people enter")
    expires_at: Timestamp | None = Field(None, description="default: in a year")


class CouponChanges(Arguments):
    description: str | None = None
    monitor_configuration: OpenObject | None = Field(None, description="{low_balance_threshold: 500}")


class CodeChanges(Arguments):
    status: (
        Literal["ASSIGNED_TO_PROFILE", "DELETING", "PROCESSING", "UNASSIGNED", "USED", "VERSION_NOT_ACTIVE"] | None
    ) = None
    expires_at: Timestamp | None = None


class NewCodes(Arguments):
    coupon_codes: Annotated[
        list[Annotated[NewCode, one_line_schema(NewCode)]],
        Field(min_length=1, max_length=MAX_CODES),
        Embedded("coupon-code", "coupon-codes"),
    ]


area.resource_type(
    "coupon",
    "external_id description monitor_configuration",
    "description external_id monitor_configuration",
    label="external_id",
)
area.resource_type(
    "coupon-code",
    "unique_code status expires_at coupon profile",
    "expires_at status unique_code",
    label="unique_code",
    facet="status",
    date="expires_at",
    relationships="coupon profile",
)
area.job_type("coupon-code-bulk-create-job", "coupon-codes:coupon-code", more_fields="errors expires_at")
area.collection(
    "get_coupon_codes",
    "/api/coupon-codes",
    "coupon-code",
    "Codes of a coupon or a profile.",
    rate=XL,
    scopes=CODE_SCOPES["read"],
    filter=CODE_FILTER,
    filter_required=("coupon.id", "profile.id"),
    include=("coupon",),
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.create(
    "create_coupon_code",
    "/api/coupon-codes",
    "coupon-code",
    NewCode,
    "Add one code to a coupon.",
    rate=XL,
    scopes=CODE_SCOPES["write"],
)
area.collection(
    "get_coupons",
    "/api/coupons",
    "coupon",
    "Coupons of the account.",
    rate=L,
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.create(
    "create_coupon",
    "/api/coupons",
    "coupon",
    NewCoupon,
    "Create a coupon; set up the discount itself in the shop.",
    rate=S,
)
area.record(
    "get_coupon",
    "/api/coupons/{coupon_id}",
    "coupon",
    "One coupon.",
    rate=L,
    address=RecordAddress("A coupon.", completes_ids=True),
)
area.update(
    "update_coupon",
    "/api/coupons/{coupon_id}",
    "coupon",
    CouponChanges,
    "Change a coupon's description or its alert for few codes left.",
    rate=S,
)
area.delete(
    "delete_coupon",
    "/api/coupons/{coupon_id}",
    "coupon",
    "Delete a coupon.",
    rate=S,
    preview=Preview(facts=("description",)),
)
area.collection(
    "get_coupon_codes_for_coupon",
    "/api/coupons/{coupon_id}/coupon-codes",
    "coupon-code",
    "Codes of one coupon.",
    rate=L,
    scopes=CODE_SCOPES["read"],
    filter=CODE_FILTER,
    aliases="get_coupon_coupon_codes get_codes_for_coupon",
    ids_operation="get_coupon_code_ids_for_coupon",
    max_page_size=100,
    page_size_since="2026-07-15",
)
area.record(
    "get_coupon_code",
    "/api/coupon-codes/{coupon_code_id}",
    "coupon-code",
    "One code, by its id such as SUMMER_SALE-SAVE20NOW.",
    rate=XL,
    scopes=CODE_SCOPES["read"],
    include=("coupon",),
    id_type=CodeId,
)
area.update(
    "update_coupon_code",
    "/api/coupon-codes/{coupon_code_id}",
    "coupon-code",
    CodeChanges,
    "Change a code's status or expiry.",
    rate=XL,
    scopes=CODE_SCOPES["write"],
    id_type=CodeId,
)
area.delete(
    "delete_coupon_code",
    "/api/coupon-codes/{coupon_code_id}",
    "coupon-code",
    "Delete a code; refused once it is assigned to a person.",
    rate=XL,
    preview=Preview(facts=("status",)),
    scopes=CODE_SCOPES["write"],
    id_type=CodeId,
)
area.record(
    "get_coupon_for_coupon_code",
    "/api/coupon-codes/{coupon_code_id}/coupon",
    "coupon",
    "The coupon of a code.",
    rate=L,
    aliases="get_coupon_code_coupon",
    id_type=CodeId,
    ids_operation="get_coupon_id_for_coupon_code",
)
area.job(
    "bulk_create_coupon_codes",
    "/api/coupon-code-bulk-create-jobs",
    "coupon-code-bulk-create-job",
    NewCodes,
    "Add up to 1,000 codes, of one coupon or several.",
    rate=L,
    scopes=CODE_SCOPES["write"],
    aliases="spawn_coupon_code_bulk_create_job create_coupon_code_bulk_create_job",
    job="get_bulk_create_coupon_codes_job",
    verify_with="get_bulk_create_coupon_code_jobs",
)
area.collection(
    "get_bulk_create_coupon_code_jobs",
    "/api/coupon-code-bulk-create-jobs",
    "coupon-code-bulk-create-job",
    "Jobs that add codes, with their progress.",
    rate=L,
    scopes=CODE_SCOPES["read"],
    filter={"status": "equals"},
    aliases="get_coupon_code_bulk_create_jobs",
)
area.record(
    "get_bulk_create_coupon_codes_job",
    "/api/coupon-code-bulk-create-jobs/{job_id}",
    "coupon-code-bulk-create-job",
    "Progress and errors of a job that adds codes.",
    rate=L,
    scopes=CODE_SCOPES["read"],
    include=("coupon-codes",),
    aliases="get_coupon_code_bulk_create_job",
)
