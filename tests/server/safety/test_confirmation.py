"""Nothing that deletes, sends or cannot be undone runs before a person, or a code for exactly that call, has agreed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import mcp_types
import pytest
from mcp.client.session import ClientRequestContext, ElicitationFnT
from tests.server.sandbox_server import (
    ERAS,
    Person,
    SandboxServer,
    answer_text,
    client,
    confirmation_code,
    sandbox_server,
)

from klaviyo_mcp.safety.codes import CODE_SECONDS, ConfirmationCodes
from klaviyo_mcp.safety.confirmation import ConfirmationGate

pytestmark = pytest.mark.anyio

DELETED = "DELETE /klaviyo/api/lists/L1"


def with_lists(**settings: object) -> SandboxServer:
    server = sandbox_server(**settings)  # type: ignore[arg-type]
    server.put("list", "L1", name="Newsletter", opt_in_process="single_opt_in")
    server.put("list", "L2", name="VIP", opt_in_process="single_opt_in")
    return server


# By the person.


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_who_agrees_lets_the_call_run_once(era: str) -> None:
    server, person = with_lists(), Person("accept")
    async with client(server.calls, era, person) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
    assert answer == 'Done: delete_list list_id=L1\n[account: "Fjord Outdoor"]'
    assert server.writes() == [DELETED]
    assert person.questions == [
        'Klaviyo account "Fjord Outdoor": delete the list "Newsletter" (id L1).\n'
        "It holds 0 profiles, which stay in the account.\n"
        "This cannot be undone.\n"
        "Go ahead?"
    ]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("person", [Person("decline"), Person("cancel")], ids=["decline", "cancel"])
async def test_a_person_who_does_not_agree_keeps_everything_as_it_is(era: str, person: Person) -> None:
    server = with_lists()
    async with client(server.calls, era, person) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
    assert answer == (
        "ERROR: delete_list was not run and nothing was changed: the person asked did not agree. "
        "Do not repeat it unless they ask for it; ask them what they want instead."
    )
    assert server.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_the_record_is_read_for_the_preview_and_again_once_a_person_agrees(era: str) -> None:
    server = with_lists()
    async with client(server.calls, era, Person("accept")) as session:
        await session.call_tool("delete_list", {"list_id": "L1"})
    assert server.requests("GET").count("GET /klaviyo/api/lists/L1") == 2


@pytest.mark.parametrize("era", ERAS)
async def test_a_flow_that_nobody_is_in_is_set_to_draft_without_a_confirmation(era: str) -> None:
    server, person = sandbox_server(), Person("decline")
    server.put("flow", "F1", name="Welcome", status="manual", archived=False)
    async with client(server.calls, era, person) as session:
        draft = answer_text(await session.call_tool("update_flow", {"flow_id": "F1", "status": "draft"}))
        live = answer_text(await session.call_tool("update_flow", {"flow_id": "F1", "status": "live"}))
    assert not draft.startswith("ERROR")
    assert live.startswith("ERROR: update_flow was not run and nothing was changed")
    assert server.writes() == ["PATCH /klaviyo/api/flows/F1"]
    assert len(person.questions) == 1


# An answer that is neither yes nor no.


def answering(**result: Any) -> ElicitationFnT:
    async def answer(context: ClientRequestContext, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        return mcp_types.ElicitResult.model_construct(**result)

    return answer


async def fails_to_ask(context: ClientRequestContext, params: mcp_types.ElicitRequestParams) -> mcp_types.ErrorData:
    return mcp_types.ErrorData(code=-32603, message="no window to ask in")


UNUSABLE = [
    pytest.param(Person("accept", tick=False), id="no tick"),
    pytest.param(answering(action="accept"), id="no content"),
    pytest.param(answering(action="accept", content={}), id="empty content"),
    pytest.param(answering(action="accept", content={"confirm": "true"}), id="text for a tick"),
    pytest.param(answering(action="accept", content={"other": True}), id="another field"),
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("unusable", UNUSABLE)
async def test_an_answer_without_a_tick_leads_to_a_code_that_runs_the_call(era: str, unusable: ElicitationFnT) -> None:
    server = with_lists()
    async with client(server.calls, era, unusable) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
        assert server.writes() == []
        code = confirmation_code(answer)
        done = answer_text(await session.call_tool("delete_list", {"list_id": "L1", "confirmation": code}))
    assert done.startswith("Done")


@pytest.mark.parametrize(
    "unusable",
    [
        pytest.param(answering(action="perhaps"), id="another action"),
        pytest.param(answering(action="accept", content="yes"), id="text for content"),
        pytest.param(fails_to_ask, id="a JSON-RPC error"),
    ],
)
async def test_while_the_call_waits_a_malformed_answer_or_an_error_leads_to_a_code(
    unusable: ElicitationFnT, caplog: pytest.LogCaptureFixture
) -> None:
    server = with_lists()
    async with client(server.calls, "legacy", unusable) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
    assert answer.startswith("Nothing has been changed yet")
    assert confirmation_code(answer)
    assert server.writes() == []
    assert "unexpected failure" not in caplog.text


async def test_a_question_that_nobody_answers_leads_to_a_code_and_a_late_yes_counts_for_nothing() -> None:
    asked, answered = anyio.Event(), anyio.Event()

    async def late(context: ClientRequestContext, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        asked.set()
        with anyio.CancelScope(shield=True):
            await answered.wait()
        return mcp_types.ElicitResult(action="accept", content={"confirm": True})

    server = with_lists(confirm_patience=1)
    async with client(server.calls, "legacy", late) as session:
        with anyio.fail_after(20):
            answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
        answered.set()
        await anyio.wait_all_tasks_blocked()
    assert asked.is_set()
    assert answer.startswith("Nothing has been changed yet")
    assert confirmation_code(answer)
    assert server.writes() == []


YES = {"confirm": mcp_types.ElicitResult(action="accept", content={"confirm": True})}


async def test_a_state_from_before_a_restart_leads_to_a_new_question() -> None:
    server, person = with_lists(), Person("accept")
    async with client(server.calls, "2026-07-28", person) as session:
        before = await session.session.call_tool("delete_list", {"list_id": "L1"}, allow_input_required=True)
    assert isinstance(before, mcp_types.InputRequiredResult)
    async with client(server.calls, "2026-07-28", person) as session:
        after = await session.session.call_tool(
            "delete_list",
            {"list_id": "L1"},
            input_responses=YES,  # type: ignore[arg-type]
            request_state=before.request_state,
            allow_input_required=True,
        )
        assert isinstance(after, mcp_types.InputRequiredResult)
        assert server.writes() == []
        done = await session.session.call_tool(
            "delete_list",
            {"list_id": "L1"},
            input_responses=YES,  # type: ignore[arg-type]
            request_state=after.request_state,
        )
    assert isinstance(done, mcp_types.CallToolResult)
    assert answer_text(done).startswith("Done")


@pytest.mark.parametrize("era", ERAS)
async def test_by_code_no_person_is_asked_though_the_client_could(era: str) -> None:
    server, person = with_lists(confirm_by="code"), Person("accept")
    async with client(server.calls, era, person) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
        code = confirmation_code(answer)
        done = answer_text(await session.call_tool("delete_list", {"list_id": "L1", "confirmation": code}))
    assert done.startswith("Done")
    assert person.questions == []


# In two steps.


@pytest.mark.parametrize("era", ERAS)
async def test_without_a_person_the_first_call_previews_and_the_second_runs(era: str) -> None:
    server = with_lists()
    async with client(server.calls, era) as session:
        first = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
        assert server.writes() == []
        code = confirmation_code(first)
        second = answer_text(await session.call_tool("delete_list", {"list_id": "L1", "confirmation": code}))
    assert first == (
        "Nothing has been changed yet: delete_list needs a confirmation.\n"
        'Klaviyo account "Fjord Outdoor": delete the list "Newsletter" (id L1).\n'
        "It holds 0 profiles, which stay in the account.\n"
        "This cannot be undone.\n"
        "To go ahead, show this to the person; if they agree, call delete_list again with the same arguments "
        f'and confirmation="{code}" (good for ten minutes, once).'
    )
    assert second == 'Done: delete_list list_id=L1\n[account: "Fjord Outdoor"]'
    assert server.writes() == [DELETED]


async def test_a_code_in_small_letters_with_blanks_is_the_same_code() -> None:
    server = with_lists()
    code = confirmation_code(await server.run("delete_list", list_id="L1"))
    assert (await server.run("delete_list", list_id="L1", confirmation=f" {code.lower()} ")).startswith("Done")


async def test_a_code_is_good_once() -> None:
    server = with_lists()
    code = confirmation_code(await server.run("delete_list", list_id="L1"))
    await server.run("delete_list", list_id="L1", confirmation=code)
    assert await server.run("delete_list", list_id="L1", confirmation=code) == (
        "ERROR: delete_list was not run and nothing was changed by this call: that code was used already: "
        "a code is good for one call. Call again without confirmation for a new preview and code."
    )
    assert server.writes() == [DELETED]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("delete_list", {"list_id": "L2"}), ("bulk_suppress_profiles", {"list_id": "L1"})],
    ids=["other arguments", "another tool"],
)
async def test_a_code_is_good_for_no_other_call(name: str, arguments: dict[str, str]) -> None:
    server = with_lists()
    code = confirmation_code(await server.run("delete_list", list_id="L1"))
    answer = await server.run(name, **arguments, confirmation=code)
    assert answer.startswith(
        f"ERROR: {name} was not run and nothing was changed: that code was given for another call."
    )
    assert server.writes() == []
    assert (await server.run("delete_list", list_id="L1", confirmation=code)).startswith("Done")


@pytest.mark.parametrize("code", ["AAAAAAAAAA", "", "ü\ud800", "x" * 10_000])
async def test_an_invented_code_changes_nothing(code: str) -> None:
    server = with_lists()
    await server.run("delete_list", list_id="L1")
    answer = await server.run("delete_list", list_id="L1", confirmation=code)
    assert answer.startswith(
        "ERROR: delete_list was not run and nothing was changed: that code was not given out here"
        if code
        else "Nothing has been changed yet"
    )
    assert server.writes() == []


async def test_a_code_expires_after_ten_minutes() -> None:
    now = 1000.0
    server = with_lists()
    gate = ConfirmationGate(ConfirmationCodes(clock=lambda: now))
    server.calls.authorizer = replace(server.calls.authorizer, gate=gate)
    code = confirmation_code(await server.run("delete_list", list_id="L1"))
    now += CODE_SECONDS
    assert await server.run("delete_list", list_id="L1", confirmation=code) == (
        "ERROR: delete_list was not run and nothing was changed: that code has expired: it is good for ten minutes. "
        "Call again without confirmation for a new preview and code."
    )
    assert server.writes() == []


async def test_a_code_is_good_for_no_other_account() -> None:
    server = with_lists()
    code = confirmation_code(await server.run("delete_list", list_id="L1"))
    other = server.sandbox.connections
    other.by_id["other"] = {**other.by_id.popitem()[1], "connection_id": "other"}
    server.calls.accounts.forget()
    answer = await server.run("delete_list", list_id="L1", confirmation=code)
    assert answer.startswith("ERROR: delete_list was not run and nothing was changed: that code was given for another")
    assert server.writes() == []


async def test_a_code_is_good_for_the_same_arguments_in_another_form() -> None:
    server = with_lists(confirm="writes")
    code = confirmation_code(
        await server.run("bulk_import_profiles", list_ids=["L1"], profiles=[{"email": "a@example.com"}])
    )
    again = await server.run(
        "bulk_import_profiles", profiles='[{"email":"a@example.com"}]', list_ids="L1", confirmation=code
    )
    assert not again.startswith(("ERROR", "Nothing"))
    assert server.writes() == ["POST /klaviyo/api/profile-bulk-import-jobs"]


async def test_wrong_arguments_are_refused_before_a_person_is_asked() -> None:
    server = with_lists()
    answer = await server.run("delete_list", list="L1")
    assert answer.startswith("ERROR: delete_list was not sent: list_id is required")
    assert server.requests() == []


# Settings.


@pytest.mark.parametrize("era", ERAS)
async def test_under_never_no_person_is_asked(era: str) -> None:
    server, person = with_lists(confirm="never"), Person("decline")
    async with client(server.calls, era, person) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
    assert (answer, person.questions) == ('Done: delete_list list_id=L1\n[account: "Fjord Outdoor"]', [])


@pytest.mark.parametrize("era", ERAS)
async def test_under_writes_a_harmless_write_is_confirmed_as_well(era: str) -> None:
    server, person = with_lists(confirm="writes"), Person("accept")
    async with client(server.calls, era, person) as session:
        await session.call_tool("update_list", {"list_id": "L1", "name": "News"})
    assert person.questions == [
        'Klaviyo account "Fjord Outdoor": update list: list "Newsletter" (id L1).\n'
        'name: "Newsletter" → "News"\nGo ahead?'
    ]
    assert server.writes() == ["PATCH /klaviyo/api/lists/L1"]


@pytest.mark.parametrize("era", ERAS)
async def test_an_event_whose_id_is_generated_can_be_confirmed_by_a_person_and_by_a_code(era: str) -> None:
    arguments = {"metric": "Viewed Product", "profile": {"email": "a@example.com"}, "properties": {}}
    bulk = {
        "events_bulk_create": [{"profile": {"email": "a@example.com"}, "events": [{"metric": "M", "properties": {}}]}]
    }
    for tool, given in (("create_event", arguments), ("bulk_create_events", bulk)):
        server, person = with_lists(confirm="writes"), Person("accept")
        async with client(server.calls, era, person) as session:
            assert not answer_text(await session.call_tool(tool, given)).startswith(("ERROR", "Nothing"))
        assert len(person.questions) == 1
        code = confirmation_code(await server.run(tool, **given))
        assert not (await server.run(tool, **given, confirmation=code)).startswith(("ERROR", "Nothing"))
        assert len(server.writes()) == 2


@pytest.mark.parametrize("confirm", ["never", "default", "writes"])
async def test_reads_are_never_confirmed(confirm: str) -> None:
    server = with_lists(confirm=confirm)
    assert "Newsletter" in await server.run("get_list", list_id="L1")
