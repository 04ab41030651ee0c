"""Stage 4 of a call: send the requests of a plan, page after page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from klaviyo_mcp.answers.cursors import Position
from klaviyo_mcp.answers.pages import read_pages
from klaviyo_mcp.calls import edits
from klaviyo_mcp.calls.context import CallContext
from klaviyo_mcp.calls.plan import CollectionPlan, Plan
from klaviyo_mcp.gateway.operations import OperationSender
from klaviyo_mcp.threads import run_sized
from klaviyo_tools.jsonapi.documents import JSON
from klaviyo_tools.jsonapi.records import EMPTY, Page, flatten_document

if TYPE_CHECKING:
    from klaviyo_mcp.gateway.options import Reply


def _page_of(reply: Reply, convert: Callable[[JSON], JSON] | None) -> Page:
    """The document of a reply. Raises DocumentError where it is none."""
    return flatten_document(convert(reply.document) if convert else reply.document, reply.size)


@dataclass(frozen=True, slots=True)
class PlanRequests:
    """Sends what a plan says."""

    sender: OperationSender

    async def send(self, plan: Plan, context: CallContext, query: Mapping[str, str] = EMPTY) -> Reply:
        """The reply to one request. Raises KlaviyoMcpError."""

        async def report_wait(seconds: float, reason: str) -> None:
            await context.report(0, None, f"waiting {seconds:.0f} s for {reason}")

        return await self.sender.send(
            plan.operation,
            edits.request_of(plan, query),
            arguments=plan.arguments,
            deadline=plan.deadline,
            on_wait=report_wait,
            connection=plan.connection,
        )

    async def page(self, plan: Plan, context: CallContext, query: Mapping[str, str] = EMPTY) -> Page:
        """The document in the reply to one request. Raises DocumentError where it is none, KlaviyoMcpError."""
        reply = await self.send(plan, context, query)
        return await run_sized(reply.size, partial(_page_of, reply, plan.operation.to_json_api))

    def pages(
        self, plan: Plan, collection: CollectionPlan, context: CallContext
    ) -> AsyncGenerator[tuple[Position, Page], None]:
        """The pages of a collection, each with its position. A reader that has enough closes the generator.

        Raises DocumentError and KlaviyoMcpError, as `page` does.
        """
        return read_pages(
            partial(self._collection_page, plan, context),
            collection.start,
            size=collection.page_size,
            report=context.report,
            total=collection.max_results,
        )

    async def _collection_page(self, plan: Plan, context: CallContext, cursor: str | None, size: int | None) -> Page:
        return await self.page(plan, context, {**plan.query, **plan.operation.page_query(cursor, size)})
