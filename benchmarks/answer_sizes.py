"""Size of answers: ours against Klaviyo's JSON for the same question to the same sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from benchmarks.clients import Client, ServerError
from benchmarks.measurements import Key, Measure, Results
from benchmarks.plan import Build
from benchmarks.processes import QUIET, server_environment, server_process


class _Question(NamedTuple):
    tool: str
    arguments: dict[str, Any]
    path: str
    query: dict[str, str]


_QUESTIONS = (
    _Question("get_profiles", {"max_results": 50}, "profiles", {"page[size]": "50"}),
    _Question("get_events", {"max_results": 50}, "events", {"page[size]": "50"}),
    _Question(
        "get_campaigns",
        {"filter": 'equals(messages.channel,"email")'},
        "campaigns",
        {"filter": 'equals(messages.channel,"email")'},
    ),
    _Question("get_lists", {}, "lists", {}),
    _Question("get_segments", {}, "segments", {}),
    _Question("get_flows", {}, "flows", {"page[size]": "50"}),
    _Question("get_metrics", {}, "metrics", {}),
    _Question("get_templates", {}, "templates", {}),
    _Question("get_catalog_items", {"max_results": 50}, "catalog-items", {}),
)


async def measure_answer_sizes(builds: Sequence[Build], results: Results) -> None:
    """Bytes of our answers and of Klaviyo's JSON without blanks; they are the same in every run."""
    for build in builds:
        async with (
            _sandbox(build) as variables,
            httpx.AsyncClient() as direct,
            server_process(build.command, variables) as client,
        ):
            await client.initialize()
            for question in _QUESTIONS:
                document = await _klaviyo_document(direct, variables, question)
                answer = await _answer_text(client, question)
                for measure, value in _sizes(document, answer).items():
                    results.builds[build.name].record(Key(measure, question.tool), value)


def _sizes(document: Any, answer: str) -> dict[Measure, int]:
    compact = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return {
        Measure.RECORDS: len(document["data"]),
        Measure.KLAVIYO_BYTES: len(compact.encode()),
        Measure.ANSWER_BYTES: len(answer.encode()),
    }


async def _answer_text(client: Client, question: _Question) -> str:
    result = await client.request("tools/call", {"name": question.tool, "arguments": question.arguments})
    return "".join(part.get("text", "") for part in result["content"])


async def _klaviyo_document(direct: httpx.AsyncClient, variables: dict[str, str], question: _Question) -> Any:
    url = f"{variables['MATON_BASE_URL']}/klaviyo/api/{question.path}"
    headers = {"Authorization": f"Bearer {variables['MATON_API_KEY']}", "revision": "2026-01-15"}
    response = await direct.get(url, params=question.query, headers=headers)
    response.raise_for_status()
    return response.json()


@asynccontextmanager
async def _sandbox(build: Build) -> AsyncIterator[dict[str, str]]:
    """The sandbox on a port of its own: the environment that points a server at it."""
    process = await asyncio.create_subprocess_exec(
        *build.command,
        "sandbox",
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        env=server_environment({**QUIET, "PYTHONUNBUFFERED": "1"}),
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        if "MATON_BASE_URL=" not in line:
            raise ServerError("the sandbox ended before it served")
        variables = dict(part.split("=", 1) for part in line.split())
        yield {**QUIET, **variables, "KLAVIYO_MCP_TOOLSETS": "all", "KLAVIYO_MCP_PACING": "0"}
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
