"""Stage 5 of a call: add the pages of a plan to its answer, and write the text."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from klaviyo_mcp.account.reads import AccountReads
from klaviyo_mcp.answers import record
from klaviyo_mcp.answers.collection import CollectionAnswer
from klaviyo_mcp.answers.counts import CountsAnswer
from klaviyo_mcp.answers.cursors import CursorError
from klaviyo_mcp.answers.pages import MAX_RESULTS
from klaviyo_mcp.answers.view import FieldError
from klaviyo_mcp.calls import connection_link, edits, jobs
from klaviyo_mcp.calls.authorize import Authorized
from klaviyo_mcp.calls.context import CallContext, SilentContext
from klaviyo_mcp.calls.edits import RecordLocks
from klaviyo_mcp.calls.inventory import Inventory
from klaviyo_mcp.calls.jobs import JobReads
from klaviyo_mcp.calls.plan import CollectionPlan, Plan, plan_call
from klaviyo_mcp.calls.prepare import not_sent
from klaviyo_mcp.calls.requests import PlanRequests
from klaviyo_mcp.errors import InDoubtError, KlaviyoMcpError, UpstreamError
from klaviyo_mcp.safety.previews.changes import replacement_lines
from klaviyo_mcp.threads import run_sized
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.types import Arguments
from klaviyo_tools.jsonapi.documents import argument_values
from klaviyo_tools.jsonapi.records import DocumentError, Page, Record
from klaviyo_tools.operation.facts import AnswerKind, Effect
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import resource_type

if TYPE_CHECKING:
    from klaviyo_mcp.reports.service import ReportService

MAX_ERRORS_SHOWN = 5
"""Failed items of a job that its answer shows."""


@dataclass(frozen=True, slots=True)
class PlanRunner:
    """Answers plans. `reports` returns the service of reports, and builds it for the first report."""

    inventory: Inventory
    requests: PlanRequests
    reads: AccountReads
    reports: Callable[[], ReportService]
    revision: str
    locks: RecordLocks = field(default_factory=RecordLocks)

    async def run(self, plan: Plan, context: CallContext) -> str:
        """Read what the plan says, and return the text of the answer.

        Raises:
            ArgumentError: A report's argument names nothing in the account, or its cursor belongs to another call.
            InDoubtError: A write succeeded with an answer that cannot be read.
            KlaviyoMcpError: A request failed; the class says why.
        """
        operation = plan.operation
        try:
            if plan.collection is not None:
                return await self._collection(plan, plan.collection, context)
            if operation.method != "PATCH":
                return await self._answer(plan, context)
            async with self.locks.of(plan):
                return await self._answer(await edits.read_stored(plan, self.reads, self.revision), context)
        except (ArgumentsError, FieldError, CursorError) as error:
            raise not_sent(operation, error) from None
        except DocumentError as error:
            if operation.effect is Effect.READ:
                raise UpstreamError(operation.name, str(error)) from None
            verify_with = self.inventory.verify_with(operation) or ""
            cause = f"the gateway reported success, but {error}"
            raise InDoubtError(operation.name, cause, verify_with=verify_with) from None

    async def _answer(self, plan: Plan, context: CallContext) -> str:
        match plan.kind:
            case AnswerKind.RECORD:
                return await self._record(plan, context)
            case AnswerKind.REPORT:
                return await self._report(plan, context)
            case AnswerKind.JOB:
                return await self._job(plan, context)
            case _:
                return await self._nothing(plan, context)

    async def _collection(self, plan: Plan, collection: CollectionPlan, context: CallContext) -> str:
        answer = _start_answer(plan, collection)
        async with aclosing(self.requests.pages(plan, collection, context)) as pages:
            largest = 0
            async for place, page in pages:
                largest = max(largest, page.size)
                if not await run_sized(page.size, partial(answer.add, place, page)):
                    break
        return await run_sized(largest, partial(answer.text, collection.cursor))

    async def _record(self, plan: Plan, context: CallContext) -> str:
        fetch = partial(self.requests.page, plan, context, plan.query)
        if plan.operation.name == connection_link.OPERATION:
            return await connection_link.create_connection_text(
                fetch,
                context,
                self.reads,
                how_to_follow=self._how_to_follow_connection,
                record_text=lambda connection: record.record_text(connection, plan.resource, view=plan.view),
            )
        page = await fetch()
        return await run_sized(page.size, partial(self._record_text, plan, page))

    def _record_text(self, plan: Plan, page: Page) -> str:
        """The text of a document that holds one record, or is what the operation answers in its place."""
        is_get = plan.operation.method == "GET"
        if is_get and not page.single:
            return record.document_text(page, plan.resource, view=plan.view)
        answered_record = page.records[0] if page.records else None
        if answered_record is not None and is_get and answered_record.type.endswith("-job") and not plan.view.fields:
            reads = jobs.reads_of_job(plan.operation, self.inventory.registry)
            return record.job_text(
                answered_record,
                plan.resource,
                follow=self._how_to_read(reads.status, answered_record),
                errors=self._how_to_read(reads.errors, answered_record),
                result=self._how_to_read(reads.result, answered_record),
                included=page.included,
                view=plan.view,
            )
        foreign = edits.foreign_changes(plan, answered_record)
        replaced = replacement_lines(plan.edit.text_changes) if plan.edit is not None else []
        notes = [note for note in (foreign, *replaced) if note]
        shown = edits.without_edited_texts(plan, answered_record)
        offset = getattr(plan.arguments, "offset", None)
        text = record.record_text(shown, plan.resource, included=page.included, view=plan.view, offset=offset)
        return "\n".join([*notes, text])

    async def _report(self, plan: Plan, context: CallContext) -> str:
        async def send(arguments: Arguments) -> Page:
            return await self.requests.page(replace(plan, arguments=arguments), context)

        return await self.reports().answer(plan.operation, plan.arguments, send)

    async def _nothing(self, plan: Plan, context: CallContext) -> str:
        reply = await self.requests.send(plan, context)
        subject = {name: _plain(value) for name, value, _ in argument_values(plan.arguments)}
        accepted = reply.status == 202
        verify_with = self.inventory.verify_with(plan.operation) if accepted else None
        return record.success_text(plan.operation.name, subject, accepted=accepted, verify_with=verify_with)

    # Jobs.

    async def _job(self, plan: Plan, context: CallContext) -> str:
        page = await self.requests.page(plan, context)
        if not page.records:
            raise DocumentError("the answer names no job")
        job = page.records[0]
        reads = jobs.reads_of_started_job(plan.operation, self.inventory.registry)
        if reads.status is None:
            return record.job_text(job, resource_type(job.type), view=plan.view)
        follow = self._how_to_read(reads.status, job)
        if not getattr(plan.arguments, "wait", None):
            return record.job_text(job, plan.resource, follow=follow, view=plan.view)
        read = partial(self._read_job, plan, reads.status, job)
        end = await jobs.follow_job(job, read, deadline=plan.deadline, report=context.report)
        errors = self._how_to_read(reads.errors, job)
        text = record.job_text(end.job, plan.resource, follow=follow, errors=errors, view=plan.view)
        if end.unfinished:
            return f"{end.unfinished}\n{text}"
        more = await self._end_of_job(plan, reads, end.job)
        return f"{text}\n{more}" if more else text

    async def _end_of_job(self, plan: Plan, reads: JobReads, job: Record) -> str:
        """The errors of a job that has ended, or else its result; empty where it has neither."""
        if reads.errors is not None and job.attributes.get("failed_count"):
            return await self._read_about(plan, reads.errors, job, max_results=MAX_ERRORS_SHOWN)
        return await self._read_about(plan, reads.result, job) if reads.result is not None else ""

    async def _read_job(self, plan: Plan, status: Operation, job: Record) -> Record:
        """The job as it is now. Raises KlaviyoMcpError."""
        try:
            page = await self.requests.page(self._plan_read(plan, status, job), SilentContext())
        except DocumentError as error:
            raise UpstreamError(status.name, str(error)) from None
        if not page.records:
            raise UpstreamError(status.name, "the answer names no job")
        return page.records[0]

    async def _read_about(self, plan: Plan, operation: Operation, job: Record, **arguments: object) -> str:
        """The whole answer of a read about a job, or why there is none."""
        try:
            return await self.run(self._plan_read(plan, operation, job, **arguments), SilentContext())
        except KlaviyoMcpError as error:
            return f"{self._how_to_read(operation, job)} could not be read: {error}"

    def _plan_read(self, plan: Plan, operation: Operation, job: Record, **arguments: object) -> Plan:
        """The plan of a read about a job, with the deadline of the call that started the job."""
        checked = check_arguments(operation.arguments, {operation.path_ids[-1]: job.id, **arguments})
        return plan_call(
            Authorized(operation, checked, plan.deadline, plan.connection), revision=self.revision, hide=plan.view.hide
        )

    def _how_to_read(self, operation: Operation | None, job: Record) -> str | None:
        return self.inventory.how_to_call(operation, {operation.path_ids[-1]: job.id}) if operation else None

    def _how_to_follow_connection(self, id_: str) -> str:
        return self.inventory.how_to_call(self.inventory.registry["get_connection"], {"connection_id": id_})


def _start_answer(plan: Plan, collection: CollectionPlan) -> CollectionAnswer | CountsAnswer:
    """The answer that the pages of a collection are added to."""
    if collection.count_by:
        return CountsAnswer(plan.resource, collection.count_by, plan.view)
    most = collection.max_results or MAX_RESULTS
    return CollectionAnswer(plan.resource, plan.view, start=collection.start, max_results=most)


def _plain(value: object) -> object:
    if isinstance(value, Arguments):
        return value.model_dump(exclude_unset=True)
    return [_plain(item) for item in value] if isinstance(value, list) else value
