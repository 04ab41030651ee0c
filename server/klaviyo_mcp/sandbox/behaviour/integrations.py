"""What connects the account with other systems: webhooks, web feeds and mapped metrics."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from klaviyo_mcp.sandbox.api.handlers import update
from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import conflict, invalid


def _create_webhook(request: ApiRequest) -> Answer:
    attributes = dict(request.attributes)
    secret = attributes.pop("secret_key")
    _check_https(attributes["endpoint_url"])
    if not secret:
        raise invalid("secret_key may not be empty.", pointer="/data/attributes/secret_key")
    if not request.related_ids("webhook-topics"):
        raise invalid("A webhook needs a topic.", pointer="/data/relationships/webhook-topics/data")
    webhook = create_record(request, {**request.data, "attributes": attributes | {"enabled": True}})
    return request.answer_record(webhook)


def _update_webhook(request: ApiRequest) -> Answer:
    request.data.get("attributes", {}).pop("secret_key", None)
    if url := request.attributes.get("endpoint_url"):
        _check_https(url)
    return update(request)


def _check_https(url: str) -> None:
    if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
        raise invalid("endpoint_url must be an https URL.", pointer="/data/attributes/endpoint_url")


def _update_mapped_metric(request: ApiRequest) -> Answer:
    """Map a metric or a custom metric; either takes the other's place."""
    if len(request.data.get("relationships") or {}) != 1:
        raise invalid("Map either a metric or a custom metric.", pointer="/data/relationships")
    record = request.record("mapped-metric")
    for name in ("metric", "custom-metric"):
        if name in record.links and name not in request.data["relationships"]:
            request.store.link(record, name, None)
    return update(request)


def _create_web_feed(request: ApiRequest) -> Answer:
    if any(feed.attributes["name"] == request.attributes["name"] for feed in request.store.all("web-feed")):
        raise conflict("A web feed with this name exists.", "/data/attributes/name")
    return request.answer_record(create_record(request, request.data))


HANDLERS: Mapping[str, Handler] = {
    "create_webhook": _create_webhook,
    "update_webhook": _update_webhook,
    "update_mapped_metric": _update_mapped_metric,
    "create_web_feed": _create_web_feed,
}
