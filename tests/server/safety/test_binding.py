"""What was approved is what runs: a change of the facts in between leads to a new preview, and sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mcp_types
import pytest
from mcp.client.session import ClientRequestContext
from tests.server.safety.previews.conftest import MESSAGE
from tests.server.sandbox_server import (
    CONNECTION_ID,
    ERAS,
    Person,
    SandboxServer,
    answer_text,
    client,
    confirmation_code,
    sandbox_server,
)

from klaviyo_mcp.gateway.pacing import LimitKey

pytestmark = pytest.mark.anyio

SEND = ("send_campaign", {"campaign_id": "C1"})
SUPPRESS = ("bulk_suppress_profiles", {"segment_id": "S1"})
GO_LIVE = ("update_flow", {"flow_id": "F1", "status": "live"})
DELETE_TEMPLATE = ("delete_template", {"template_id": "E1"})
TOMORROW = {"method": "static", "datetime": "2026-06-02T09:00:00Z"}
CHANGED = "What this call would act on has changed since it was shown. As it is now:\n"


@pytest.fixture
def server() -> SandboxServer:
    server = sandbox_server()
    server.put("list", "L1", name="Newsletter", opt_in_process="double_opt_in")
    server.put("segment", "S1", name="Bounced", definition={"condition_groups": []})
    server.put("template", "E1", name="Spring mail", updated="2026-05-01T00:00:00+00:00")
    server.put("template", "E2", name="Other mail", updated="2026-05-01T00:00:00+00:00")
    server.put("campaign-message", "M1", definition=MESSAGE, links={"campaign": "C1", "template": "E1"})
    server.put(
        "campaign",
        "C1",
        name="Spring Sale",
        status="Draft",
        audiences={"included": ["L1", "S1"], "excluded": []},
        send_strategy={"method": "immediate"},
        links={"campaign-messages": ["M1"]},
    )
    server.put("flow-action", "A0", definition={"type": "send-email"}, links={"flow": "F1"})
    server.put(
        "flow", "F1", name="Welcome", status="draft", trigger_type="Added to List", links={"flow-actions": ["A0"]}
    )
    consent = {"email": {"marketing": {"can_receive_email_marketing": True}}}
    server.put("profile", "P1", email="p1@example.com", subscriptions=consent)
    server.sandbox.store.join("list", "L1", "P1")
    return server


def change(type_: str, id_: str, **attributes: Any) -> Callable[[SandboxServer], None]:
    def apply(server: SandboxServer) -> None:
        server.sandbox.store.get(type_, id_).attributes.update(attributes)  # type: ignore[union-attr]

    return apply


def other_template(server: SandboxServer) -> None:
    server.sandbox.store.link(server.sandbox.store.get("campaign-message", "M1"), "template", "E2")  # type: ignore[arg-type]


CHANGES = [
    pytest.param(*SEND, change("campaign", "C1", audiences={"included": ["L1"], "excluded": []}), id="audience"),
    pytest.param(
        *SEND,
        change("campaign", "C1", send_strategy=TOMORROW),
        id="time",
    ),
    pytest.param(*SEND, change("campaign", "C1", send_options={"use_smart_sending": False}), id="options"),
    pytest.param(
        *SEND,
        change("campaign-message", "M1", definition={**MESSAGE, "content": {"subject": "Pay now"}}),
        id="subject",
    ),
    pytest.param(*SEND, change("campaign-message", "M1", updated_at="2026-06-01T12:00:01Z"), id="message updated"),
    pytest.param(*SEND, other_template, id="template"),
    pytest.param(*SEND, change("template", "E1", updated="2026-06-01T12:00:01+00:00"), id="content of the template"),
    pytest.param(*SEND, change("segment", "S1", definition={"condition_groups": [{"conditions": []}]}), id="segment"),
    pytest.param(
        *SUPPRESS, change("segment", "S1", definition={"condition_groups": [{"conditions": []}]}), id="bulk job"
    ),
    pytest.param(*GO_LIVE, change("flow-action", "A0", definition={"type": "send-webhook"}), id="flow action"),
    pytest.param(*DELETE_TEMPLATE, change("template", "E1", name="The one in use"), id="delete"),
]


@pytest.mark.parametrize(("tool", "arguments", "apply"), CHANGES)
async def test_a_code_sends_nothing_after_a_change_and_a_new_preview_and_code_follow(
    server: SandboxServer, tool: str, arguments: dict[str, Any], apply: Callable[[SandboxServer], None]
) -> None:
    code = confirmation_code(await server.run(tool, **arguments))
    apply(server)
    again = await server.run(tool, **arguments, confirmation=code)
    assert again.startswith(f"Nothing has been changed yet: {tool} needs a confirmation.\n{CHANGED}Klaviyo account ")
    assert server.writes() == []
    new_code = confirmation_code(again)
    assert new_code != code
    assert not (await server.run(tool, **arguments, confirmation=new_code)).startswith(("ERROR", "Nothing"))
    assert len(server.writes()) == 1


@dataclass
class LatePerson:
    """Agrees to every question, while somebody changes the account during the first `changes` of them."""

    server: SandboxServer
    apply: list[Callable[[SandboxServer], None]]
    questions: list[str] = field(default_factory=list)

    async def __call__(
        self, context: ClientRequestContext, params: mcp_types.ElicitRequestParams
    ) -> mcp_types.ElicitResult:
        self.questions.append(params.message)
        if self.apply:
            self.apply.pop(0)(self.server)
        return mcp_types.ElicitResult(action="accept", content={"confirm": True})


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("tool", "arguments", "apply"), CHANGES)
async def test_a_person_is_asked_anew_where_something_changed_while_they_were_asked(
    server: SandboxServer, era: str, tool: str, arguments: dict[str, Any], apply: Callable[[SandboxServer], None]
) -> None:
    person = LatePerson(server, [apply])
    async with client(server.calls, era, person) as session:
        answer = answer_text(await session.call_tool(tool, arguments))
    assert not answer.startswith(("ERROR", "Nothing"))
    first, second = person.questions
    assert second.startswith(CHANGED)
    assert not first.startswith(CHANGED)
    assert len(server.writes()) == 1


@pytest.mark.parametrize("era", ERAS)
async def test_facts_that_change_with_every_question_send_nothing(server: SandboxServer, era: str) -> None:
    edits = [change("campaign-message", "M1", updated_at=f"2026-06-01T12:00:0{n}Z") for n in range(20)]
    person = LatePerson(server, edits)
    async with client(server.calls, era, person) as session:
        if era == "legacy":
            answer = answer_text(await session.call_tool(*SEND))
            assert answer.startswith(f"Nothing has been changed yet: send_campaign needs a confirmation.\n{CHANGED}")
        else:
            with pytest.raises(Exception, match="input"):  # the client gives up
                await session.call_tool(*SEND)
    assert server.writes() == []


@pytest.mark.parametrize(
    "apply",
    [
        lambda server: server.sandbox.store.join("segment", "S1", server.put("profile", "P9", email="p9@example.com")),
        change("segment", "S1", updated="2026-06-01T12:00:01+00:00", is_processing=True),
        change("list", "L1", updated="2026-06-01T12:00:01+00:00"),
    ],
    ids=["a new member", "a segment that is computed anew", "another list"],
)
async def test_what_moves_by_itself_holds_up_no_confirmation(
    server: SandboxServer, apply: Callable[[SandboxServer], None]
) -> None:
    for tool, arguments in (SEND, SUPPRESS):
        code = confirmation_code(await server.run(tool, **arguments))
        apply(server)
        assert not (await server.run(tool, **arguments, confirmation=code)).startswith(("ERROR", "Nothing"))


async def test_a_confirmed_send_reads_its_facts_and_counts_nobody(server: SandboxServer) -> None:
    code = confirmation_code(await server.run("send_campaign", campaign_id="C1"))
    before = len(server.requests())
    await server.run("send_campaign", campaign_id="C1", confirmation=code)
    assert sorted(server.requests()[before:]) == [
        "GET /klaviyo/api/campaign-messages/M1",
        "GET /klaviyo/api/campaigns/C1",
        "GET /klaviyo/api/lists",
        "GET /klaviyo/api/segments",
        "POST /klaviyo/api/campaign-send-jobs",
    ]


async def test_facts_that_can_no_longer_be_read_send_nothing(server: SandboxServer) -> None:
    code = confirmation_code(await server.run("send_campaign", campaign_id="C1"))
    server.sandbox.faults.add(status=403, path="*/campaigns/C1", times=9)
    assert (await server.run("send_campaign", campaign_id="C1", confirmation=code)).startswith("Nothing has been")
    assert server.writes() == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_file_that_was_exchanged_after_its_preview_is_not_sent(tmp_path: Path, era: str) -> None:
    server, file = sandbox_server(confirm="writes", upload_dir=tmp_path), tmp_path / "logo.gif"
    file.write_bytes(b"GIF89a first")
    async with client(server.calls, era) as session:
        held = answer_text(await session.call_tool("upload_image_from_file", {"file": "logo.gif"}))
        file.write_bytes(b"GIF89a second")
        arguments = {"file": "logo.gif", "confirmation": confirmation_code(held)}
        again = answer_text(await session.call_tool("upload_image_from_file", arguments))
    assert again.startswith(f"Nothing has been changed yet: upload_image_from_file needs a confirmation.\n{CHANGED}")
    assert server.writes() == []


# The account.


def connect(server: SandboxServer, id_: str, *, instead: bool) -> None:
    """Another connection becomes active, beside the first or instead of it; the server does not notice."""
    held = server.sandbox.connections.by_id
    held[id_] = {**held[CONNECTION_ID], "connection_id": id_}
    if instead:
        del held[CONNECTION_ID]


def connections_of(server: SandboxServer, method: str) -> set[str | None]:
    return {
        request.headers.get("maton-connection")
        for request in server.sandbox.requests
        if request.method == method and request.path.startswith("/klaviyo/")
    }


async def test_every_request_of_a_write_names_the_connection_though_the_settings_name_none() -> None:
    server = sandbox_server()
    answer = await server.run("create_list", name="VIP")
    assert answer.endswith('\n[account: "Fjord Outdoor"]')
    assert connections_of(server, "POST") == connections_of(server, "GET") == {CONNECTION_ID}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("asks", [True, False], ids=["person", "code"])
async def test_a_confirmed_write_names_the_connection_whose_preview_was_shown(
    server: SandboxServer, era: str, asks: bool
) -> None:
    activate = LatePerson(server, [lambda server: connect(server, "second", instead=False)])
    async with client(server.calls, era, activate if asks else None) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
        if not asks:
            connect(server, "second", instead=False)
            arguments = {"list_id": "L1", "confirmation": confirmation_code(answer)}
            answer = answer_text(await session.call_tool("delete_list", arguments))
    assert answer == 'Done: delete_list list_id=L1\n[account: "Fjord Outdoor"]'
    assert connections_of(server, "DELETE") == {CONNECTION_ID}


async def test_a_person_who_agreed_for_another_account_is_asked_anew(server: SandboxServer) -> None:
    def move(server: SandboxServer) -> None:
        connect(server, "second", instead=True)
        server.calls.accounts.forget()

    person = LatePerson(server, [move])
    async with client(server.calls, "2026-07-28", person) as session:
        await session.call_tool("delete_list", {"list_id": "L1"})
    assert len(person.questions) == 2
    assert connections_of(server, "DELETE") == {"second"}


async def test_reads_that_name_the_connection_share_the_limits_of_those_that_leave_it_to_maton(
    server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[LimitKey] = []

    async def acquire(key: LimitKey, **_: Any) -> float:
        keys.append(key)
        return 0.0

    monkeypatch.setattr((await server.calls.sender.client()).pacer, "acquire", acquire)
    await server.run("get_list", list_id="L1")
    await server.run("delete_list", list_id="L1")
    assert connections_of(server, "GET") == {None, CONNECTION_ID}
    assert [key.operation for key in keys].count("get_list") == 2
    assert len({key.account for key in keys}) == 1


async def test_the_reads_of_a_job_that_a_write_follows_name_its_connection() -> None:
    server = sandbox_server(confirm="never")
    answer = await server.run("bulk_create_catalog_items", items=[], wait=True)
    if answer.startswith("ERROR"):
        answer = await server.run("bulk_import_profiles", profiles=[{"email": "a@example.com"}], wait=True)
    assert not answer.startswith("ERROR")
    jobs = [request for request in server.sandbox.requests if "-jobs/" in request.path]
    assert jobs
    assert {request.headers.get("maton-connection") for request in jobs} == {CONNECTION_ID}


# An answer that was given elsewhere.


async def test_a_preview_shown_to_one_person_is_not_agreed_to_by_the_code_of_another(server: SandboxServer) -> None:
    person = Person("decline")
    async with client(server.calls, "legacy", person) as session:
        answer = answer_text(await session.call_tool("delete_list", {"list_id": "L1"}))
    assert answer.startswith("ERROR: delete_list was not run and nothing was changed: the person asked did not agree.")
    assert "confirmation=" not in answer
