"""Reviews are read and moderated."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]


def test_a_rejection_says_why(refusal_of: Refuse) -> None:
    assert refusal_of("update_review", review_id="7", status="rejected") == (
        "arguments: status rejected needs a rejection_reason, such as unrelated or other"
    )


def test_only_a_rejection_has_a_reason(refusal_of: Refuse) -> None:
    assert refusal_of("update_review", review_id="7", status="published", rejection_reason="fake") == (
        "arguments: rejection_reason is valid only with status rejected, not published"
    )


def test_only_the_reason_other_takes_an_explanation(refusal_of: Refuse) -> None:
    assert refusal_of(
        "update_review", review_id="7", status="rejected", rejection_reason="fake", status_explanation="Bought"
    ) == ("arguments: status_explanation is valid only with rejection_reason other")


def test_an_unknown_status_is_refused_with_the_valid_ones(refusal_of: Refuse) -> None:
    assert "'published', 'unpublished', 'featured', 'pending' or 'rejected'" in refusal_of(
        "update_review", review_id="7", status="approved"
    )


def test_a_review_is_published(request_of: Render) -> None:
    assert request_of("update_review", review_id="7", status="published") == Request(
        "PATCH",
        "/api/reviews/7",
        body={"data": {"type": "review", "id": "7", "attributes": {"status": {"value": "published"}}}},
    )


def test_a_review_is_rejected_in_the_words_of_the_shop(request_of: Render) -> None:
    body = request_of(
        "update_review", review_id="7", status="rejected", rejection_reason="other", status_explanation="About the mail"
    ).body
    assert body["data"]["attributes"] == {
        "status": {
            "value": "rejected",
            "rejection_reason": {"reason": "other", "status_explanation": "About the mail"},
        }
    }


def test_reviews_are_found_by_rating(request_of: Render) -> None:
    assert request_of("get_reviews", filter="less-or-equal(rating,2)", sort="-created", include="events") == Request(
        "GET", "/api/reviews", {"filter": "less-or-equal(rating,2)", "sort": "-created", "include": "events"}
    )
    assert request_of("get_review", review_id="7") == Request("GET", "/api/reviews/7")
