"""Webhooks: what is refused, and what is sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from klaviyo_tools.areas.webhooks import area
from klaviyo_tools.operation.request import Request

RequestOf = Callable[..., Request]
RefusalOf = Callable[..., str]

ORDERS = {
    "name": "Order Placed Webhook",
    "endpoint_url": "https://example.com/webhooks/klaviyo",
    "secret_key": "invented-secret",
    "webhook_topic_ids": ["event:klaviyo.sent_sms"],
}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"secret_key": None}, "secret_key is required"),
        ({"webhook_topic_ids": None}, "webhook_topic_ids is required"),
        ({"webhook_topic_ids": []}, "webhook_topic_ids: is empty: give at least 1"),
        (
            {"endpoint_url": "http://example.com"},
            "endpoint_url: 'http://example.com' must start with https://",
        ),
        ({"enabled": True}, "unknown argument 'enabled'"),
    ],
)
def test_a_webhook_that_klaviyo_would_refuse_is_not_sent(
    refusal_of: RefusalOf, change: dict[str, object], refusal: str
) -> None:
    assert refusal_of("create_webhook", **{**ORDERS, **change}).startswith(refusal)


def test_a_webhook_with_its_topics(request_of: RequestOf) -> None:
    assert request_of("create_webhook", **ORDERS, description="Orders") == Request(
        "POST",
        "/api/webhooks",
        {},
        {
            "data": {
                "type": "webhook",
                "attributes": {
                    "name": "Order Placed Webhook",
                    "endpoint_url": "https://example.com/webhooks/klaviyo",
                    "secret_key": "invented-secret",
                    "description": "Orders",
                },
                "relationships": {
                    "webhook-topics": {"data": [{"type": "webhook-topic", "id": "event:klaviyo.sent_sms"}]}
                },
            }
        },
    )


def test_a_webhook_is_switched_off(request_of: RequestOf) -> None:
    assert request_of("update_webhook", webhook_id="7", enabled=False) == Request(
        "PATCH", "/api/webhooks/7", {}, {"data": {"type": "webhook", "id": "7", "attributes": {"enabled": False}}}
    )


def test_a_webhooks_topics_are_replaced(request_of: RequestOf) -> None:
    sent = request_of("update_webhook", webhook_id="7", webhook_topic_ids="event:klaviyo.sent_sms")
    assert sent.body == {
        "data": {
            "type": "webhook",
            "id": "7",
            "attributes": {},
            "relationships": {"webhook-topics": {"data": [{"type": "webhook-topic", "id": "event:klaviyo.sent_sms"}]}},
        }
    }


def test_webhooks_with_their_topics_are_read(request_of: RequestOf) -> None:
    assert request_of("get_webhooks", include="webhook_topics") == Request(
        "GET", "/api/webhooks", {"include": "webhook-topics"}
    )
    assert request_of("get_webhook_topics") == Request("GET", "/api/webhook-topics")
    assert request_of("get_webhook_topic", webhook_topic_id="event:klaviyo.sent_sms") == Request(
        "GET", "/api/webhook-topics/event%3Aklaviyo.sent_sms"
    )


def test_topics_take_no_sparse_fields() -> None:
    assert "fields" not in area.operations["get_webhook_topics"].arguments.model_fields
