"""Codes belong to who got them, are good once in any process of the same user, and cannot be read from their store."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.server.sandbox_server import SandboxServer, UnattendedContext, confirmation_code, sandbox_server

from klaviyo_mcp.safety import codes
from klaviyo_mcp.safety.codes import CODE_SECONDS, REFUSAL_SECONDS, CodeError, ConfirmationCodes, PendingCall
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

UNKNOWN = "that code was not given out here, or is long past"


def call(principal: str = "ann", *, list_id: str = "L1", connection: str = "c1") -> PendingCall:
    operation = registry()["delete_list"]
    return PendingCall("delete_list", check_arguments(operation.arguments, {"list_id": list_id}), connection, principal)


def stored(directory: Path, clock: Any = None) -> ConfirmationCodes:
    return ConfirmationCodes(lambda: directory, **({"clock": clock} if clock else {}))


async def reason(attempt: Any) -> str:
    with pytest.raises(CodeError) as error:
        await attempt
    return error.value.reason


# What a code is bound to.


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (call("bob"), UNKNOWN),
        (call(list_id="L2"), "that code was given for another call"),
        (call(connection="c2"), "that code was given for another call"),
    ],
    ids=["principal", "arguments", "connection"],
)
async def test_a_code_is_good_for_its_call_of_its_principal_alone(tmp_path: Path, other: PendingCall, why: str) -> None:
    store = stored(tmp_path)
    code = await store.issue(call(), "facts")
    assert await reason(store.find(code, other)) == why
    assert await reason(store.use(code, other)) == why
    issued = await store.find(code, call())
    assert issued.agrees_with("facts")
    assert not issued.agrees_with("other facts")


async def test_codes_are_random_and_of_eighty_bits(tmp_path: Path) -> None:
    store = stored(tmp_path)
    issued = {await store.issue(call(), "facts") for _ in range(20)}
    assert len(issued) == 20
    assert {len(code) for code in issued} == {16}


async def test_a_thousand_previews_of_one_client_do_not_push_out_the_code_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "MAX_CODES", 10)
    now = 1000.0
    store = stored(tmp_path, lambda: now)
    others = await store.issue(call("bob"), "facts")
    mine = []
    for _ in range(25):
        now += 1
        mine.append(await store.issue(call("ann"), "facts"))
    await store.use(others, call("bob"))
    assert await reason(store.find(mine[14], call("ann"))) == UNKNOWN
    await store.use(mine[15], call("ann"))


# Another process, another time.


async def test_another_process_verifies_a_code_once(tmp_path: Path) -> None:
    code = await stored(tmp_path).issue(call(), "facts")
    assert (await stored(tmp_path).find(code, call())).agrees_with("facts")
    await stored(tmp_path).use(code, call())
    assert await reason(stored(tmp_path).use(code, call())) == "that code was used already: a code is good for one call"


async def test_of_many_that_use_a_code_at_once_one_succeeds(tmp_path: Path) -> None:
    code = await stored(tmp_path).issue(call(), "facts")
    outcomes: list[str] = []

    async def use() -> None:
        try:
            await stored(tmp_path).use(code, call())
            outcomes.append("used")
        except CodeError:
            outcomes.append("refused")

    async with anyio.create_task_group() as group:
        for _ in range(16):
            group.start_soon(use)
    assert sorted(outcomes) == ["refused"] * 15 + ["used"]


async def test_a_code_expires_after_ten_minutes_and_is_forgotten_later(tmp_path: Path) -> None:
    now = 1000.0
    store = stored(tmp_path, lambda: now)
    code = await store.issue(call(), "facts")
    now += CODE_SECONDS - 1
    await store.find(code, call())
    now += 1
    assert await reason(store.find(code, call())) == "that code has expired: it is good for ten minutes"
    now += REFUSAL_SECONDS + 1
    await store.issue(call(), "facts")
    assert await reason(store.find(code, call())) == UNKNOWN


async def test_a_clock_that_was_set_back_makes_no_code_good_for_longer(tmp_path: Path) -> None:
    now = 1000.0
    store = stored(tmp_path, lambda: now)
    code = await store.issue(call(), "facts")
    now -= 3600
    assert await reason(store.find(code, call())) == "that code has expired: it is good for ten minutes"


# The store.


async def test_who_reads_the_store_learns_no_code_no_argument_and_no_account(tmp_path: Path) -> None:
    code = await stored(tmp_path).issue(call("principal-of-ann", list_id="LIST-ID", connection="conn-id"), "the-facts")
    content = _all_bytes(tmp_path)
    assert content
    for text in (code, "principal-of-ann", "LIST-ID", "conn-id", "the-facts", "delete_list"):
        assert text.encode() not in content


def _all_bytes(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
async def test_the_folder_and_the_file_belong_to_this_user_alone(tmp_path: Path) -> None:
    (tmp_path / "state" / "confirmations").mkdir(parents=True, mode=0o777)
    await stored(tmp_path / "state").issue(call(), "facts")
    folder = tmp_path / "state" / "confirmations"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def _file_in_place_of_the_directory(path: Path) -> Path:
    path.write_text("x")
    return path


def _broken_store(path: Path) -> Path:
    (path / "confirmations").mkdir(parents=True)
    (path / "confirmations" / "codes.sqlite3").write_bytes(b"no database at all" * 99)
    return path


def _link_to_elsewhere(path: Path) -> Path:
    path.mkdir()
    (path.parent / "elsewhere").mkdir()
    (path / "confirmations").symlink_to(path.parent / "elsewhere")
    return path


@pytest.mark.parametrize("spoil", [_file_in_place_of_the_directory, _broken_store, _link_to_elsewhere])
async def test_without_a_directory_codes_live_in_the_process_and_the_answer_says_so(tmp_path: Path, spoil: Any) -> None:
    server = sandbox_server(state_dir=spoil(tmp_path / "state"))
    server.put("list", "L1", name="Newsletter")
    answer = await server.run("delete_list", list_id="L1")
    assert answer.endswith("(good for ten minutes, once, in this server process: it cannot write its state directory).")
    done = await server.run("delete_list", list_id="L1", confirmation=confirmation_code(answer))
    assert done.startswith("Done")


async def test_a_store_that_another_process_holds_leads_to_a_code_in_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "BUSY_SECONDS", 0.05)
    store = stored(tmp_path)
    earlier = await store.issue(call(), "facts")
    other = sqlite3.connect(tmp_path / "confirmations" / "codes.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert await reason(store.find(earlier, call())) == "the store of codes cannot be read now"
    code = await store.issue(call(), "facts")
    assert not store.is_shared
    await store.use(code, call())
    other.close()


# Whose codes they are.


class Somebody(UnattendedContext):
    def __init__(self, principal: str) -> None:
        self.principal = principal


async def test_a_code_of_one_principal_is_not_taken_from_another() -> None:
    server = with_list()

    async def delete(principal: str, **more: str) -> str:
        return (await server.calls.call("delete_list", {"list_id": "L1", **more}, Somebody(principal))).text

    code = confirmation_code(await delete("token-1"))
    assert UNKNOWN in await delete("token-2", confirmation=code)
    assert server.writes() == []
    assert (await delete("token-1", confirmation=code)).startswith("Done")


async def test_a_server_that_was_started_anew_takes_the_code_of_the_one_before(tmp_path: Path) -> None:
    first, second = with_list(state_dir=tmp_path), with_list(state_dir=tmp_path)
    code = confirmation_code(await first.run("delete_list", list_id="L1"))
    assert (await second.run("delete_list", list_id="L1", confirmation=code)).startswith("Done")
    assert UNKNOWN not in await first.run("delete_list", list_id="L1", confirmation=code)
    assert first.writes() == []


def with_list(**settings: Any) -> SandboxServer:
    server = sandbox_server(**settings)
    server.put("list", "L1", name="Newsletter")
    return server


@pytest.mark.slow
def test_two_commands_one_after_the_other_preview_and_run_a_call(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "KLAVIYO_MCP_STATE_DIR": str(tmp_path), "KLAVIYO_MCP_SANDBOX": "1"}
        command = [sys.executable, "-m", "klaviyo_mcp", "call", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    list_id = run("get_lists", "max_results=1").stdout.splitlines()[-1].partition(",")[0]
    held = run("delete_list", f"list_id={list_id}")
    assert held.returncode == 1
    assert run("delete_list", f"list_id={list_id}", f"confirmation={confirmation_code(held.stdout)}").returncode == 0
