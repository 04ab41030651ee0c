"""An answer can be acted on: it names calls as they are made here, tells records whole, and where a job stands."""

from __future__ import annotations

import re

import pytest
from mcp.shared.exceptions import MCPError
from tests.server.sandbox_server import client, sandbox_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


NEW = {"coupon_codes": [{"coupon_id": "TEN", "unique_code": "A1"}]}


async def test_a_job_names_the_read_that_follows_it_as_it_is_called_here() -> None:
    listed, unlisted = sandbox_server(toolsets=("all",)), sandbox_server(toolsets=("core",))
    for server in (listed, unlisted):
        server.put("coupon", "TEN", external_id="TEN")
    plain = await listed.run("bulk_create_coupon_codes", **NEW)
    assert re.search(r"; next: get_bulk_create_coupon_codes_job\(job_id=\w+\), until it is complete\n", plain)
    through = await unlisted.run("call_write_tool", name="bulk_create_coupon_codes", arguments=NEW)
    assert re.search(
        r'; next: call_read_tool\(name="get_bulk_create_coupon_codes_job", arguments={"job_id": "\w+"}\), until',
        through,
    )


async def test_the_read_of_a_job_tells_where_it_stands_until_it_is_over() -> None:
    server = sandbox_server()
    server.put("coupon", "TEN", external_id="TEN")
    job = (await server.run("bulk_create_coupon_codes", **NEW)).split("job_id=")[1].partition(")")[0]
    first = await server.run("get_bulk_create_coupon_codes_job", job_id=job)
    assert first.startswith(f"coupon code bulk create job {job}: processing, 0 completed of 1, 0 failed; created ")
    assert first.split("\n")[0].endswith(f"next: get_bulk_create_coupon_codes_job(job_id={job}), until it is complete")
    last = await server.run("get_bulk_create_coupon_codes_job", job_id=job)
    assert last.startswith(f"coupon code bulk create job {job}: complete, 1 completed of 1, 0 failed; created ")
    assert "next:" not in last


async def test_what_failed_in_an_import_is_to_be_read_next() -> None:
    server = sandbox_server()
    server.put("profile-bulk-import-job", "J1", status="complete", total_count=3, completed_count=1, failed_count=2)
    assert await server.run("get_bulk_import_profiles_job", job_id="J1") == (
        "profile bulk import job J1: complete, 1 completed of 3, 2 failed; "
        "what failed: get_errors_for_bulk_import_profiles_job(job_id=J1)"
    )


async def test_an_accepted_write_names_the_look_as_it_is_called_here() -> None:
    server = sandbox_server(toolsets=("none",), confirm="never")
    arguments = {"profile": {"email": "ann@example.com"}}
    told = await server.run("call_delete_tool", name="request_profile_deletion", arguments=arguments)
    assert "; to see it: get_profiles (through call_read_tool)\n" in told


@pytest.mark.parametrize(
    ("tool", "fault"),
    [
        (
            "delete_coupon",
            'delete_coupon is not listed here: call it as call_delete_tool(name="delete_coupon", arguments={}), '
            "with its arguments",
        ),
        ("get_profle", "there is no tool 'get_profle'; did you mean get_profile or get_profiles?"),
        ("xyzzy", "there is no tool 'xyzzy'; find_tools searches by what you want to do"),
    ],
)
async def test_a_tool_that_is_not_listed_is_answered_with_the_way_to_call_it(tool: str, fault: str) -> None:
    server = sandbox_server(toolsets=("core",))
    async with client(server.calls, "legacy") as connected:
        with pytest.raises(MCPError) as caught:
            await connected.call_tool(tool, {})
    assert caught.value.error.message == fault
    assert server.requests() == []


async def test_an_error_names_the_way_to_a_tool_that_is_not_listed() -> None:
    server = sandbox_server(toolsets=("core",))
    server.sandbox.connections.held.clear()
    told = await server.run("get_lists")
    assert told.startswith("ERROR: The Maton account has no active Klaviyo connection")
    assert told.endswith("create_connection is not listed: call it through call_write_tool.")


async def test_one_record_is_told_whole() -> None:
    server = sandbox_server()
    server.put(
        "profile", "P1", email="ann@example.com", title="Chef", properties={"shoe": 38}, location={"city": "Graz"}
    )
    told = (await server.run("get_profile", profile_id="P1")).split("\n")[2]
    assert '"title":"Chef"' in told
    assert '"properties":{"shoe":38}' in told
    some = (await server.run("get_profile", profile_id="P1", fields=["email"])).split("\n")[2]
    assert some == '{"id":"P1","email":"ann@example.com"}'


async def test_what_one_record_includes_is_told_whole_beside_it() -> None:
    server = sandbox_server()
    server.put("tag", "T1", name="spring")
    server.put("list", "L1", {"tags": ["T1"]}, name="Newsletter")
    told = await server.run("get_list", list_id="L1", include=["tags"])
    assert '"tags":[{"id":"T1","name":"spring"}]' in told


async def test_events_are_told_and_counted_by_the_names_of_their_metrics() -> None:
    server = sandbox_server()
    server.put("metric", "M1", name="Placed Order")
    for number in (1, 2):
        server.put("event", f"E{number}", {"metric": "M1"}, datetime=f"2026-05-0{number}T00:00:00+00:00")
    told = await server.run("get_events")
    assert told.startswith("2 events; 2 Placed Order (M1); datetime 2026-05-01 to 2026-05-02; complete\n")
    counted = await server.run("get_events", count_by="metric")
    assert counted.endswith("\nPlaced Order (M1),2,100.0%")


async def test_events_are_filtered_by_the_name_of_a_metric() -> None:
    server = sandbox_server()
    server.put("metric", "Xy12Zq", name="Placed Order")
    server.put("event", "E1", {"metric": "Xy12Zq"}, datetime="2026-05-01T00:00:00+00:00")
    assert (await server.run("get_events", filter='equals(metric_id,"placed order")')).startswith("1 event; ")
    assert await server.run("get_events", filter='equals(metric_id,"Placed Ordr")') == (
        "ERROR: get_events was not sent: filter: metric_id: no metric is called 'Placed Ordr'; "
        "did you mean 'Placed Order'?"
    )


async def test_a_new_connection_says_that_a_person_opens_its_url_and_what_to_call_then() -> None:
    first, second = (await sandbox_server(toolsets=("none",)).run("call_write_tool", name="create_connection")).split(
        "\n"
    )
    assert '"status":"PENDING"' in first
    assert second.startswith("Next: a person opens that url in a browser and authorizes; then call_read_tool(")
    assert second.endswith("), until it is ACTIVE.")
