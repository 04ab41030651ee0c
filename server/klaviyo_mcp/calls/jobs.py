"""Jobs: which operations read them, and how a call follows one to its end within its own time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from klaviyo_mcp.answers.wording import job_status
from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_tools.jsonapi.records import Record
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.registry import Registry

FIRST_WAIT_SECONDS = 0.5
"""Seconds before the first read."""
WAIT_GROWTH = 1.6
"""Each wait is so many times the one before it."""
MAX_WAIT_SECONDS = 10.0
RESERVED_SECONDS = 2.0
"""Seconds kept free at the end of the call, to read the errors of the job and to write the answer."""

ReportProgress = Callable[[float, float | None, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobReads:
    """The operations that read a job: its status, the errors of its failed items, its result; each may be missing."""

    status: Operation | None = None
    errors: Operation | None = None
    result: Operation | None = None


def reads_of_started_job(start: Operation, registry: Registry) -> JobReads:
    """The reads of the jobs that an operation starts."""
    return _job_reads(start.job.read, start.job.errors, start.job.result, registry) if start.job else JobReads()


def reads_of_job(status: Operation, registry: Registry) -> JobReads:
    """The reads of the jobs whose status an operation reads."""
    declared = [one.job for one in registry.values() if one.job and one.job.read == status.name]
    errors = next((job.errors for job in declared if job.errors), None)
    result = next((job.result for job in declared if job.result), None)
    return _job_reads(status.name, errors, result, registry)


def _job_reads(status: str, errors: str | None, result: str | None, registry: Registry) -> JobReads:
    return JobReads(registry[status], registry[errors] if errors else None, registry[result] if result else None)


@dataclass(frozen=True, slots=True)
class FollowedJob:
    """A job as it was last seen; `unfinished` says why it was not followed to its end, None where it was."""

    job: Record
    unfinished: str | None = None


def has_ended(job: Record) -> bool:
    """Whether the job has ended. Klaviyo has no status for failure: read the counts."""
    return job.attributes.get("status") in ("complete", "cancelled")


async def follow_job(
    job: Record, read: Callable[[], Awaitable[Record]], *, deadline: float, report: ReportProgress
) -> FollowedJob:
    """Read a job until it has ended, or until no time is left for another read. `deadline` is on the loop's clock.

    Never fails: the job runs, whatever becomes of its reads.
    """
    wait = FIRST_WAIT_SECONDS
    while not has_ended(job):
        await _report_progress(job, report)
        if anyio.current_time() + wait + RESERVED_SECONDS > deadline:
            return FollowedJob(job, "the time of the call (KLAVIYO_MCP_DEADLINE) ended before the job did")
        await anyio.sleep(wait)
        wait = min(wait * WAIT_GROWTH, MAX_WAIT_SECONDS)
        try:
            job = await read()
        except KlaviyoMcpError as error:
            return FollowedJob(job, f"the job was started, but could not be followed: {error}")
    return FollowedJob(job)


async def _report_progress(job: Record, report: ReportProgress) -> None:
    counts = [job.attributes.get(name) for name in ("completed_count", "failed_count", "skipped_count")]
    done = sum(count for count in counts if isinstance(count, int))
    total = job.attributes.get("total_count")
    status = job_status(job.attributes.get("status"), hide=True)
    await report(done, float(total) if isinstance(total, int) and total > 0 else None, f"the job is {status}")
