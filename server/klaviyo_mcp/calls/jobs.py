"""Following a job to its end, by reads with growing waits, as long as the call it was started by may take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from klaviyo_mcp.errors import KlaviyoMcpError
from klaviyo_tools.jsonapi.records import Flat

FIRST_WAIT_SECONDS = 0.5
"""Seconds before the first read."""
WAIT_GROWTH = 1.6
MAX_WAIT_SECONDS = 10.0
RESERVED_SECONDS = 2.0
"""Seconds kept free at the end of the call, for reading what failed and for the answer."""

ReportProgress = Callable[[float, float | None, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class FollowedJob:
    """The job as it was last seen, and why it was not seen to its end where it was not."""

    job: Flat
    unfinished: str | None = None


def has_ended(job: Flat) -> bool:
    """Whether the job has ended. Klaviyo has no state for failure: it is in the counts."""
    return job.attributes.get("status") in ("complete", "cancelled")


async def follow_job(
    job: Flat, read: Callable[[], Awaitable[Flat]], *, until: float, report: ReportProgress
) -> FollowedJob:
    """Read a job until it has ended, or until there is no time for another read.

    Never fails: the job runs, whatever becomes of its reads.
    """
    wait = FIRST_WAIT_SECONDS
    while not has_ended(job):
        await _tell(job, report)
        if anyio.current_time() + wait + RESERVED_SECONDS > until:
            return FollowedJob(job, "the time of the call (KLAVIYO_MCP_DEADLINE) ended before the job did")
        await anyio.sleep(wait)
        wait = min(wait * WAIT_GROWTH, MAX_WAIT_SECONDS)
        try:
            job = await read()
        except KlaviyoMcpError as error:
            return FollowedJob(job, f"the job was started, but could not be followed: {error}")
    return FollowedJob(job)


async def _tell(job: Flat, report: ReportProgress) -> None:
    counts = [job.attributes.get(name) for name in ("completed_count", "failed_count", "skipped_count")]
    total = job.attributes.get("total_count")
    known = isinstance(total, int) and total > 0
    done = sum(count for count in counts if isinstance(count, int))
    status = job.attributes.get("status") or "accepted"
    await report(done, float(total) if known and isinstance(total, int) else None, f"the job is {status}")
