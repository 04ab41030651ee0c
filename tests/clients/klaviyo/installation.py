"""Klaviyo's own clients, installed as their locks pin them, each in an environment of its own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".venv" / "klaviyo-clients"
"""Beside the environment of the tests, so that it goes with it."""
_INSTALL_SECONDS = 300


def python_with(package: str, least_python: tuple[int, int] = (3, 11)) -> Path:
    """The interpreter of an environment with a package at the version of its lock, or skip the test with the reason."""
    lock = HERE / "requirements" / f"{package}.txt"
    environment = CACHE / f"{package}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    interpreter = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (environment / "complete").exists():
        uv = shutil.which("uv")
        if uv is None:
            pytest.skip(f"{package}: no uv to install it")
        python = _find_python(least_python)
        if python is None:
            pytest.skip(f"{package}: no Python {'.'.join(map(str, least_python))}")
        shutil.rmtree(environment, ignore_errors=True)
        _install(package, uv, "venv", "--quiet", "--python", python, str(environment))
        _install(
            package, uv, "pip", "install", "--quiet", "--python", str(interpreter), "--require-hashes", "-r", str(lock)
        )
        (environment / "complete").touch()
    return interpreter


def _find_python(least: tuple[int, int]) -> str | None:
    """An interpreter of at least this version: this one, one on the path, or one that pyenv keeps."""
    if sys.version_info >= least:
        return sys.executable
    name = f"python{least[0]}.{least[1]}"
    kept = sorted((Path.home() / ".pyenv" / "versions").glob(f"{least[0]}.{least[1]}.*/bin/{name}"))
    return str(kept[-1]) if kept else shutil.which(name)


def node_walk() -> list[str]:
    """The command of the walk over the Node SDK, or skip the test with the reason."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("klaviyo-api for Node: no node")
    lock = HERE / "node" / "package-lock.json"
    directory = CACHE / f"node-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not (directory / "complete").exists():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, directory)
        _install("klaviyo-api for Node", npm, "ci", "--silent", "--ignore-scripts", "--prefix", str(directory))
        (directory / "complete").touch()
    shutil.copy(HERE / "node" / "walk_node_sdk.cjs", directory)
    return [node, str(directory / "walk_node_sdk.cjs")]


def _install(package: str, *command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{package}: not installed within {_INSTALL_SECONDS} s")
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason"])[-1].strip()
        pytest.skip(f"{package}: cannot be installed: {reason[-200:]}")
