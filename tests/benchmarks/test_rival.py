"""Another server beside ours: what it is asked, and what is said when it does not answer."""

from __future__ import annotations

import subprocess
import sys

import pytest
from benchmarks.measure import Rival


def test_another_server_is_led_to_the_upstream_and_asked_for_as_many_records() -> None:
    rival = Rival(
        "other",
        ("serve", "--klaviyo={url}"),
        {"UPSTREAM": "{url}/klaviyo"},
        {"get_profiles": ("profiles", {"page_size": "{records}", "sort": "email"})},
    )
    assert rival.at("http://here") == (["serve", "--klaviyo=http://here"], {"UPSTREAM": "http://here/klaviyo"})
    assert rival.call(20) == ("profiles", {"page_size": 20, "sort": "email"})
    assert Rival("other", ("serve",), {}, {}).call(5) == ("get_profiles", {"max_results": 5})
    assert Rival("other", ("serve",), {}, {"get_profiles": ("profiles", {})}).call(5) == (
        "profiles",
        {"max_results": 5},
    )


def _run(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr.strip().splitlines()[-1]


_DIES = "import sys; input(); sys.exit('no licence')"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("start", "--against", "no-such-command"),
            "error: no-such-command cannot be started: No such file or directory",
        ),
        (("start", "--against", f'{sys.executable} -c "{_DIES}"'), "error: a server ended: no licence"),
        (("stop",), "there is no part stop; there are start, calls, rate, count, search, size, profile"),
        (("--against", "'half"), "No closing quotation"),
        (("--map", "get_profiles=profiles:{"), "is not JSON"),
        (("--map", "get_lists=lists"), "'get_lists=lists' is not get_profiles=NAME or get_profiles=NAME:{…}"),
        (("--env", "NAME"), "'NAME' is not NAME=VALUE"),
        (("--map", "get_profiles=profiles"), "--map is of another server: name that with --against"),
        (("--json", "no/such/place.json"), "no/such/place.json cannot be written: No such file or directory"),
        (("--name", "bare", "--against", "x"), "--name bare is one of ours"),
        (("--rounds", "0"), "'0' is not a number from 1 on"),
        (
            ("calls", "--against", f"{sys.executable} -m benchmarks.bare", "--map", "get_profiles=nothing"),
            'error: the other server answered nothing({"max_results": 20}) without asking the upstream: see --env',
        ),
    ],
)
def test_what_cannot_be_measured_is_told_in_a_line(arguments: tuple[str, ...], told: str) -> None:
    code, line = _run(*arguments)
    assert code == 2
    assert told in line
