"""MCP resources: guides to what is hard to write, and single records of the account by their id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import mcp_types
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.calls.context import SilentContext
from klaviyo_mcp.calls.guides.guide import GUIDE_PREFIX, GUIDES, find_guide
from klaviyo_mcp.errors import ArgumentError, KlaviyoMcpError, NotFoundError
from klaviyo_tools.arguments.spelling import nearest

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from klaviyo_mcp.calls.service import CallService

SCHEME = "klaviyo://"

_MARKDOWN = "text/markdown"
_RESERVED = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class RecordAddress:
    """A kind of record that can be read by its id: the operation, and what it is asked for."""

    operation: str
    argument: str
    description: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


RECORDS: Mapping[str, RecordAddress] = {
    "profile": RecordAddress(
        "get_profile", "profile_id", "A person, with consent.", {"additional_fields": ["subscriptions"]}
    ),
    "list": RecordAddress(
        "get_list", "list_id", "A list and how many are on it.", {"additional_fields": ["profile_count"]}
    ),
    "segment": RecordAddress(
        "get_segment", "segment_id", "A segment, its rules and its size.", {"additional_fields": ["profile_count"]}
    ),
    "campaign": RecordAddress(
        "get_campaign",
        "campaign_id",
        "A campaign and what it says.",
        {"include": ["campaign-messages", "tags"]},
    ),
    "flow": RecordAddress(
        "get_flow", "flow_id", "A flow, its trigger and its actions.", {"additional_fields": ["definition"]}
    ),
    "metric": RecordAddress("get_metric", "metric_id", "A metric and where it comes from."),
    "event": RecordAddress(
        "get_event", "event_id", "An event, whose and of which metric.", {"include": ["metric", "profile"]}
    ),
    "template": RecordAddress("get_template", "template_id", "A template with its HTML."),
    "form": RecordAddress("get_form", "form_id", "A sign-up form with all that is on it."),
    "coupon": RecordAddress("get_coupon", "coupon_id", "A coupon."),
    "catalog-item": RecordAddress("get_catalog_item", "catalog_item_id", "A product."),
    "review": RecordAddress("get_review", "review_id", "A review of a product."),
    "image": RecordAddress("get_image", "image_id", "A picture of the library."),
    "webhook": RecordAddress("get_webhook", "webhook_id", "A webhook and its topics.", {"include": ["webhook-topics"]}),
}
"""The kinds of records that have a resource template, `klaviyo://<kind>/{id}`."""


class Resources:
    """The handlers of resources. A guide needs no account; a record is read as a call of its operation would."""

    def __init__(self, calls: CallService) -> None:
        self._calls = calls

    async def list(
        self, ctx: ServerRequestContext[Any], params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListResourcesResult:
        """The guides, on one page."""
        return mcp_types.ListResourcesResult(
            resources=[
                mcp_types.Resource(
                    uri=one.uri,
                    name=one.name,
                    title=one.title,
                    description=one.description,
                    mime_type=_MARKDOWN,
                    size=len(one.text.encode()),
                )
                for one in map(find_guide, GUIDES)
            ]
        )

    async def templates(
        self, ctx: ServerRequestContext[Any], params: mcp_types.PaginatedRequestParams | None
    ) -> mcp_types.ListResourceTemplatesResult:
        """The guides by name, and the records by kind and id."""
        guides = mcp_types.ResourceTemplate(
            uri_template=f"{GUIDE_PREFIX}{{name}}", name="guide", description="A guide.", mime_type=_MARKDOWN
        )
        records = [
            mcp_types.ResourceTemplate(
                uri_template=f"{SCHEME}{kind}/{{id}}",
                name=kind,
                title=kind.replace("-", " ").capitalize(),
                description=record.description,
                mime_type="text/plain",
            )
            for kind, record in RECORDS.items()
        ]
        return mcp_types.ListResourceTemplatesResult(resource_templates=[guides, *records])

    async def read(
        self, ctx: ServerRequestContext[Any], params: mcp_types.ReadResourceRequestParams
    ) -> mcp_types.ReadResourceResult:
        """A guide or a record. Raises MCPError: INVALID_PARAMS where there is none of that address."""
        uri = str(params.uri)
        try:
            if uri.startswith(GUIDE_PREFIX):
                return _contents(uri, find_guide(uri).text, _MARKDOWN)
            kind, id_ = _address(uri)
            record = RECORDS[kind]
            operation = self._calls.inventory.registry[record.operation]
            answer = await self._calls.run(operation, {record.argument: id_, **record.arguments}, SilentContext())
        except (LookupError, NotFoundError, ArgumentError) as error:
            raise MCPError(mcp_types.INVALID_PARAMS, str(error.args[0])) from None
        except KlaviyoMcpError as error:
            raise MCPError(mcp_types.INTERNAL_ERROR, str(error)) from None
        return _contents(uri, answer.text, "text/plain")


def _contents(uri: str, text: str, mime_type: str) -> mcp_types.ReadResourceResult:
    contents = mcp_types.TextResourceContents(uri=uri, text=text, mime_type=mime_type)
    return mcp_types.ReadResourceResult(contents=[contents])


def _address(uri: str) -> tuple[str, str]:
    """Kind and id of a record's address, the id percent-decoded. Raises LookupError."""
    kind, slash, id_ = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or _RESERVED.search(uri) or kind not in RECORDS:
        close = nearest(kind, [*RECORDS, "guide"])
        known = " or ".join(f"{SCHEME}{name}/…" for name in close) or f"{GUIDE_PREFIX}… and {SCHEME}<kind>/<id>"
        raise LookupError(f"there is no resource at {_RESERVED.sub('', uri)[:80]!r}; there is {known}")
    if not slash or not id_:
        raise LookupError(f"an id is missing: {SCHEME}{kind}/<id>")
    return kind, unquote(id_)
