"""Checks of the packages that the lock files pin. `uv run poe licences`, `uv run poe audit`, `uv run poe sbom`

- `licences` compares the licence of each runtime dependency with the allowed ones, from installed metadata, offline.
- `audit` asks PyPI, through pip-audit, for known vulnerabilities. One with a fix fails. Without an answer it prints
  `skipped: …` and succeeds: a missing network is no fault of the change.
- `sbom [FILE]` writes a CycloneDX list of the wheel's locked dependencies, with their licences and what needs what.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
RUNTIME_LOCK = ROOT / "requirements.lock"
AUDIT_SECONDS = 90  # for all packages together
ANSWER_SECONDS = 10  # for one answer of PyPI
SBOM = "dist/klaviyo-mcp.cdx.json"

# Each allows use, change and distribution, also in a closed product. MPL-2.0 asks to publish changes of its own files.
ALLOWED_LICENCES = {
    "Apache-2.0",
    "Apache-2.0 AND CNRI-Python",
    "Apache-2.0 OR BSD-2-Clause",
    "Apache-2.0 OR BSD-3-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT OR Apache-2.0",
    "MIT-0",
    "MPL-2.0",
    "PSF-2.0",
}


def locked_packages(lock: Path) -> Iterator[Requirement]:
    """The packages of a lock file, those of other systems too."""
    for line in lock.read_text().splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            yield Requirement(line.removesuffix("\\"))


def is_for_this_system(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()


def licence(package: Distribution) -> str:
    """The licence in a package's metadata: the SPDX expression, or the older free text."""
    return package.metadata["License-Expression"] or package.metadata["License"] or "none named"


def licence_problems(lock: Path) -> list[str]:
    """A sentence for each locked package of this system whose licence is not allowed or cannot be read."""
    problems = []
    for requirement in locked_packages(lock):
        if not is_for_this_system(requirement):
            continue
        try:
            package = distribution(requirement.name)
        except PackageNotFoundError:
            problems.append(f"{requirement.name} is locked, but not installed here")
            continue
        if not requirement.specifier.contains(package.version, prereleases=True):
            problems.append(f"{requirement.name} {package.version} is installed; the lock says {requirement.specifier}")
        elif licence(package) not in ALLOWED_LICENCES:
            problems.append(f"{requirement.name} {package.version} has the licence {licence(package)!r}")
    return problems


def licences() -> int:
    problems = licence_problems(RUNTIME_LOCK)
    here = {package.name for package in locked_packages(RUNTIME_LOCK) if is_for_this_system(package)}
    other_systems = {package.name for package in locked_packages(RUNTIME_LOCK)} - here
    print(*problems or [f"the licences of {len(here)} packages are allowed"], sep="\n")
    if other_systems:
        print(f"not checked, for they belong to other systems: {', '.join(sorted(other_systems))}")
    return int(bool(problems))


class Findings(NamedTuple):
    """What a report of pip-audit says."""

    with_fix: list[str]
    without_fix: list[str]
    packages_without_answer: list[str]


def read_report(report: dict[str, Any]) -> Findings:
    findings = Findings([], [], [])
    for package in report["dependencies"]:
        if "skip_reason" in package:
            findings.packages_without_answer.append(package["name"])
        for weakness in package.get("vulns", []):
            text = f"{package['name']} {package['version']}: {weakness['id']}"
            if versions := weakness["fix_versions"]:
                findings.with_fix.append(f"{text}, fixed in {', '.join(versions)}")
            else:
                findings.without_fix.append(f"{text}, no fix yet")
    return findings


def print_audit(output: str, errors: str) -> int:
    """Print what an audit found; fail where there is a fix."""
    try:
        report = json.loads(output)
        with_fix, without_fix, packages_without_answer = read_report(report)
    except (json.JSONDecodeError, KeyError, TypeError):
        last = errors.strip().splitlines()[-1] if errors.strip() else "no output"
        print(f"skipped: known vulnerabilities: pip-audit got no answer ({last[:200]})")
        return 0
    total = len(report["dependencies"])
    for line in with_fix + without_fix:
        print(line)
    if count := len(packages_without_answer):
        print(f"skipped: known vulnerabilities of {count} of {total} packages: PyPI gave no answer about them")
    elif not with_fix and not without_fix:
        print(f"no known vulnerability in {total} packages")
    return int(bool(with_fix))


def install(directory: Path, *arguments: str) -> Path:
    """Make an environment; the arguments are those of `uv pip install`. Returns its folder of commands."""
    subprocess.run(["uv", "venv", "--quiet", str(directory)], check=True)
    python = directory / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", str(python), *arguments], cwd=ROOT, check=True)
    return python.parent


def audit() -> int:
    with tempfile.TemporaryDirectory() as directory:
        commands = install(Path(directory, "tools"), "--require-hashes", "-r", "requirements-audit.lock")
        # `--disable-pip` takes the lock as it stands, so that one request for each package is all that goes out.
        arguments = ["--disable-pip", "--require-hashes", "--requirement", str(RUNTIME_LOCK), "--format", "json"]
        timing = ["--timeout", str(ANSWER_SECONDS), "--progress-spinner", "off"]
        try:
            process = subprocess.run(
                [commands / "pip-audit", *arguments, *timing], capture_output=True, text=True, timeout=AUDIT_SECONDS
            )
        except subprocess.TimeoutExpired:
            print(f"skipped: known vulnerabilities: pip-audit did not end within {AUDIT_SECONDS} s")
            return 0
    if process.returncode == 2:  # a usage error is a fault here, not of the network
        print(process.stderr)
        return 2
    return print_audit(process.stdout, process.stderr)


def sbom(file: str = SBOM) -> int:
    target = ROOT / file
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        commands = install(Path(directory, "tools"), "--require-hashes", "-r", "requirements-audit.lock")
        runtime = install(Path(directory, "runtime"), "--require-hashes", "-r", RUNTIME_LOCK.name)
        metadata = ["--pyproject", "pyproject.toml", "--output-reproducible", "--output-file", str(target)]
        subprocess.run([commands / "cyclonedx-py", "environment", *metadata, runtime / "python"], cwd=ROOT, check=True)
    print(f"{file}: {len(json.loads(target.read_text())['components'])} packages")
    return 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["licences"]:
            sys.exit(licences())
        case ["audit"]:
            sys.exit(audit())
        case ["sbom", *file]:
            sys.exit(sbom(*file))
        case _:
            print(__doc__)
            sys.exit(2)
