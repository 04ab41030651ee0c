"""Jobs: followed to their end where the call waits, and split where they would be too large."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest
from tests.server.sandbox_server import UnattendedContext, answer_text, sandbox_server

from klaviyo_mcp.calls import jobs
from klaviyo_mcp.errors import UpstreamError
from klaviyo_tools.jsonapi.records import EMPTY, Record
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

PEOPLE = [{"email": "ann@example.com"}, {"email": "bo@example.com"}]


class Listener(UnattendedContext):
    """Somebody who hears how far a call is."""

    def __init__(self) -> None:
        self.observe: list[tuple[float, float | None, str]] = []

    async def report(self, done: float, total: float | None, message: str) -> None:
        self.observe.append((done, total, message))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FIRST_WAIT_SECONDS", 0.0)


def job(status: str, **attributes: Any) -> Record:
    return Record("profile-bulk-import-job", "J1", {"status": status, **attributes}, EMPTY)


async def test_without_wait_the_answer_names_the_read_to_call() -> None:
    answer = await sandbox_server(confirm="never").run("bulk_import_profiles", profiles=PEOPLE)
    assert answer.partition("\n")[0].split(": ", 1)[1] == (
        "queued, 0 completed of 2, 0 failed; created 2026-06-01T12:00:00Z; next: get_bulk_import_profiles_job(job_id="
        + answer.split()[4].rstrip(":")
        + "), until it is complete"
    )


async def test_with_wait_the_job_is_followed_to_its_end_with_progress() -> None:
    server, listener = sandbox_server(confirm="never"), Listener()
    result = await server.calls.call("bulk_import_profiles", {"profiles": PEOPLE, "wait": True}, listener)
    assert answer_text(result).partition("\n")[0].split(": ", 1)[1] == (
        "complete, 2 completed of 2, 0 failed; created 2026-06-01T12:00:00Z; completed 2026-06-01T12:00:00Z"
    )
    assert listener.observe == [(0, 2.0, "the job is queued"), (0, 2.0, "the job is processing")]
    assert [path.partition("-jobs/")[1] for path in server.requests("GET") if "import-jobs" in path] == [
        "-jobs/",
        "-jobs/",
    ]


async def test_a_job_that_failed_in_part_shows_the_first_errors() -> None:
    server = sandbox_server(confirm="never")
    items = [{"external_id": "A", "title": "A", "url": "https://example.com/a", "description": "A"}] * 2
    answer = await server.run("bulk_create_catalog_items", items=items, wait=True)
    assert "complete, 1 completed of 2, 1 failed" in answer
    assert "already exists" in answer


async def test_the_errors_of_a_job_are_read_where_they_have_a_read_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = sandbox_server(confirm="never")
    server.put("import-error", "E1", code="invalid", title="Invalid", detail="no e-mail address", source={})

    async def follow(started: Record, *_: Any, **__: Any) -> jobs.FollowedJob:
        kept = server.sandbox.store.get("profile-bulk-import-job", started.id)
        assert kept is not None
        server.sandbox.store.link(kept, "import-errors", ["E1"])
        counts = {"status": "complete", "total_count": 2, "completed_count": 1, "failed_count": 1}
        return jobs.FollowedJob(started._replace(attributes=counts))

    monkeypatch.setattr(jobs, "follow_job", follow)
    answer = await server.run("bulk_import_profiles", profiles=PEOPLE, wait=True)
    head, facts = answer.split("\n")[:2]
    assert "1 failed; what failed: get_errors_for_bulk_import_profiles_job(job_id=" in head
    assert facts.startswith("1 import error; complete")
    assert "no e-mail address" in answer


async def test_a_job_that_outlives_the_call_is_left_running_and_the_read_is_named() -> None:
    async def read() -> Record:
        return job("processing")

    end = await jobs.follow_job(
        job("queued"), read, deadline=anyio.current_time() + 1, report=UnattendedContext().report
    )
    assert end == jobs.FollowedJob(
        job("queued"), "the time of the call (KLAVIYO_MCP_DEADLINE) ended before the job did"
    )


async def test_a_job_that_cannot_be_read_is_not_reported_as_failed() -> None:
    async def read() -> Record:
        raise UpstreamError("get_bulk_import_profiles_job", "the answer names no job")

    end = await jobs.follow_job(
        job("queued"), read, deadline=anyio.current_time() + 60, report=UnattendedContext().report
    )
    assert end.job == job("queued")
    assert end.unfinished is not None
    assert end.unfinished.startswith("the job was started, but could not be followed: ")


@pytest.mark.parametrize(
    ("tool", "arguments", "refusal"),
    [
        (
            "bulk_import_profiles",
            {"profiles": [{"email": "ann@example.com"}] * 10_001},
            "profiles: at most 10,000, not 10,001: split the call in 2",
        ),
        (
            "bulk_import_profiles",
            {"profiles": [{"email": "ann@example.com", "properties": {"x": "y" * 60_000}}] * 100},
            "the body is 6,008,280 bytes of JSON, and Klaviyo takes 5,000,000 in a call: "
            "make 2 calls, each with about 50 of the 100 profiles",
        ),
        (
            "bulk_import_profiles",
            {
                "profiles": [
                    {"email": "ann@example.com"},
                    {"email": "bo@example.com", "properties": {"x": "y" * 100_000}},
                ]
            },
            "profiles.1 is 100,048 bytes of JSON, and one may have 100,000",
        ),
        (
            "create_profile",
            {"email": "ann@example.com", "properties": {"x": "y" * 100_000}},
            "the body is 100,090 bytes of JSON, and Klaviyo takes 100,000 in a call: shorten it",
        ),
    ],
)
async def test_a_call_that_is_too_large_is_not_sent_and_says_how_to_split_it(
    tool: str, arguments: dict[str, Any], refusal: str
) -> None:
    server = sandbox_server(confirm="never")
    assert await server.run(tool, **arguments) == f"ERROR: {tool} was not sent: {refusal}."
    assert server.writes() == []


def test_every_job_that_can_be_read_can_be_waited_for() -> None:
    starts = [operation for operation in registry().values() if operation.job]
    assert len(starts) >= 15
    assert all("wait" in operation.arguments.model_fields for operation in starts)


def test_a_job_in_doubt_is_verified_in_the_list_of_jobs() -> None:
    operations = registry()
    reads = {
        name: operations.verify_with(operations[name]) for name in ("bulk_import_profiles", "bulk_suppress_profiles")
    }
    assert reads == {
        "bulk_import_profiles": "get_bulk_import_profiles_jobs",
        "bulk_suppress_profiles": "get_bulk_suppress_profiles_jobs",
    }
    assert operations.verify_with(operations["send_campaign"]) == "get_campaign_send_job"


async def test_the_result_of_a_job_is_shown_at_its_end() -> None:
    server = sandbox_server(confirm="never")
    server.put("profile", "P1", email="ann@example.com")
    server.put("list", "L1", name="News")
    server.sandbox.store.join("list", "L1", "P1")
    server.put("campaign", "C1", name="C", status="Draft", audiences={"included": ["L1"], "excluded": []})
    answer = await server.run("refresh_campaign_recipient_estimation", campaign_id="C1", wait=True)
    assert answer.split("\n")[:2] == [
        "campaign recipient estimation job C1: complete",
        '{"id":"C1","estimated_recipient_count":1}',
    ]


async def test_the_read_of_a_complete_job_names_the_read_of_its_result() -> None:
    server = sandbox_server(confirm="never")
    server.put("campaign", "C1", name="C", status="Draft", audiences={"included": [], "excluded": []})
    await server.run("refresh_campaign_recipient_estimation", campaign_id="C1", wait=True)
    answer = await server.run("get_campaign_recipient_estimation_job", campaign_id="C1")
    assert answer == (
        "campaign recipient estimation job C1: complete; "
        "what it found: get_campaign_recipient_estimation(campaign_id=C1)"
    )


NEW_CODE = {"coupon_codes": [{"coupon_id": "TEN", "unique_code": "A1"}]}


async def test_a_started_job_names_the_call_that_reads_it_listed_or_not() -> None:
    listed, unlisted = sandbox_server(toolsets=("all",)), sandbox_server(toolsets=("core",))
    for server in (listed, unlisted):
        server.put("coupon", "TEN", external_id="TEN")
    plain = await listed.run("bulk_create_coupon_codes", **NEW_CODE)
    assert re.search(r"; next: get_bulk_create_coupon_codes_job\(job_id=\w+\), until it is complete\n", plain)
    through = await unlisted.run("call_write_tool", name="bulk_create_coupon_codes", arguments=NEW_CODE)
    assert re.search(
        r'; next: call_read_tool\(name="get_bulk_create_coupon_codes_job", arguments={"job_id": "\w+"}\), until',
        through,
    )


async def test_the_read_of_a_job_shows_its_counts_and_the_next_read_until_it_has_ended() -> None:
    server = sandbox_server()
    server.put("coupon", "TEN", external_id="TEN")
    job = (await server.run("bulk_create_coupon_codes", **NEW_CODE)).split("job_id=")[1].partition(")")[0]
    first = await server.run("get_bulk_create_coupon_codes_job", job_id=job)
    assert first.startswith(f"coupon code bulk create job {job}: processing, 0 completed of 1, 0 failed; created ")
    assert first.split("\n")[0].endswith(f"next: get_bulk_create_coupon_codes_job(job_id={job}), until it is complete")
    last = await server.run("get_bulk_create_coupon_codes_job", job_id=job)
    assert last.startswith(f"coupon code bulk create job {job}: complete, 1 completed of 1, 0 failed; created ")
    assert "next:" not in last


async def test_the_read_of_a_failed_import_names_the_read_of_its_errors() -> None:
    server = sandbox_server()
    server.put("profile-bulk-import-job", "J1", status="complete", total_count=3, completed_count=1, failed_count=2)
    assert await server.run("get_bulk_import_profiles_job", job_id="J1") == (
        "profile bulk import job J1: complete, 1 completed of 3, 2 failed; "
        "what failed: get_errors_for_bulk_import_profiles_job(job_id=J1)"
    )
