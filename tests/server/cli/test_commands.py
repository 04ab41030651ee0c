"""The command: what it prints, where, and with which exit code."""

from __future__ import annotations

import json

import pytest
from tests.server.cli.command import run

from klaviyo_mcp import __version__
from klaviyo_mcp.settings import Settings, flag_of


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--confirm", "maybe", "tools"], "KLAVIYO_MCP_CONFIRM (--confirm) cannot be 'maybe': it takes never, default"),
        (["tools", "--confirm", "maybe"], "KLAVIYO_MCP_CONFIRM (--confirm) cannot be 'maybe': it takes never, default"),
        (["--toolsets", "profils"], "KLAVIYO_MCP_TOOLSETS (--toolsets): there is no toolset 'profils'; did you mean"),
        (["tools", "profils"], "there is no area 'profils'"),
        (["http", "--host", "0.0.0.0"], "can be reached from elsewhere: set KLAVIYO_MCP_TOKENS"),
        (["http", "--port", "none"], "KLAVIYO_MCP_PORT (--port) cannot be 'none': it takes 0 to 65535"),
        (["call", "get_lists", "name"], "'name' is not key=value"),
        (["call", "get_lists", "=name"], "'=name' is not key=value"),
        (["call", "get_lists", "a=1", "--json", "{}"], "give the arguments as key=value or with --json, not both"),
        (["call", "get_lists", "--json", "{"], "--json is not valid JSON"),
        (["call", "get_lists", "--json", "[]"], "--json takes an object"),
    ],
)
def test_a_wrong_setting_or_argument_is_one_line_on_stderr_and_code_2(arguments: list[str], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("klaviyo-mcp: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_unknown_flag_or_command_exits_with_code_2() -> None:
    for arguments in (["--bogus"], ["bogus"], ["tools", "--host", "x"]):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")


def test_a_secret_has_no_flag() -> None:
    flags = {name: flag_of(name) for name in Settings.model_fields}
    assert flags["key"] is None
    assert flags["tokens"] is None
    assert run("--key", "secret", "tools").exit_code == 2


def test_version_and_help() -> None:
    assert run("--version").stdout == f"klaviyo-mcp {__version__}\n"
    help_ = run("--help").stdout
    assert "--read-only" in help_
    assert "KLAVIYO_MCP_READ_ONLY" in help_
    assert "--tokens-file" not in help_
    for command in ("http", "demo", "call", "tools", "sandbox", "doctor", "connect"):
        assert f"  {command}" in help_
        assert run(command, "--help").exit_code == 0
    assert "--tokens-file" in run("http", "--help").stdout


def test_flags_work_before_and_after_the_command_and_win_over_the_environment() -> None:
    environment = {"KLAVIYO_REVISION": "2026-01-15"}
    at_first = run("tools", "accounts", "--json", **environment)
    before = run("--revision", "2027-01-15", "tools", "accounts", "--json", **environment)
    after = run("--revision", "2026-01-15", "tools", "accounts", "--json", "--revision", "2027-01-15")
    assert before.stdout == after.stdout
    assert len(json.loads(before.stdout)) >= len(json.loads(at_first.stdout))


def test_tools_lists_every_operation_with_toolset_effect_and_since() -> None:
    lines = run("tools").stdout.splitlines()
    assert "ACCOUNTS" in lines
    line = next(line for line in lines if line.split()[:1] == ["delete_list"])
    assert line.split()[1:4] == ["standard", "delete", "2026-01-15"]
    area = run("tools", "lists").stdout
    assert "create_list" in area
    assert "create_profile" not in area


def test_tools_as_json_hold_the_schema() -> None:
    tools = {tool["name"]: tool for tool in json.loads(run("tools", "lists", "--json").stdout)}
    create = tools["create_list"]
    assert (create["effect"], create["toolset"], create["method"], create["path"]) == (
        "write",
        "core",
        "POST",
        "/api/lists",
    )
    assert "name" in create["inputSchema"]["properties"]


def test_the_demo_shows_every_call_of_its_tour_and_exits_with_0() -> None:
    result = run("demo")
    assert result.exit_code == 0
    for tool in ("get_accounts", "get_campaigns", "get_flows", "get_segments", "query_metric_aggregates"):
        assert f"\n> {tool}" in result.stdout
    assert '"city":"Bergen"' in result.stdout
    assert "emial" in result.stdout
    assert "failed inside" not in result.stdout
