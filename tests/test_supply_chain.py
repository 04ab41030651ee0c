"""What this project takes from others is pinned, and what is pinned is checked."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKS = sorted(ROOT.glob("requirements*.lock"))
NPM_LOCKS = [path for path in (ROOT / "tests").rglob("package-lock.json") if "node_modules" not in path.parts]
SCRIPT_SUFFIXES = {".js", ".cjs", ".mjs", ".ts", ".tsx"}
RENOVATE_OPTIONS = {"--universal", "--generate-hashes", "--python-version", "--group", "--output-file"}


@pytest.fixture(scope="module")
def supply_chain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply_chain", ROOT / ".ci" / "supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def versions(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(), re.M))


def test_every_action_is_pinned_by_the_hash_of_its_commit() -> None:
    uses = [line for file in WORKFLOWS for line in re.findall(r"uses: (.*)", file.read_text())]
    assert uses
    for line in uses:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    assert len({line.split("@")[0] for line in uses}) == len(set(uses)), "an action has one version in all workflows"


def test_the_stages_of_the_image_start_from_one_digest() -> None:
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.M)
    assert len(bases) == 2
    assert re.fullmatch(r"python:[\d.]+-slim@sha256:[0-9a-f]{64}", bases[0])
    assert set(bases) == {bases[0]}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_a_hash_for_each_package_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    packages = re.split(r"^(?=[a-z])", text, flags=re.M)[1:]
    assert packages
    for package in packages:
        assert re.match(r"[a-z0-9-]+==\S+ (; .+ )?\\\n", package), package
        assert "--hash=sha256:" in package
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_the_update_bot_can_run_the_command_in_a_lock(lock: Path) -> None:
    command = lock.read_text().splitlines()[1].removeprefix("#").strip()
    *words, source, output = command.split()
    assert words[:3] == ["uv", "pip", "compile"]
    assert {word.split("=")[0] for word in words[3:]} <= RENOVATE_OPTIONS
    assert (ROOT / source).exists()
    assert output == f"--output-file={lock.name}"
    [pattern] = json.loads((ROOT / "renovate.json").read_text())["pip-compile"]["managerFilePatterns"]
    assert re.search(pattern.strip("/"), lock.name)


def test_the_recipe_lock_runs_the_commands_of_the_locks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    recipe = [step["cmd"].replace(" --quiet", "") for step in project["tool"]["poe"]["tasks"]["lock"]["sequence"]]
    assert sorted(recipe) == sorted(lock.read_text().splitlines()[1].removeprefix("#").strip() for lock in LOCKS)


def test_tests_run_with_the_versions_that_users_get() -> None:
    runtime, tests = versions(ROOT / "requirements.lock"), versions(ROOT / "requirements-dev.lock")
    assert runtime.items() <= tests.items()


@pytest.mark.parametrize("lock", NPM_LOCKS, ids=lambda lock: lock.parent.name)
def test_an_npm_lock_has_a_hash_for_each_package_and_no_address(lock: Path) -> None:
    packages = json.loads(lock.read_text())["packages"]
    assert all("integrity" in package for path, package in packages.items() if path)
    assert "resolved" not in lock.read_text()


def test_the_backend_that_builds_the_wheel_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert {*project["build-system"]["requires"], "uv"} <= set(versions(ROOT / "requirements-build.lock"))
    for file in (ROOT / "Dockerfile", ROOT / ".github" / "workflows" / "release.yml"):
        builds = re.findall(r"uv build.*", file.read_text())
        assert builds
        assert all("--build-constraints requirements-build.lock --require-hashes" in build for build in builds)


def test_code_scanning_covers_every_language_of_the_project() -> None:
    scanned = re.findall(r"language: \[(.*)\]", (ROOT / ".github" / "workflows" / "security.yml").read_text())
    paths = (path for room in ("server", "tools", "tests") for path in (ROOT / room).rglob("*.*"))
    scripts = [path for path in paths if path.suffix in SCRIPT_SUFFIXES and "node_modules" not in path.parts]
    assert scanned == ["python, actions, javascript-typescript" if scripts else "python, actions"]


class TestLicences:
    def test_those_of_the_locked_packages_are_allowed(self, supply_chain: ModuleType) -> None:
        problems = supply_chain.licence_problems(ROOT / "requirements.lock")
        assert [problem for problem in problems if "has the licence" in problem] == []

    def test_another_licence_another_version_and_a_missing_package_are_named(
        self, supply_chain: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed = Distribution.from_name("click").version
        lock = tmp_path / "requirements.lock"
        lock.write_text(
            f"click=={installed} \\\n    --hash=sha256:00\n    # via nothing\nhttpx==0.0.1 \\\n    --hash=sha256:00\n"
            "no-such-package==1 \\\nno-such-system==1 ; sys_platform == 'none' \\\n"
        )
        monkeypatch.setattr(supply_chain, "ALLOWED_LICENCES", {"MIT"})
        assert supply_chain.licence_problems(lock) == [
            f"click {installed} has the licence 'BSD-3-Clause'",
            f"httpx {Distribution.from_name('httpx').version} is installed; the lock says ==0.0.1",
            "no-such-package is locked, but not installed here",
        ]


class TestAudit:
    @staticmethod
    def report(*packages: dict[str, Any]) -> str:
        return json.dumps({"dependencies": packages, "fixes": []})

    @pytest.mark.parametrize(
        ("package", "line", "status"),
        [
            (
                {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]}]},
                "a 1: PYSEC-1, fixed in 1.1, 2.0",
                1,
            ),
            (
                {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": []}]},
                "a 1: PYSEC-1, no fix yet",
                0,
            ),
            (
                {"name": "a", "skip_reason": "Dependency not found on PyPI"},
                "skipped: known vulnerabilities of 1 of 1 packages: PyPI gave no answer about them",
                0,
            ),
            ({"name": "a", "version": "1", "vulns": []}, "no known vulnerability in 1 packages", 0),
        ],
        ids=["fix", "no fix", "no answer", "clean"],
    )
    def test_a_fix_fails_and_a_missing_answer_is_named(
        self,
        supply_chain: ModuleType,
        capsys: pytest.CaptureFixture[str],
        package: dict[str, Any],
        line: str,
        status: int,
    ) -> None:
        assert supply_chain.print_audit(self.report(package), "") == status
        assert capsys.readouterr().out.splitlines() == [line]

    def test_a_weakness_counts_although_other_packages_have_no_answer(
        self, supply_chain: ModuleType, capsys: pytest.CaptureFixture[str]
    ) -> None:
        weak = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
        assert supply_chain.print_audit(self.report({"name": "b", "skip_reason": "none"}, weak), "") == 1
        assert capsys.readouterr().out.splitlines() == [
            "a 1: PYSEC-1, fixed in 2",
            "skipped: known vulnerabilities of 1 of 2 packages: PyPI gave no answer about them",
        ]

    @pytest.mark.parametrize("output", ["", "{}", '{"dependencies": 1}', "Traceback"])
    def test_without_the_network_it_is_skipped(
        self, supply_chain: ModuleType, capsys: pytest.CaptureFixture[str], output: str
    ) -> None:
        assert supply_chain.print_audit(output, "trace\nConnectionError: no route") == 0
        assert capsys.readouterr().out == (
            "skipped: known vulnerabilities: pip-audit got no answer (ConnectionError: no route)\n"
        )
