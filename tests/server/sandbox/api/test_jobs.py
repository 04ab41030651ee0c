"""Jobs progress as they are read."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api, profile

from klaviyo_mcp.sandbox.api.jobs import advance_job, cancel_job
from klaviyo_mcp.sandbox.state.store import Record

pytestmark = pytest.mark.anyio


async def start_import(api: Api) -> Record:
    resources = [profile(email="a@example.com"), profile(first_name="nobody")]
    body = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": resources}}}
    job = (await api.post("profile-bulk-import-jobs", {"data": body}, 202))["data"]
    record = api.sandbox.store.get("profile-bulk-import-job", job["id"])
    assert record is not None
    return record


async def test_a_job_is_queued_then_processing_then_complete_with_its_counts(api: Api) -> None:
    job = await start_import(api)
    states = [job.attributes["status"]]
    for _ in range(3):
        advance_job(api.sandbox.store, job)
        states.append(job.attributes["status"])
    assert states == ["queued", "processing", "complete", "complete"]
    assert (job.attributes["completed_count"], job.attributes["failed_count"]) == (1, 1)
    assert job.attributes["started_at"] == job.attributes["completed_at"] == "2026-06-01T12:00:00+00:00"


async def test_a_cancelled_job_stays_cancelled(api: Api) -> None:
    job = await start_import(api)
    cancel_job(api.sandbox.store, job)
    advance_job(api.sandbox.store, job)
    assert (job.attributes["status"], job.attributes["completed_count"]) == ("cancelled", 0)


async def test_the_outcome_of_a_running_job_is_in_no_answer(api: Api) -> None:
    job = await start_import(api)
    assert "_outcome" in job.attributes
    assert "_outcome" not in await api.attributes(f"profile-bulk-import-jobs/{job.id}")
