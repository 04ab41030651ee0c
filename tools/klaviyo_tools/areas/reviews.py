"""Reviews: texts of customers about products, and whether the shop shows them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import model_validator

from klaviyo_tools.arguments.marks import Brief
from klaviyo_tools.arguments.places import Attribute
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.operation.area import Area, M
from klaviyo_tools.operation.facts import RecordAddress

area = Area("reviews")

TIME_OPERATORS = "greater-or-equal less-or-equal"

RejectionReason = Literal[
    "fake", "false_or_misleading", "private_information", "profanity_or_inappropriate", "unrelated", "other"
]


class Moderation(Arguments):
    """The status of a review; Klaviyo nests the reason in it."""

    EXAMPLES: ClassVar = (
        {"review_id": "7", "status": "published"},
        {"review_id": "7", "status": "rejected", "rejection_reason": "other", "status_explanation": "In a wrong place"},
        *({"review_id": "7", "status": "rejected", "rejection_reason": reason} for reason in get_args(RejectionReason)),
        *({"review_id": "7", "status": status} for status in ("unpublished", "featured", "pending")),
    )

    status: Annotated[Literal["published", "unpublished", "featured", "pending", "rejected"], Attribute("status.value")]
    rejection_reason: Annotated[
        RejectionReason | None, Brief("if rejected"), Attribute("status.rejection_reason.reason")
    ] = None
    status_explanation: Annotated[str | None, Attribute("status.rejection_reason.status_explanation")] = None

    @model_validator(mode="after")
    def _check_reason(self) -> Self:
        if self.status == "rejected" and self.rejection_reason is None:
            raise ValueError("status rejected needs a rejection_reason, such as unrelated or other")
        if self.status != "rejected" and self.rejection_reason is not None:
            raise ValueError(f"rejection_reason is valid only with status rejected, not {self.status}")
        if self.status_explanation is not None and self.rejection_reason != "other":
            raise ValueError("status_explanation is valid only with rejection_reason other")
        return self


area.resource_type(
    "review",
    "status.value rating title content author product.name review_type verified created",
    """author content created email images product(external_id image_url name url)
    public_reply(author content updated) rating review_type smart_quote
    status(rejection_reason(reason status_explanation) value) title updated verified""",
    label="title author",
    facet="rating",
    date="created",
    relationships="events:event item:catalog-item",
    untrusted="author content email images smart_quote title",
)
area.collection(
    "get_reviews",
    "/api/reviews",
    "review",
    "Product reviews.",
    rate=M,
    filter={
        "rating": f"any equals {TIME_OPERATORS}",
        "status": "equals",
        "item.id": "any equals",
        "created": TIME_OPERATORS,
        "content": "contains",
        "verified": "equals",
        "review_type": "equals",
        "id": "any equals",
    },
    sort=("created", "rating", "updated"),
    include=("events",),
    max_page_size=100,
)
area.record(
    "get_review",
    "/api/reviews/{review_id}",
    "review",
    "One review.",
    rate=M,
    address=RecordAddress("A review of a product."),
    include=("events",),
)
area.update(
    "update_review",
    "/api/reviews/{review_id}",
    "review",
    Moderation,
    "Publish, feature, hide or reject a review.",
    rate=M,
)
