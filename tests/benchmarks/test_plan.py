from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.plan import KLAVIYO, OtherServer, Plan, build_of, klaviyo_server


def test_another_server_gets_the_upstream_s_address_and_as_many_records() -> None:
    server = OtherServer(
        "other",
        ("serve", "--klaviyo={url}"),
        {"UPSTREAM": "{url}/klaviyo"},
        {"get_profiles": ("profiles", {"page_size": "{records}", "sort": "email"})},
    )
    assert server.at("http://here") == (["serve", "--klaviyo=http://here"], {"UPSTREAM": "http://here/klaviyo"})
    assert server.tool_call(20) == ("profiles", {"page_size": 20, "sort": "email"})


def test_another_server_without_arguments_of_its_own_is_called_with_ours() -> None:
    assert OtherServer("other", ("serve",), {}, {}).tool_call(5) == ("get_profiles", {"max_results": 5})
    renamed = OtherServer("other", ("serve",), {}, {"get_profiles": ("profiles", {})})
    assert renamed.tool_call(5) == ("profiles", {"max_results": 5})


def test_klaviyo_s_server_runs_under_its_own_python_and_reads_the_document() -> None:
    server = klaviyo_server(Path("/other/python"), Path("stable.json"))
    command, environment = server.at("http://here")
    assert server.name == KLAVIYO
    assert command[0] == "/other/python"
    assert Path(command[1]).is_file()
    assert environment["UPSTREAM"] == "http://here/klaviyo"
    assert environment["OPENAPI"] == "stable.json"
    name, arguments = server.tool_call(20)
    assert (name, arguments["page_size"]) == ("klaviyo_get_profiles", 20)


def test_another_checkout_runs_under_the_python_of_its_environment(tmp_path: Path) -> None:
    python = tmp_path / "old" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    build = build_of(tmp_path / "old")
    assert build.name == "old"
    assert build.command == (str(python), "-m", "klaviyo_mcp")
    assert build_of(python).python == str(python)


def test_a_checkout_without_an_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist: give a checkout"):
        build_of(tmp_path)


def test_fewer_calls_are_made_where_each_takes_longer() -> None:
    plan = Plan(calls=100)
    assert [plan.calls_at(delay) for delay in (0, 20, 100)] == [100, 33, 9]
    assert Plan(calls=10).calls_at(100) == 8
