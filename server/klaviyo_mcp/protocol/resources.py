"""MCP resources: the guides, and single records of the account by their id.

A record is at `klaviyo://<type>/<id>`, where its operation declares such an address.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import mcp_types
from mcp.shared.exceptions import MCPError

from klaviyo_mcp.calls.context import SilentContext
from klaviyo_mcp.calls.guides.guide import GUIDE_PREFIX, GUIDES, find_guide
from klaviyo_mcp.calls.inventory import Inventory
from klaviyo_mcp.errors import ArgumentError, KlaviyoMcpError, NotFoundError
from klaviyo_tools.arguments.spelling import nearest

if TYPE_CHECKING:
    from mcp.server.context import ServerRequestContext

    from klaviyo_mcp.calls.service import CallService

SCHEME = "klaviyo://"

_MARKDOWN = "text/markdown"
_RESERVED = re.compile(r"[\x00-\x20\x7f]")


class Resources:
    """The handlers of resources. A guide needs no account; a record is read by a call of its operation."""

    def __init__(self, inventory: Inventory, load_calls: Callable[[], Awaitable[CallService]]) -> None:
        self._addresses = inventory.registry.addresses
        self._load_calls = load_calls

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
        """The guides by name, and the records by type and id."""
        guides = mcp_types.ResourceTemplate(
            uri_template=f"{GUIDE_PREFIX}{{name}}", name="guide", description="A guide.", mime_type=_MARKDOWN
        )
        records = [
            mcp_types.ResourceTemplate(
                uri_template=f"{SCHEME}{type_}/{{id}}",
                name=type_,
                title=type_.replace("-", " ").capitalize(),
                description=address.description,
                mime_type="text/plain",
            )
            for type_, (_, address) in self._addresses.items()
        ]
        return mcp_types.ListResourceTemplatesResult(resource_templates=[guides, *records])

    async def read(
        self, ctx: ServerRequestContext[Any], params: mcp_types.ReadResourceRequestParams
    ) -> mcp_types.ReadResourceResult:
        """A guide or a record. Raises MCPError, INVALID_PARAMS with the address as data where nothing has it."""
        uri = str(params.uri)
        try:
            if uri.startswith(GUIDE_PREFIX):
                return _contents(uri, find_guide(uri).text, _MARKDOWN)
            type_, id_ = _parse_address(uri, self._addresses)
            operation, address = self._addresses[type_]
            arguments = {operation.path_ids[-1]: id_, **address.arguments}
            calls = await self._load_calls()
            answer = await calls.run(operation, arguments, SilentContext())
        except (LookupError, NotFoundError, ArgumentError) as error:
            raise MCPError(mcp_types.INVALID_PARAMS, str(error.args[0]), {"uri": uri}) from None
        except KlaviyoMcpError as error:
            raise MCPError(mcp_types.INTERNAL_ERROR, str(error)) from None
        return _contents(uri, answer.text, "text/plain")


def _contents(uri: str, text: str, mime_type: str) -> mcp_types.ReadResourceResult:
    contents = mcp_types.TextResourceContents(uri=uri, text=text, mime_type=mime_type)
    return mcp_types.ReadResourceResult(contents=[contents])


def _parse_address(uri: str, types: Collection[str]) -> tuple[str, str]:
    """The type and the id of a record's address, the id percent-decoded. Raises LookupError."""
    type_, slash, id_ = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or _RESERVED.search(uri) or type_ not in types:
        close = nearest(type_, [*types, "guide"])
        existing = " or ".join(f"{SCHEME}{name}/…" for name in close) or f"{GUIDE_PREFIX}… and {SCHEME}<kind>/<id>"
        raise LookupError(f"there is no resource at {_RESERVED.sub('', uri)[:80]!r}; there is {existing}")
    if not slash or not id_:
        raise LookupError(f"an id is missing: {SCHEME}{type_}/<id>")
    return type_, unquote(id_)
