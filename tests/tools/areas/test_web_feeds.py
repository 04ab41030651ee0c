"""Web feeds."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.operation.request import Request

Render = Callable[..., Request]
Refuse = Callable[..., str]

FEED = {
    "name": "offers",
    "url": "https://shop.example.com/offers.json",
    "request_method": "get",
    "content_type": "json",
}


def test_a_feed_is_json_or_xml(refusal_of: Refuse) -> None:
    assert refusal_of("create_web_feed", **{**FEED, "content_type": "csv"}) == (
        "content_type: should be 'json' or 'xml', not \"csv\""
    )
    assert refusal_of("create_web_feed", name="offers").startswith("url is required")


def test_a_feed_is_created_changed_and_deleted(request_of: Render) -> None:
    assert request_of("create_web_feed", **FEED) == Request(
        "POST", "/api/web-feeds", body={"data": {"type": "web-feed", "attributes": FEED}}
    )
    assert request_of("update_web_feed", web_feed_id="W1", request_method="post") == Request(
        "PATCH",
        "/api/web-feeds/W1",
        body={"data": {"type": "web-feed", "id": "W1", "attributes": {"request_method": "post"}}},
    )
    assert request_of("delete_web_feed", web_feed_id="W1") == Request("DELETE", "/api/web-feeds/W1")


def test_feeds_are_found_by_name(request_of: Render) -> None:
    assert request_of("get_web_feeds", filter='contains(name,"offer")', sort="-updated") == Request(
        "GET", "/api/web-feeds", {"filter": 'contains(name,"offer")', "sort": "-updated"}
    )
    assert request_of("get_web_feed", web_feed_id="W1") == Request("GET", "/api/web-feeds/W1")
