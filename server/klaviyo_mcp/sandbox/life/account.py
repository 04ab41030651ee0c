"""The account, and what connects it: tracking, webhooks, web feeds, data sources, mapped and custom metrics."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.sandbox.life.builder import AccountBuilder

_ACCOUNT_ID = "F3LhT9"
_TOPICS = tuple(
    f"event:klaviyo.{name}"
    for name in (
        "bounced_email", "clicked_email", "clicked_sms", "dropped_email", "failed_to_deliver_sms",
        "marked_email_as_spam", "opened_email", "opened_push", "received_email", "received_push", "received_sms",
        "sent_sms", "subscribed_to_list", "unsubscribed_from_email", "unsubscribed_from_sms",
    )
)  # fmt: skip
_WEBHOOKS = (
    ("Warehouse mirror", "https://hooks.example.com/warehouse", "Copies bounces to the warehouse", True,
     ("bounced_email", "marked_email_as_spam", "unsubscribed_from_email")),
    ("Text message ledger", "https://hooks.example.com/sms", None, False, ("sent_sms", "clicked_sms")),
)  # fmt: skip
_MAPPED_METRICS = {
    "revenue": "Placed Order", "ordered_product": "Ordered Product", "added_to_cart": "Added to Cart",
    "started_checkout": "Checkout Started", "viewed_product": "Viewed Product", "refunded_sales": None,
    "cancelled_sales": None,
}  # fmt: skip


def add_account(builder: AccountBuilder) -> None:
    _add_account_record(builder)
    _add_tracking_setting(builder)
    _add_webhooks(builder)
    for name, kind in (("shop_bestsellers", "json"), ("hut_weather", "xml")):
        feed = {"name": name, "url": f"https://feeds.example.com/{name}.{kind}", "content_type": kind}
        times = builder.created_and_updated(200, 9)
        builder.add("web-feed", {**feed, "request_method": "get", "status": "ok", **times})
    source = {"title": "Repairs", "namespace": "repairs", "description": "Repairs from the workshop's books"}
    builder.add("data-source", {**source, "visibility": "private"})
    _add_mapped_metrics(builder)
    _add_custom_metric(builder)


def _add_account_record(builder: AccountBuilder) -> None:
    address = {
        "address1": "4 Mill Lane",
        "address2": None,
        "city": "Sheffield",
        "region": "England",
        "country": "United Kingdom",
        "zip": "S1 2HE",
    }
    contact = {
        "default_sender_name": "Fell & Hearth",
        "default_sender_email": "hello@example.com",
        "website_url": "https://shop.example.com",
        "organization_name": "Fell & Hearth",
        "street_address": address,
    }
    attributes = {
        "contact_information": contact,
        "industry": "Outdoor and kitchen goods",
        "timezone": "Europe/London",
        "preferred_currency": "USD",
        "public_api_key": _ACCOUNT_ID,
        "locale": "en-US",
        "test_account": True,
    }
    builder.add("account", attributes, None, _ACCOUNT_ID)


def _add_tracking_setting(builder: AccountBuilder) -> None:
    utm: dict[str, Any] = {
        f"utm_{name}": {"campaign": {"type": "static", "value": value}, "flow": {"type": "static", "value": value}}
        for name, value in (("source", "klaviyo"), ("medium", "message"))
    }
    utm["utm_campaign"] = {
        "campaign": {"type": "dynamic", "value": "campaign_name"},
        "flow": {"type": "dynamic", "value": "flow_name"},
    }
    attributes = {"auto_add_parameters": True, "custom_parameters": [], **utm}
    builder.add("tracking-setting", attributes, None, _ACCOUNT_ID)


def _add_webhooks(builder: AccountBuilder) -> None:
    for topic in _TOPICS:
        builder.add("webhook-topic", {}, None, topic)
    for number, (name, url, description, enabled, topics) in enumerate(_WEBHOOKS):
        attributes = {"name": name, "endpoint_url": url, "description": description, "enabled": enabled}
        times = {"created_at": builder.timestamp(240 - 90 * number), "updated_at": builder.timestamp(33 + number)}
        ids = [f"event:klaviyo.{topic}" for topic in topics]
        builder.add("webhook", {**attributes, **times}, {"webhook-topics": ids})


def _add_mapped_metrics(builder: AccountBuilder) -> None:
    """Say which metric stands for revenue, for a purchase and so on."""
    for id_, name in _MAPPED_METRICS.items():
        links = {"metric": builder.metrics[name] if name else None, "custom-metric": None}
        builder.add("mapped-metric", {"updated": builder.timestamp(500)}, links, id_)


def _add_custom_metric(builder: AccountBuilder) -> None:
    order = builder.metrics["Placed Order"]
    is_large = {"type": "numeric", "operator": "greater-than", "value": 199.99}
    group = {
        "metric_id": order,
        "metric_filters": [{"property": "$value", "filter": is_large}],
        "value_property": "$value",
    }
    definition = {"aggregation_method": "value", "metric_groups": [group]}
    times = builder.created_and_updated(150, 20)
    builder.add("custom-metric", {"name": "Large Orders", "definition": definition, **times}, {"metrics": [order]})
