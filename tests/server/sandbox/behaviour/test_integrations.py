"""Webhooks, web feeds and mapped metrics."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.sandbox.sandbox_api import Api, to_many, to_one

from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.anyio

TOPIC = "event:klaviyo.sent_sms"
WEBHOOK = {"name": "W", "endpoint_url": "https://example.com/h", "secret_key": "s3cret"}


def webhook(attributes: dict[str, Any], topic: str = TOPIC) -> dict[str, Any]:
    relationships = {"webhook-topics": to_many("webhook-topic", topic)}
    return {"data": {"type": "webhook", "attributes": attributes, "relationships": relationships}}


async def test_a_webhook_is_enabled_and_keeps_its_secret(api: Api) -> None:
    api.sandbox.store.add(Record("webhook-topic", TOPIC, {}))
    document = await api.post("webhooks", webhook(WEBHOOK))
    assert "s3cret" not in str(document)
    assert document["data"]["attributes"]["enabled"] is True
    document = await api.get(f"webhooks/{document['data']['id']}", include="webhook-topics")
    assert [one["id"] for one in document["included"]] == [TOPIC]


@pytest.mark.parametrize(
    "attributes",
    [
        {**WEBHOOK, "secret_key": ""},
        {**WEBHOOK, "endpoint_url": "http://example.com"},
        {"name": "W"},
    ],
)
async def test_a_webhook_needs_a_secret_an_https_url_and_a_topic_that_exists(
    api: Api, attributes: dict[str, Any]
) -> None:
    api.sandbox.store.add(Record("webhook-topic", TOPIC, {}))
    await api.post("webhooks", webhook(attributes), 400)
    await api.post("webhooks", webhook(WEBHOOK, "campaign:sent"), 404)


async def test_a_second_web_feed_with_a_name_is_refused(api: Api) -> None:
    feed = {"name": "F", "url": "https://example.com/f", "request_method": "get", "content_type": "json"}
    await api.create("web-feed", "web-feeds", **feed)
    await api.post("web-feeds", {"data": {"type": "web-feed", "attributes": feed}}, 409)


async def test_a_mapped_metric_is_a_metric_or_a_custom_metric(api: Api) -> None:
    store = api.sandbox.store
    store.add(Record("metric", "M", {"name": "Placed Order"}))
    store.add(Record("custom-metric", "C", {"name": "Large Orders"}))
    store.add(Record("mapped-metric", "revenue", {}, {"metric": "M", "custom-metric": None}))
    relationships = {"custom-metric": to_one("custom-metric", "C")}
    change: dict[str, Any] = {"type": "mapped-metric", "id": "revenue", "relationships": relationships}
    await api.patch("mapped-metrics/revenue", {"data": change})
    mapped = store.get("mapped-metric", "revenue")
    assert mapped is not None
    assert mapped.links == {"metric": None, "custom-metric": "C"}
    relationships["metric"] = to_one("metric", "M")
    await api.patch("mapped-metrics/revenue", {"data": change}, 400)
