"""Changes a module in many small ways, and names the changes that no test noticed. `uv run poe mutants MODULE [TESTS]`

MODULE is a path such as server/klaviyo_mcp/gateway/retry.py. TESTS are the tests to run, by default those at the
mirrored place. Works in a copy of the checkout, with cosmic-ray.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TIMEOUT_SECONDS = 60.0
COPIED = ("server", "tools", "tests", "docs", "benchmarks", "README.md", "pyproject.toml")


def mirrored_tests(module: Path) -> str:
    """`tests/server/gateway/test_retry.py` of `server/klaviyo_mcp/gateway/retry.py`."""
    source, _, *room, name = module.parts
    return Path("tests", source, *room, f"test_{name}").as_posix()


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    module = Path(sys.argv[1])
    tests = sys.argv[2:] or [mirrored_tests(module)]
    for path in (str(module), *tests):
        if not (ROOT / path.partition("::")[0]).exists():
            print(f"there is no {path}")
            return 2
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory, "checkout")
        copy.mkdir()
        for name in COPIED:
            copy_one = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy_one(ROOT / name, copy / name)
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(copy / "server"), str(copy / "tools")))}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        if subprocess.run(command, cwd=copy, env=environment, capture_output=True).returncode:
            print(f"{' '.join(tests)} must pass before anything is changed")
            return 1
        (copy / "mutants.toml").write_text(
            "[cosmic-ray]\n"
            f"module-path = {json.dumps(module.as_posix())}\n"
            f"timeout = {TIMEOUT_SECONDS}\n"
            "excluded-modules = []\n"
            f"test-command = {json.dumps(' '.join(command))}\n"
            '[cosmic-ray.distributor]\nname = "local"\n'
        )
        for step in (["init", "mutants.toml", "mutants.sqlite"], ["exec", "mutants.toml", "mutants.sqlite"]):
            subprocess.run(["cosmic-ray", *step], cwd=copy, env=environment, check=True)
        report = ["cr-report", "--surviving-only", "--show-diff", "mutants.sqlite"]
        return subprocess.run(report, cwd=copy, env=environment).returncode


if __name__ == "__main__":
    raise SystemExit(main())
