"""Stage 2: a write runs only on a certain account, and only after a person or a code has confirmed what needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.server.sandbox_server import SandboxServer, UnattendedContext, sandbox_server

from klaviyo_mcp.calls.authorize import Authorized
from klaviyo_mcp.calls.context import CallContext
from klaviyo_mcp.calls.prepare import Prepared
from klaviyo_mcp.errors import ConfirmationError, ConnectionMissingError
from klaviyo_mcp.safety.confirmation import Held
from klaviyo_mcp.safety.questions import CreatedConnection, QuestionFailedError, Resumption, ShownPreview
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.operation.request import Upload
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio


class AttendedContext(UnattendedContext):
    """The context of a call whose person answers every question with `answer`, after `seconds`."""

    can_ask = True

    def __init__(self, answer: bool | Exception, seconds: float = 0.0) -> None:
        self.answer, self.seconds = answer, seconds
        self.questions: list[tuple[str, Resumption | None]] = []

    async def ask(self, question: str, resumption: Resumption | None = None) -> bool:
        self.questions.append((question, resumption))
        await anyio.sleep(self.seconds)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def authorize(
    server: SandboxServer, tool: str, /, context: CallContext | None = None, code: str | None = None, **arguments: Any
) -> Authorized | Held:
    operation = registry()[tool]
    call = Prepared(operation, check_arguments(operation.arguments, arguments), code)
    return await server.calls.authorizer.authorize(call, context or UnattendedContext())


def with_list(**settings: Any) -> SandboxServer:
    server = sandbox_server(**settings)
    server.put("list", "L1", name="Newsletter")
    return server


async def test_a_read_is_authorized_without_a_request() -> None:
    server = with_list()
    authorized = await authorize(server, "get_list", list_id="L1")
    assert isinstance(authorized, Authorized)
    assert authorized.deadline == pytest.approx(anyio.current_time() + 50, abs=1)
    assert server.requests() == []


async def test_a_write_is_authorized_once_its_account_is_certain() -> None:
    server = with_list()
    assert isinstance(await authorize(server, "update_list", list_id="L1", name="News"), Authorized)
    assert server.requests() == ["GET /connections"]


async def test_a_write_is_not_authorized_where_the_account_is_uncertain() -> None:
    server = with_list()
    held = server.sandbox.connections.by_id
    held["other"] = {**next(iter(held.values())), "connection_id": "other"}
    with pytest.raises(ConnectionMissingError):
        await authorize(server, "update_list", list_id="L1", name="News")


async def test_a_delete_is_held_with_a_preview_and_a_code_that_authorizes_it_once() -> None:
    server = with_list()
    held = await authorize(server, "delete_list", list_id="L1")
    assert isinstance(held, Held)
    assert held.operation == "delete_list"
    assert held.preview.startswith('Klaviyo account "Fjord Outdoor": delete the list "Newsletter" (id L1).')
    assert held.preview in held.text
    assert held.code in held.text
    assert isinstance(await authorize(server, "delete_list", code=held.code, list_id="L1"), Authorized)
    with pytest.raises(ConfirmationError):
        await authorize(server, "delete_list", code=held.code, list_id="L1")
    assert server.writes() == []


async def test_a_person_is_shown_the_preview_and_their_answer_decides() -> None:
    server, agreeing = with_list(), AttendedContext(True)
    assert isinstance(await authorize(server, "delete_list", agreeing, list_id="L1"), Authorized)
    [(question, resumption)] = agreeing.questions
    assert isinstance(resumption, ShownPreview)
    assert question == resumption.question
    assert question.endswith("\nGo ahead?")
    with pytest.raises(ConfirmationError):
        await authorize(server, "delete_list", AttendedContext(False), list_id="L1")


async def test_a_client_that_fails_to_ask_leads_to_a_code() -> None:
    held = await authorize(with_list(), "delete_list", AttendedContext(QuestionFailedError("no window")), list_id="L1")
    assert isinstance(held, Held)


async def test_of_a_preview_that_was_shown_only_the_facts_are_read_again() -> None:
    server, first, second = with_list(), AttendedContext(True), AttendedContext(True)
    await authorize(server, "delete_list", first, list_id="L1")
    [(question, shown)] = first.questions
    second.resumption = shown  # type: ignore[assignment]
    before = len(server.requests())
    assert isinstance(await authorize(server, "delete_list", second, list_id="L1"), Authorized)
    assert second.questions == [(question, shown)]
    assert server.requests()[before:] == ["GET /klaviyo/api/lists/L1"]


async def test_a_call_that_has_created_its_connection_is_not_confirmed_again() -> None:
    context = AttendedContext(False)
    context.resumption = CreatedConnection("c2", "https://connect.example.com/")  # type: ignore[assignment]
    authorized = await authorize(with_list(confirm="writes"), "create_connection", context)
    assert isinstance(authorized, Authorized)
    assert context.questions == []


async def test_the_time_in_which_a_person_answers_does_not_count_against_the_deadline() -> None:
    server = with_list(deadline=5)
    authorized = await authorize(server, "delete_list", AttendedContext(True, seconds=1.5), list_id="L1")
    assert isinstance(authorized, Authorized)
    assert authorized.deadline > anyio.current_time() + 4


async def test_a_file_is_read_into_the_arguments_that_are_sent(tmp_path: Path) -> None:
    (tmp_path / "logo.gif").write_bytes(b"GIF89a")
    authorized = await authorize(with_list(upload_dir=tmp_path), "upload_image_from_file", file="logo.gif")
    assert isinstance(authorized, Authorized)
    assert getattr(authorized.arguments, "file") == Upload("logo.gif", b"GIF89a", "image/gif")  # noqa: B009
