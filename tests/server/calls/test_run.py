"""Stages 4 and 5: pages are read while the answer wants more, and an answer that cannot be read becomes an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.server.sandbox_server import UnattendedContext, sandbox_server

from klaviyo_mcp.calls.authorize import Authorized
from klaviyo_mcp.calls.plan import plan_call
from klaviyo_mcp.calls.requests import PlanRequests
from klaviyo_mcp.calls.run import PlanRunner
from klaviyo_mcp.errors import InDoubtError, KlaviyoMcpError, UpstreamError
from klaviyo_mcp.gateway.options import Reply
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Request
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio


class RecordingContext(UnattendedContext):
    """A context that keeps the progress that it was shown."""

    def __init__(self) -> None:
        self.progress: list[str] = []

    async def report(self, done: float, total: float | None, message: str) -> None:
        self.progress.append(message)


class FakeSender:
    """Answers requests in turn with these documents, and keeps the queries; says that each request had to wait."""

    def __init__(self, *documents: Any, status: int = 200) -> None:
        self.queries: list[dict[str, str]] = []
        self._documents, self._status = list(documents), status

    async def send(self, operation: Operation, request: Request, *, on_wait: Any, **options: Any) -> Reply:
        self.queries.append(dict(request.query))
        await on_wait(3.2, "Klaviyo's limit")
        return Reply(self._status, self._documents.pop(0), 0, 1, 0.0)


def page(ids: Sequence[str], cursor: str | None = None) -> dict[str, Any]:
    records = [{"type": "profile", "id": id_, "attributes": {"email": f"{id_}@example.com"}} for id_ in ids]
    next_link = f"https://a.klaviyo.com/api/profiles?page%5Bcursor%5D={cursor}" if cursor else None
    return {"data": records, "links": {"next": next_link}}


async def run(sender: FakeSender, name: str, /, context: UnattendedContext | None = None, **arguments: Any) -> str:
    calls = sandbox_server().calls
    runner = PlanRunner(
        calls.inventory,
        PlanRequests(sender),  # type: ignore[arg-type]
        calls.reads,
        lambda: calls.reports,
        revision="2026-01-15",
    )
    operation = registry()[name]
    plan = plan_call(
        Authorized(operation, check_arguments(operation.arguments, arguments), 10.0), revision="2026-01-15", hide=False
    )
    return await runner.run(plan, context or UnattendedContext())


async def failure(sender: FakeSender, name: str, /, **arguments: Any) -> KlaviyoMcpError:
    with pytest.raises(KlaviyoMcpError) as raised:
        await run(sender, name, **arguments)
    return raised.value


async def test_pages_are_read_until_the_answer_has_what_was_asked_for() -> None:
    sender = FakeSender(page(["a", "b"], "two"), page(["c", "d"], "three"))
    answer = await run(sender, "get_profiles", max_results=3, fields=["email"])
    assert answer.startswith("3 of more than 3 profiles; more: cursor=k~")
    assert sender.queries == [
        {"fields[profile]": "email", "page[size]": "3"},
        {"fields[profile]": "email", "page[size]": "3", "page[cursor]": "two"},
    ]


async def test_a_count_reads_every_page_in_the_largest_size() -> None:
    sender = FakeSender(page(["a", "b"], "two"), page(["c"]))
    answer = await run(sender, "get_profiles", count_by="location.country")
    assert answer.startswith("3 profiles by location.country: 0 values; complete")
    assert [query["page[size]"] for query in sender.queries] == ["100", "100"]


async def test_pages_and_waits_show_as_progress() -> None:
    context = RecordingContext()
    await run(FakeSender(page(["a"], "two"), page(["b"])), "get_profiles", context, max_results=10)
    wait = "waiting 3 s for Klaviyo's limit"
    assert context.progress == [wait, "1 of at most 10 records read", wait]


@pytest.mark.parametrize("document", [None, {}, {"data": "text"}, [], page(["a"], "x" * 3_000)])
async def test_an_answer_that_is_no_document_fails_a_read(document: Any) -> None:
    error = await failure(FakeSender(document), "get_profiles")
    assert isinstance(error, UpstreamError)
    assert str(error).startswith("get_profiles failed: ")


async def test_an_answer_that_is_no_document_leaves_a_write_in_doubt() -> None:
    error = await failure(FakeSender({}, status=201), "create_list", name="VIP")
    assert isinstance(error, InDoubtError)
    assert "may or may not have been applied: the gateway reported success, but the answer has no data member" in str(
        error
    )


async def test_an_accepted_write_names_the_read_that_shows_it_and_a_finished_one_does_not() -> None:
    arguments: dict[str, Any] = {"list_id": "L1", "profile_ids": ["P1"]}
    done = await run(FakeSender(None, status=204), "add_profiles_to_list", **arguments)
    assert done == "Done: add_profiles_to_list list_id=L1, profile_ids=P1"
    accepted = await run(FakeSender(None, status=202), "add_profiles_to_list", **arguments)
    assert accepted.startswith("Accepted: add_profiles_to_list list_id=L1")
    assert "; to see it: get_profiles_for_list" in accepted


async def test_a_job_without_a_record_leaves_the_write_in_doubt() -> None:
    error = await failure(FakeSender({"data": None}), "bulk_import_profiles", profiles=[{"email": "ann@example.com"}])
    assert isinstance(error, InDoubtError)
    assert "the answer names no job" in str(error)


async def test_an_accepted_write_names_the_dispatcher_of_an_unlisted_read() -> None:
    server = sandbox_server(toolsets=("none",), confirm="never")
    arguments = {"profile": {"email": "ann@example.com"}}
    answer = await server.run("call_delete_tool", name="request_profile_deletion", arguments=arguments)
    assert "; to see it: get_profiles (through call_read_tool)\n" in answer


async def test_one_record_shows_every_attribute() -> None:
    server = sandbox_server()
    server.put(
        "profile", "P1", email="ann@example.com", title="Chef", properties={"shoe": 38}, location={"city": "Graz"}
    )
    answer = (await server.run("get_profile", profile_id="P1")).split("\n")[2]
    assert '"title":"Chef"' in answer
    assert '"properties":{"shoe":38}' in answer
    short = (await server.run("get_profile", profile_id="P1", fields=["email"])).split("\n")[2]
    assert short == '{"id":"P1","email":"ann@example.com"}'


async def test_an_included_record_is_shown_inside_the_record() -> None:
    server = sandbox_server()
    server.put("tag", "T1", name="spring")
    server.put("list", "L1", {"tags": ["T1"]}, name="Newsletter")
    answer = await server.run("get_list", list_id="L1", include=["tags"])
    assert '"tags":[{"id":"T1","name":"spring"}]' in answer


async def test_events_are_shown_and_counted_by_the_names_of_their_metrics() -> None:
    server = sandbox_server()
    server.put("metric", "M1", name="Placed Order")
    for number in (1, 2):
        server.put("event", f"E{number}", {"metric": "M1"}, datetime=f"2026-05-0{number}T00:00:00+00:00")
    answer = await server.run("get_events")
    assert answer.startswith('2 events; 2 "Placed Order (M1)"; datetime 2026-05-01 to 2026-05-02; complete\n')
    counted = await server.run("get_events", count_by="metric")
    assert counted.endswith("\nPlaced Order (M1),2,100.0%")
