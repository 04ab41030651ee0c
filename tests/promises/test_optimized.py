"""Under `python -OO`, which removes docstrings and assertions, server and sandbox work as they do otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MALFORMED_BODY = """
import anyio, httpx
from klaviyo_mcp.sandbox.app import create_sandbox

async def post(body):
    transport = httpx.ASGITransport(create_sandbox(profiles=1))
    headers = {"authorization": "Bearer sandbox", "revision": "2026-01-15", "content-type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=headers) as client:
        return await client.post("/klaviyo/api/lists", content=body)

print(anyio.run(post, "{").status_code, anyio.run(post, "").status_code)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "output"),
    [
        (("-c", MALFORMED_BODY), "400 400\n"),
        (("-m", "klaviyo_mcp", "--sandbox", "call", "get_lists"), "8 lists"),
        (("-m", "klaviyo_mcp", "tools", "--json"), "["),
    ],
    ids=["sandbox", "server", "tools"],
)
def test_server_and_sandbox_start_without_docstrings(command: tuple[str, ...], output: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MATON_", "KLAVIYO_"))}
    environment["PYTHONPATH"] = os.pathsep.join(str(ROOT / name) for name in ("tools", "server"))
    done = subprocess.run([sys.executable, "-OO", *command], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(output)
