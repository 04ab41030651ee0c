"""The command line: what cannot be measured is said in a line, before anything is measured."""

from __future__ import annotations

import subprocess
import sys

import pytest
from benchmarks.options import DOCS, parse
from benchmarks.runs import PARTS

pytestmark = pytest.mark.slow


def run(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr.strip().splitlines()[-1]


ENDS_AT_ONCE = "import sys; input(); sys.exit('no licence')"
BARE = f"{sys.executable} -m benchmarks.bare_server"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("start", "--other-server", "no-such-command"),
            "error: no-such-command cannot be started: No such file or directory",
        ),
        (("start", "--other-server", f'{sys.executable} -c "{ENDS_AT_ONCE}"'), "error: a server ended: no licence"),
        (("stop",), "there is no part stop; there are start, calls, rate, count, search, size, profile"),
        (("--other-server", "'half"), "No closing quotation"),
        (("--map", "get_profiles=profiles:{"), "is not JSON"),
        (("--map", "get_lists=lists"), "'get_lists=lists' is not get_profiles=NAME or get_profiles=NAME:{…}"),
        (("--env", "NAME"), "'NAME' is not NAME=VALUE"),
        (("--map", "get_profiles=profiles"), "--map and --env are of another server"),
        (("--json", "no/such/place.json"), "no/such/place.json cannot be written: No such file or directory"),
        (("--name", "bare", "--other-server", "x"), "--name bare is the name of another server in the report"),
        (("--runs", "0"), "'0' is not a number from 1 on"),
        (("--against", "no/such/checkout"), "no/such/checkout does not exist: give a checkout with its .venv"),
        (("--klaviyo-server", "no/such/python"), "no/such/python is not a file"),
        (("--klaviyo-server", sys.executable), "--klaviyo-server and --openapi need each other"),
        (
            ("calls", "--other-server", BARE, "--map", "get_profiles=nothing"),
            'error: the other server answered nothing({"max_results": 20}) without asking the upstream',
        ),
    ],
)
def test_an_error_is_one_line_and_the_exit_code_is_2(arguments: tuple[str, ...], message: str) -> None:
    code, line = run(*arguments, "--quick", "--runs", "1") if "--runs" not in arguments else run(*arguments)
    assert code == 2
    assert message in line


def test_only_a_whole_measurement_overwrites_the_documents() -> None:
    whole = parse([])
    assert whole.docs == DOCS
    assert tuple(whole.parts) == PARTS
    assert whole.plan.runs == 5
    assert parse(["--quick"]).docs is None
    assert parse(["start"]).docs is None


def test_the_number_of_runs_can_be_given() -> None:
    assert parse(["--runs", "7"]).plan.runs == 7
    assert parse(["--quick"]).plan.runs == 2
