"""`klaviyo-mcp connect`: a new connection, its address, and the wait until somebody has authorized it."""

from __future__ import annotations

import pytest
from tests.server.cli.command import run
from tests.server.fake_gateway import Answer, fake_gateway

from klaviyo_mcp.cli.connect import connect_account
from klaviyo_mcp.settings import load_settings

pytestmark = pytest.mark.anyio


async def test_connect_shows_the_address_and_waits_until_it_is_authorized() -> None:
    lines: list[str] = []
    settings = load_settings({"sandbox": True}, {})
    assert await connect_account(settings, lines.append, 5, False, poll_seconds=0) == 0
    assert lines[0].startswith("Open this address and authorize Klaviyo:\nhttps://")
    assert lines[1].startswith("Connected: ")


async def test_connect_gives_up_in_time() -> None:
    lines: list[str] = []
    settings = load_settings({"sandbox": True}, {})
    assert await connect_account(settings, lines.append, 0, False, poll_seconds=60) == 1
    assert lines[1].startswith("Nobody authorized ")


def test_connect_without_a_key_says_how_to_get_one() -> None:
    result = run("connect", "--no-browser")
    assert result.exit_code == 1
    assert "MATON_API_KEY" in result.stdout


async def test_a_connection_that_klaviyo_refuses_ends_the_wait() -> None:
    pending = {"connection": {"connection_id": "c-1", "status": "PENDING", "url": "https://connect.example.com/1"}}
    failed = {"connection": {"connection_id": "c-1", "status": "FAILED"}}
    lines: list[str] = []
    async with fake_gateway(Answer(200, pending), Answer(200, failed)) as gateway:
        settings = load_settings({"base_url": gateway.url}, {"MATON_API_KEY": "some-key"})
        assert await connect_account(settings, lines.append, 5, False, poll_seconds=0) == 1
        assert [(request.method, request.target) for request in gateway.requests] == [
            ("POST", "/connections"),
            ("GET", "/connections/c-1"),
        ]
        assert gateway.requests[0].json == {"app": "klaviyo"}
    assert lines[-1] == "Klaviyo did not authorize c-1 (FAILED). Run `klaviyo-mcp connect` again."


async def test_an_id_that_is_a_path_is_never_sent() -> None:
    pending = {"connection": {"connection_id": "../keys", "status": "PENDING", "url": "https://connect.example.com/1"}}
    lines: list[str] = []
    async with fake_gateway(Answer(200, pending)) as gateway:
        settings = load_settings({"base_url": gateway.url}, {"MATON_API_KEY": "some-key"})
        assert await connect_account(settings, lines.append, 5, False, poll_seconds=0) == 1
        assert len(gateway.requests) == 1
    assert lines[-1] == "get_connection failed: Maton answered with an invalid id. Try again in a minute."


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http://connect.example.com/1", "https://a@evil.example", None])
async def test_an_address_that_is_not_https_is_neither_printed_nor_opened(
    url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda url: pytest.fail("opened"))
    pending = {"connection": {"connection_id": "c-1", "status": "PENDING", "url": url}}
    lines: list[str] = []
    async with fake_gateway(Answer(200, pending)) as gateway:
        settings = load_settings({"base_url": gateway.url}, {"MATON_API_KEY": "some-key"})
        assert await connect_account(settings, lines.append, 5, True, poll_seconds=0) == 1
    assert lines == [
        "connect failed: Maton gave no https address to open for the connection c-1. Try again in a minute."
    ]


def test_a_read_only_setup_makes_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATON_API_KEY", "some-key-for-tests")
    monkeypatch.setattr("klaviyo_mcp.cli.connect.connect_account", lambda *_: pytest.fail("sent"))
    result = run("connect", "--no-browser", "--read-only")
    assert result.exit_code == 2
    assert "connect makes a connection, which KLAVIYO_MCP_READ_ONLY (--read-only) forbids." in result.stderr


async def test_an_answer_without_a_connection_is_an_error() -> None:
    lines: list[str] = []
    async with fake_gateway(Answer(200, {"status": "ok"})) as gateway:
        settings = load_settings({"base_url": gateway.url}, {"MATON_API_KEY": "some-key"})
        assert await connect_account(settings, lines.append, 5, False, poll_seconds=0) == 1
    assert lines == ["create_connection failed: its answer holds no connection. Try again in a minute."]


async def test_a_connection_that_may_have_been_created_is_not_created_twice() -> None:
    lines: list[str] = []
    async with fake_gateway(Answer(504)) as gateway:
        settings = load_settings({"base_url": gateway.url}, {"MATON_API_KEY": "some-key"})
        assert await connect_account(settings, lines.append, 5, False, poll_seconds=0) == 1
        assert len(gateway.requests) == 1
    assert "Check with list_connections whether it was applied" in lines[0]
