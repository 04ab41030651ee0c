"""Web feeds: data from the web for templates."""

from __future__ import annotations

from typing import Literal

from klaviyo_tools.arguments.types import Arguments, Text
from klaviyo_tools.arguments.web_address import PublicUrl
from klaviyo_tools.operation.area import XS, Area
from klaviyo_tools.operation.preview import Preview

area = Area("web_feeds")

TIME_OPERATORS = "greater-or-equal greater-than less-or-equal less-than"
RequestMethod = Literal["get", "post"]
ContentType = Literal["json", "xml"]


class NewFeed(Arguments):
    name: Text
    url: PublicUrl
    request_method: RequestMethod
    content_type: ContentType


class FeedChanges(Arguments):
    name: Text | None = None
    url: PublicUrl | None = None
    request_method: RequestMethod | None = None
    content_type: ContentType | None = None


area.resource_type(
    "web-feed",
    "name status url request_method content_type created updated",
    "content_type created name request_method status updated url",
    label="name",
    facet="status",
    date="updated",
    stable_attributes="url updated",
)
area.collection(
    "get_web_feeds",
    "/api/web-feeds",
    "web-feed",
    "Web feeds, by name or date.",
    rate=XS,
    filter={"name": "any contains equals", "created": TIME_OPERATORS, "updated": TIME_OPERATORS},
    sort=("created", "name", "updated"),
    max_page_size=20,
)
area.record(
    "get_web_feed",
    "/api/web-feeds/{web_feed_id}",
    "web-feed",
    "One web feed, with its status.",
    rate=XS,
)
area.create(
    "create_web_feed",
    "/api/web-feeds",
    "web-feed",
    NewFeed,
    "Create a web feed: Klaviyo fetches data from its URL.",
    rate=XS,
)
area.update(
    "update_web_feed",
    "/api/web-feeds/{web_feed_id}",
    "web-feed",
    FeedChanges,
    "Change a web feed; a new name breaks the templates that use the old one.",
    rate=XS,
)
area.delete(
    "delete_web_feed",
    "/api/web-feeds/{web_feed_id}",
    "web-feed",
    "Delete a web feed.",
    rate=XS,
    preview=Preview(facts=("url",)),
)
