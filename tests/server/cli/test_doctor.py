"""`klaviyo-mcp doctor`: a line for each check, and at the first failure what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from tests.server.cli.command import run
from tests.server.fake_gateway import Answer, closed_port, fake_gateway

from klaviyo_mcp.cli import doctor
from klaviyo_mcp.settings import load_settings

pytestmark = pytest.mark.anyio
ACCOUNT = {
    "data": [
        {
            "type": "account",
            "id": "AbC123",
            "attributes": {"contact_information": {"organization_name": "Fjord Outdoor"}, "timezone": "Europe/Oslo"},
        }
    ]
}


def test_doctor_passes_every_check_against_the_sandbox() -> None:
    result = run("doctor", "--sandbox")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"ok    {name}" for name in doctor.CHECKS]


def test_doctor_says_what_to_do_without_a_key_and_without_a_gateway() -> None:
    keyless = run("doctor")
    assert keyless.exit_code == 1
    assert keyless.stdout.startswith("FAIL  key: MATON_API_KEY is not set. Make a key at https://maton.ai/settings")
    assert keyless.stdout.count("\n") == 1
    away = run("doctor", MATON_API_KEY="some-key", MATON_BASE_URL=f"http://127.0.0.1:{closed_port()}")
    assert away.exit_code == 1
    assert [line[:13] for line in away.stdout.splitlines()] == ["ok    key: MA", "FAIL  gateway"]
    assert "some-key" not in away.output


def connections(*ids: str, date: datetime | None = None) -> Answer:
    listed = [{"connection_id": id_, "status": "ACTIVE"} for id_ in ids]
    headers = {"Date": format_datetime(date, usegmt=True)} if date else {}
    return Answer(200, {"connections": listed}, headers)


async def run_doctor(*answers: Answer, **settings: Any) -> tuple[list[str], int, list[str]]:
    """The lines of a run against these answers, its exit code, and the paths that were requested."""
    lines: list[str] = []
    async with fake_gateway(*answers) as gateway:
        code = await doctor.run_checks(
            load_settings({"base_url": gateway.url, **settings}, {"MATON_API_KEY": "some-key"}), lines.append
        )
        return lines, code, [request.target for request in gateway.requests]


async def test_a_sound_setup_is_a_line_for_each_check() -> None:
    now = datetime.now(UTC)
    lines, code, targets = await run_doctor(connections("c1", date=now), Answer(200, ACCOUNT))
    assert code == 0
    assert targets == ["/connections?app=klaviyo&status=ACTIVE", "/klaviyo/api/accounts"]
    assert lines[2:4] == ["ok    connection: c1", 'ok    account: "Fjord Outdoor" (AbC123), "Europe/Oslo"']
    assert lines[5].startswith("ok    clock: ")


@pytest.mark.parametrize(
    ("answer", "settings", "message"),
    [
        (connections(), {}, "FAIL  connection: there is no active Klaviyo connection. Run `klaviyo-mcp connect`"),
        (connections("c1", "c2"), {}, "FAIL  connection: there are 2 active ones: c1, c2. Set MATON_CONNECTION"),
        (connections("c1"), {"connection": "c9"}, "FAIL  connection: MATON_CONNECTION=c9 is not active. Set it to one"),
        (Answer(401, {"error": "no"}), {}, "FAIL  gateway: Maton refused the API key (401)"),
        (Answer(404, b"<html>"), {}, "answers, but not as Maton would."),
    ],
    ids=["no connection", "several", "another one", "an unknown key", "another server"],
)
async def test_a_failed_check_ends_the_run_and_says_what_to_do(
    answer: Answer, settings: dict[str, Any], message: str
) -> None:
    lines, code, targets = await run_doctor(answer, **settings)
    assert code == 1
    assert message in lines[-1]
    assert len(targets) == 1


async def test_a_missing_scope_is_named() -> None:
    refusal = {"errors": [{"detail": "no"}]}
    lines, code, _ = await run_doctor(connections("c1"), Answer(403, refusal))
    assert code == 1
    assert lines[-1].startswith("FAIL  account: The connection is not allowed to run get_accounts (403)")
    assert "accounts:read" in lines[-1]


async def test_a_clock_that_differs_is_a_failure() -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    lines, code, _ = await run_doctor(connections("c1", date=ahead), Answer(200, ACCOUNT))
    assert code == 1
    assert lines[-1].startswith("FAIL  clock: this machine says ")


async def test_a_gateway_that_does_not_say_its_time_is_no_failure() -> None:
    lines, code, _ = await run_doctor(connections("c1"), Answer(200, ACCOUNT))
    assert (code, lines[-1].endswith("UTC; the gateway does not say its own time")) == (0, True)
