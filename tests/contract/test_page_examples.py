"""The calls that the page on Klaviyo through Maton shows, brought up to date: the exact request of each.

Klaviyo's documents allow every one of these requests.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.contract.openapi import openapi_documents
from tests.contract.request_checks import is_of_operation, request_faults

from klaviyo_mcp.calls.context import SilentContext
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.settings import Settings
from klaviyo_tools.drift.openapi import Document

KEY = "key-for-tests-only"
PROFILE_FIELDS = "email,phone_number,first_name,last_name,organization,location.city,location.country,created"


DOCUMENTS = {source: Document(content) for source, content in openapi_documents("2026-01-15").items()}
OF_MATON = ("list_connections", "create_connection", "get_connection", "delete_connection")


async def request_of(tool: str, arguments: dict[str, Any], answer: dict[str, Any] | None = None) -> httpx.Request:
    """The request of a call, checked by Klaviyo's documents. `answer` is what Klaviyo answers with."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        if request.method == "DELETE" or (request.method == "POST" and answer is None):
            return httpx.Response(204)
        return httpx.Response(200, json=answer or {"data": []}, headers={"content-type": "application/vnd.api+json"})

    client = GatewayClient(
        key=KEY, connection="conn-1", transport=httpx.MockTransport(respond), pacer=Pacer(enabled=False)
    )
    calls = CallService(Settings(toolsets=("all",), confirm="never", connection="conn-1"), lambda: client)
    await calls.call(tool, arguments, SilentContext())
    await calls.aclose()
    changes = [request for request in requests if request.method != "GET"]
    request = (changes or requests)[0]
    for source, document in DOCUMENTS.items() if tool not in OF_MATON else ():
        assert is_of_operation(document, tool, request)
        assert list(request_faults(document, tool, request)) == [], source
    return request


def query_of(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True))


READS = [
    ("get_profiles", {"fields": ["email", "first_name", "last_name"], "max_results": 10}, "/klaviyo/api/profiles"),
    ("get_profile", {"profile_id": "01GDDKASAP8TKDDA2GRZDSVP4H"}, "/klaviyo/api/profiles/01GDDKASAP8TKDDA2GRZDSVP4H"),
    ("get_lists_for_profile", {"profile_id": "01G"}, "/klaviyo/api/profiles/01G/lists"),
    ("get_segments_for_profile", {"profile_id": "01G"}, "/klaviyo/api/profiles/01G/segments"),
    ("get_lists", {"fields": ["name", "created", "updated"]}, "/klaviyo/api/lists"),
    ("get_list", {"list_id": "Y6nRLr"}, "/klaviyo/api/lists/Y6nRLr"),
    ("get_profiles_for_list", {"list_id": "Y6nRLr"}, "/klaviyo/api/lists/Y6nRLr/profiles"),
    ("get_segments", {"fields": ["name", "created", "updated"]}, "/klaviyo/api/segments"),
    ("get_segment", {"segment_id": "S"}, "/klaviyo/api/segments/S"),
    ("get_profiles_for_segment", {"segment_id": "S"}, "/klaviyo/api/segments/S/profiles"),
    ("get_campaigns", {"filter": 'equals(messages.channel,"email")'}, "/klaviyo/api/campaigns"),
    ("get_campaign", {"campaign_id": "C"}, "/klaviyo/api/campaigns/C"),
    ("get_flows", {"fields": ["name", "status", "created", "updated"]}, "/klaviyo/api/flows"),
    ("get_flow", {"flow_id": "VJvBNr"}, "/klaviyo/api/flows/VJvBNr"),
    ("get_actions_for_flow", {"flow_id": "VJvBNr"}, "/klaviyo/api/flows/VJvBNr/flow-actions"),
    ("get_flow_action_messages", {"flow_action_id": "A"}, "/klaviyo/api/flow-actions/A/flow-messages"),
    ("get_events", {"filter": "greater-than(datetime,2024-01-01T00:00:00Z)", "max_results": 50}, "/klaviyo/api/events"),
    ("get_event", {"event_id": "4vRpBT"}, "/klaviyo/api/events/4vRpBT"),
    ("get_metrics", {}, "/klaviyo/api/metrics"),
    ("get_metric", {"metric_id": "TxVpCr"}, "/klaviyo/api/metrics/TxVpCr"),
    ("get_templates", {"fields": ["name", "created", "updated"]}, "/klaviyo/api/templates"),
    ("get_template", {"template_id": "T"}, "/klaviyo/api/templates/T"),
    ("get_catalog_items", {"fields": ["title", "price", "url"]}, "/klaviyo/api/catalog-items"),
    (
        "get_catalog_item",
        {"catalog_item_id": "$custom:::$default:::PROD-001"},
        "/klaviyo/api/catalog-items/%24custom%3A%3A%3A%24default%3A%3A%3APROD-001",
    ),
    ("get_catalog_variants", {}, "/klaviyo/api/catalog-variants"),
    ("get_catalog_categories", {}, "/klaviyo/api/catalog-categories"),
    ("get_tags", {}, "/klaviyo/api/tags"),
    ("get_tag_groups", {}, "/klaviyo/api/tag-groups"),
    ("get_coupons", {}, "/klaviyo/api/coupons"),
    ("get_coupon_codes", {"filter": 'equals(coupon.id,"SUMMER_SALE_2024")'}, "/klaviyo/api/coupon-codes"),
    ("get_webhooks", {}, "/klaviyo/api/webhooks"),
    ("get_webhook", {"webhook_id": "W"}, "/klaviyo/api/webhooks/W"),
    ("get_webhook_topics", {}, "/klaviyo/api/webhook-topics"),
    ("get_accounts", {}, "/klaviyo/api/accounts"),
    ("get_images", {}, "/klaviyo/api/images"),
    ("get_image", {"image_id": "I"}, "/klaviyo/api/images/I"),
    ("get_forms", {}, "/klaviyo/api/forms"),
    ("get_form", {"form_id": "F"}, "/klaviyo/api/forms/F"),
    ("get_versions_for_form", {"form_id": "F"}, "/klaviyo/api/forms/F/form-versions"),
    ("get_reviews", {}, "/klaviyo/api/reviews"),
    ("get_review", {"review_id": "R"}, "/klaviyo/api/reviews/R"),
    ("get_all_universal_content", {}, "/klaviyo/api/template-universal-content"),
    ("get_bulk_import_profiles_jobs", {}, "/klaviyo/api/profile-bulk-import-jobs"),
    ("list_connections", {"status": "ACTIVE"}, "/connections"),
    ("get_connection", {"connection_id": "c1"}, "/connections/c1"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("tool", "arguments", "path"), READS, ids=[row[0] for row in READS])
async def test_a_read_of_the_page(tool: str, arguments: dict[str, Any], path: str) -> None:
    request = await request_of(tool, arguments)
    assert (request.method, request.url.scheme, request.url.host) == ("GET", "https", "api.maton.ai")
    assert request.url.raw_path.decode().partition("?")[0] == path
    assert request.headers["authorization"] == f"Bearer {KEY}"
    if path.startswith("/klaviyo"):
        assert request.headers["revision"] == "2026-01-15"
        assert request.headers["maton-connection"] == "conn-1"
        assert request.headers["accept"] == "application/vnd.api+json"
    else:
        assert "revision" not in request.headers
    assert request.content == b""


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "arguments", "query"),
    [
        (
            "get_profiles",
            {"fields": "email,first_name", "max_results": 10, "filter": 'equals(email,"test@example.com")'},
            {
                "filter": 'equals(email,"test@example.com")',
                "fields[profile]": "email,first_name",
                "page[size]": "10",
            },
        ),
        (
            "get_campaigns",
            {"filter": 'equals(messages.channel,"email")', "fields": ["name"]},
            {"filter": 'equals(messages.channel,"email")', "fields[campaign]": "name"},
        ),
        (
            "get_flows",
            {"filter": "and(equals(status,'live'),greater-than(created,2024-01-01))", "fields": ["name"]},
            {
                "filter": 'and(equals(status,"live"),greater-than(created,2024-01-01))',
                "fields[flow]": "name",
                "page[size]": "50",
            },
        ),
        (
            "get_lists",
            {"include": ["tags"], "fields": ["name", "created"]},
            {"include": "tags", "fields[list]": "name,created", "fields[tag]": "name"},
        ),
        ("list_connections", {"status": "ACTIVE"}, {"app": "klaviyo", "status": "ACTIVE"}),
    ],
)
async def test_the_query_of_a_read(tool: str, arguments: dict[str, Any], query: dict[str, str]) -> None:
    assert query_of(await request_of(tool, arguments)) == query


RECORD = {"data": {"type": "thing", "id": "1", "attributes": {}}}
WRITES: list[tuple[str, dict[str, Any], str, str, Any]] = [
    (
        "create_profile",
        {
            "email": "newuser@example.com",
            "first_name": "John",
            "last_name": "Doe",
            "phone_number": "+15551234567",
            "properties": {"custom_field": "value"},
        },
        "POST",
        "/klaviyo/api/profiles",
        {
            "type": "profile",
            "attributes": {
                "email": "newuser@example.com",
                "phone_number": "+15551234567",
                "first_name": "John",
                "last_name": "Doe",
                "properties": {"custom_field": "value"},
            },
        },
    ),
    (
        "update_profile",
        {"profile_id": "01GDDKASAP8TKDDA2GRZDSVP4H", "first_name": "Jane"},
        "PATCH",
        "/klaviyo/api/profiles/01GDDKASAP8TKDDA2GRZDSVP4H",
        {"type": "profile", "id": "01GDDKASAP8TKDDA2GRZDSVP4H", "attributes": {"first_name": "Jane"}},
    ),
    (
        "create_list",
        {"name": "VIP Customers"},
        "POST",
        "/klaviyo/api/lists",
        {"type": "list", "attributes": {"name": "VIP Customers"}},
    ),
    (
        "add_profiles_to_list",
        {"list_id": "Y6nRLr", "profile_ids": ["01GDDKASAP8TKDDA2GRZDSVP4H"]},
        "POST",
        "/klaviyo/api/lists/Y6nRLr/relationships/profiles",
        [{"type": "profile", "id": "01GDDKASAP8TKDDA2GRZDSVP4H"}],
    ),
    (
        "remove_profiles_from_list",
        {"list_id": "Y6nRLr", "profile_ids": ["01G"]},
        "DELETE",
        "/klaviyo/api/lists/Y6nRLr/relationships/profiles",
        [{"type": "profile", "id": "01G"}],
    ),
    (
        "create_campaign",
        {
            "name": "Summer Newsletter",
            "audiences": {"included": ["Y6nRLr"]},
            "campaign_messages": [
                {"definition": {"channel": "email", "label": "Summer", "content": {"subject": "Hi"}}}
            ],
        },
        "POST",
        "/klaviyo/api/campaigns",
        {
            "type": "campaign",
            "attributes": {
                "name": "Summer Newsletter",
                "audiences": {"included": ["Y6nRLr"]},
                "campaign-messages": {
                    "data": [
                        {
                            "type": "campaign-message",
                            "attributes": {
                                "definition": {"channel": "email", "label": "Summer", "content": {"subject": "Hi"}}
                            },
                        }
                    ]
                },
            },
        },
    ),
    (
        "send_campaign",
        {"campaign_id": "01GDDKASAP8TKDDA2GRZDSVP4I"},
        "POST",
        "/klaviyo/api/campaign-send-jobs",
        {"type": "campaign-send-job", "id": "01GDDKASAP8TKDDA2GRZDSVP4I"},
    ),
    (
        "refresh_campaign_recipient_estimation",
        {"campaign_id": "C"},
        "POST",
        "/klaviyo/api/campaign-recipient-estimation-jobs",
        {"type": "campaign-recipient-estimation-job", "id": "C"},
    ),
    (
        "update_flow",
        {"flow_id": "VJvBNr", "status": "draft"},
        "PATCH",
        "/klaviyo/api/flows/VJvBNr",
        {"type": "flow", "id": "VJvBNr", "attributes": {"status": "draft"}},
    ),
    (
        "query_metric_aggregates",
        {
            "metric_id": "TxVpCr",
            "measurements": ["count", "sum_value"],
            "interval": "day",
            "filter": ["greater-or-equal(datetime,2024-01-01)", "less-than(datetime,2024-04-01)"],
        },
        "POST",
        "/klaviyo/api/metric-aggregates",
        {
            "type": "metric-aggregate",
            "attributes": {
                "metric_id": "TxVpCr",
                "measurements": ["count", "sum_value"],
                "interval": "day",
                "filter": ["greater-or-equal(datetime,2024-01-01)", "less-than(datetime,2024-04-01)"],
            },
        },
    ),
    (
        "create_template",
        {"name": "Welcome Email", "editor_type": "CODE", "html": "<html><body><h1>Welcome!</h1></body></html>"},
        "POST",
        "/klaviyo/api/templates",
        {
            "type": "template",
            "attributes": {
                "name": "Welcome Email",
                "editor_type": "CODE",
                "html": "<html><body><h1>Welcome!</h1></body></html>",
            },
        },
    ),
    (
        "create_coupon",
        {"external_id": "SUMMER_SALE_2024", "description": "Summer sale discount coupon"},
        "POST",
        "/klaviyo/api/coupons",
        {
            "type": "coupon",
            "attributes": {"external_id": "SUMMER_SALE_2024", "description": "Summer sale discount coupon"},
        },
    ),
    (
        "create_coupon_code",
        {"unique_code": "SAVE20NOW", "expires_at": "2025-12-31T23:59:59Z", "coupon_id": "SUMMER_SALE_2024"},
        "POST",
        "/klaviyo/api/coupon-codes",
        {
            "type": "coupon-code",
            "attributes": {"unique_code": "SAVE20NOW", "expires_at": "2025-12-31T23:59:59Z"},
            "relationships": {"coupon": {"data": {"type": "coupon", "id": "SUMMER_SALE_2024"}}},
        },
    ),
    (
        "create_webhook",
        {
            "name": "Order Placed Webhook",
            "endpoint_url": "https://example.com/webhooks/klaviyo",
            "secret_key": "a-secret-of-the-receiver",
            "webhook_topic_ids": ["event:klaviyo.sent_sms"],
        },
        "POST",
        "/klaviyo/api/webhooks",
        {
            "type": "webhook",
            "attributes": {
                "name": "Order Placed Webhook",
                "endpoint_url": "https://example.com/webhooks/klaviyo",
                "secret_key": "a-secret-of-the-receiver",
            },
            "relationships": {"webhook-topics": {"data": [{"type": "webhook-topic", "id": "event:klaviyo.sent_sms"}]}},
        },
    ),
    (
        "upload_image_from_url",
        {"import_from_url": "https://example.com/image.jpg", "name": "Product Image"},
        "POST",
        "/klaviyo/api/images",
        {
            "type": "image",
            "attributes": {"name": "Product Image", "import_from_url": "https://example.com/image.jpg"},
        },
    ),
    (
        "tag_campaigns",
        {"tag_id": "t", "campaign_ids": ["C"]},
        "POST",
        "/klaviyo/api/tags/t/relationships/campaigns",
        [{"type": "campaign", "id": "C"}],
    ),
    (
        "tag_flows",
        {"tag_id": "t", "flow_ids": ["F"]},
        "POST",
        "/klaviyo/api/tags/t/relationships/flows",
        [{"type": "flow", "id": "F"}],
    ),
    (
        "bulk_subscribe_profiles",
        {
            "profiles": [
                {
                    "email": "newsubscriber@example.com",
                    "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}},
                }
            ],
            "list_id": "LIST_ID",
        },
        "POST",
        "/klaviyo/api/profile-subscription-bulk-create-jobs",
        {
            "type": "profile-subscription-bulk-create-job",
            "attributes": {
                "profiles": {
                    "data": [
                        {
                            "type": "profile",
                            "attributes": {
                                "email": "newsubscriber@example.com",
                                "subscriptions": {"email": {"marketing": {"consent": "SUBSCRIBED"}}},
                            },
                        }
                    ]
                }
            },
            "relationships": {"list": {"data": {"type": "list", "id": "LIST_ID"}}},
        },
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("tool", "arguments", "method", "path", "data"), WRITES, ids=[row[0] for row in WRITES])
async def test_a_write_of_the_page(tool: str, arguments: dict[str, Any], method: str, path: str, data: Any) -> None:
    request = await request_of(tool, arguments, RECORD)
    assert (request.method, str(request.url)) == (method, f"https://api.maton.ai{path}")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["revision"] == "2026-01-15"
    assert request.headers["content-type"] == "application/vnd.api+json"
    assert json.loads(request.content) == {"data": data}


@pytest.mark.anyio
async def test_an_event_of_the_page_is_sent_with_an_id_that_makes_it_safe_to_repeat() -> None:
    request = await request_of(
        "create_event",
        {
            "metric": {"name": "Viewed Product"},
            "profile": {"email": "customer@example.com"},
            "properties": {"product_id": "SKU123", "product_name": "Blue T-Shirt", "price": 29.99},
        },
    )
    assert (request.method, request.url.path) == ("POST", "/klaviyo/api/events")
    data = json.loads(request.content)["data"]
    assert data["type"] == "event"
    assert data["attributes"].pop("unique_id")
    assert data["attributes"] == {
        "metric": {"data": {"type": "metric", "attributes": {"name": "Viewed Product"}}},
        "profile": {"data": {"type": "profile", "attributes": {"email": "customer@example.com"}}},
        "properties": {"product_id": "SKU123", "product_name": "Blue T-Shirt", "price": 29.99},
    }


@pytest.mark.anyio
async def test_a_connection_is_created_at_the_gateway_itself() -> None:
    request = await request_of("create_connection", {}, {"connection": {"connection_id": "c", "status": "PENDING"}})
    assert (request.method, str(request.url)) == ("POST", "https://api.maton.ai/connections")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"app": "klaviyo"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tool", "argument", "path"),
    [
        ("delete_list", "list_id", "/klaviyo/api/lists/x"),
        ("delete_segment", "segment_id", "/klaviyo/api/segments/x"),
        ("delete_campaign", "campaign_id", "/klaviyo/api/campaigns/x"),
        ("delete_flow", "flow_id", "/klaviyo/api/flows/x"),
        ("delete_template", "template_id", "/klaviyo/api/templates/x"),
        ("delete_catalog_item", "catalog_item_id", "/klaviyo/api/catalog-items/x"),
        ("delete_tag", "tag_id", "/klaviyo/api/tags/x"),
        ("delete_tag_group", "tag_group_id", "/klaviyo/api/tag-groups/x"),
        ("delete_webhook", "webhook_id", "/klaviyo/api/webhooks/x"),
        ("delete_connection", "connection_id", "/connections/x"),
    ],
)
async def test_a_deletion_of_the_page(tool: str, argument: str, path: str) -> None:
    request = await request_of(tool, {argument: "x"})
    assert (request.method, str(request.url)) == ("DELETE", f"https://api.maton.ai{path}")
    assert request.content == b""
