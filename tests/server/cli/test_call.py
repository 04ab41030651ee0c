"""`klaviyo-mcp call`: one call, its answer, its exit code, and the questions that it puts to a person."""

from __future__ import annotations

import subprocess

import click
import mcp_types
import pytest
from tests.clients.server_processes import COMMAND, environment
from tests.server.cli.command import run

from klaviyo_mcp.cli import call

pytestmark = pytest.mark.anyio


def test_call_prints_the_answer_that_a_model_would_read() -> None:
    result = run("call", "--sandbox", "get_lists", "max_results=2", "fields=name")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) >= 4
    assert "\nid,name\n" in result.stdout


def test_call_of_an_unknown_tool_or_with_a_wrong_argument_ends_with_code_1() -> None:
    unknown = run("call", "--sandbox", "get_listz")
    assert unknown.exit_code == 1
    assert "did you mean get_list" in unknown.stdout
    wrong = run("call", "--sandbox", "get_lists", "--json", '{"max_results": "many"}')
    assert wrong.exit_code == 1
    assert "max_results" in wrong.stdout


def test_call_without_a_key_says_how_to_get_one() -> None:
    result = run("call", "get_lists")
    assert result.exit_code == 1
    assert "MATON_API_KEY" in result.stdout


def test_values_stay_text_unless_they_are_json() -> None:
    pairs = ["a=1", "b=true", 'c={"x": 1}', "d=[1, 2]", "e=x=y", "f=", 'g="01"', "h={broken", "i=null"]
    assert call.parse_arguments(pairs, None) == {
        "a": "1",
        "b": True,
        "c": {"x": 1},
        "d": [1, 2],
        "e": "x=y",
        "f": "",
        "g": "01",
        "h": "{broken",
        "i": None,
    }


def test_a_call_that_needs_a_confirmation_shows_it_and_ends_with_code_1() -> None:
    result = run("call", "--sandbox", "delete_connection", "connection_id=21fd90f9-5935-43cd-b6c8-bde9d915ca80")
    assert result.exit_code == 1
    assert 'confirmation="' in result.stdout
    assert "Run the same command with the code, or run it in a terminal" in result.stderr


@pytest.mark.parametrize(("agrees", "action"), [(True, "accept"), (False, "decline")])
async def test_a_question_is_asked_on_stderr(
    agrees: bool, action: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(click, "confirm", lambda *_, **__: agrees)
    question = mcp_types.ElicitRequestFormParams(
        message="Delete the list?", requested_schema={"type": "object", "properties": {}}
    )
    result = await call.ask_in_terminal(None, question)
    assert (result.action, result.content) == (action, {"confirm": True} if agrees else None)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Delete the list?\n")


async def test_an_address_to_open_is_printed_and_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    params = mcp_types.ElicitRequestURLParams(
        message="Authorize Klaviyo", url="https://connect.example.com/1", elicitation_id="1"
    )
    assert (await call.ask_in_terminal(None, params)).action == "accept"
    assert capsys.readouterr().err == "Authorize Klaviyo\nhttps://connect.example.com/1\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", "utf-8"), ("cp1252", "cp1252"), ("latin-1", "latin-1"), ("utf-16", "utf-16"), ("utf-8", "utf-8")],
)
def test_the_answer_of_a_write_is_printed_whatever_the_console(encoding: str, written: str) -> None:
    command = [*COMMAND, "call", "--sandbox", "create_tag", "name=Žluťoučký 👩‍🍳 €"]
    done = subprocess.run(command, capture_output=True, env=environment(PYTHONIOENCODING=encoding), check=False)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.decode(written)
    assert "lu" in printed
    assert ("👩" in printed) == written.startswith("utf")
    assert (r"\U0001f469" in printed) != written.startswith("utf")
