"""Two servers without sessions behind a balancer that sends each connection to the next one serve as one server."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx2
import mcp_types
import pytest
from anyio.abc import SocketAttribute, SocketStream
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from tests.clients.server_processes import COMMAND, HttpServer, environment, http_server
from tests.server.sandbox_server import confirmation_code

pytestmark = [pytest.mark.slow, pytest.mark.anyio]
ERAS = ["legacy", "2026-07-28"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, str]]:
    """The settings that lead to one account, served in a process of its own."""
    command = [*COMMAND, "sandbox", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.DEVNULL, env=environment(), text=True) as process:
        try:
            assert process.stdout is not None
            yield dict(setting.split("=", 1) for setting in process.stdout.readline().split())
        finally:
            process.kill()


@pytest.fixture(scope="module")
def servers(sandbox: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[HttpServer]]:
    state = str(tmp_path_factory.mktemp("shared-state"))
    variables = {**sandbox, "KLAVIYO_MCP_STATE_DIR": state, "KLAVIYO_MCP_STATELESS": "1"}
    with ExitStack() as stack:
        yield [stack.enter_context(http_server([*COMMAND, "http"], **variables)) for _ in range(2)]


class Balancer:
    """Sends each connection to the next server, byte by byte; `connections` counts those of each."""

    def __init__(self, servers: list[HttpServer]) -> None:
        self._ports = [int(server.base.rsplit(":", 1)[1]) for server in servers]
        self.connections = [0] * len(servers)

    async def serve(self, client: SocketStream) -> None:
        index = sum(self.connections) % len(self._ports)
        self.connections[index] += 1
        server = await anyio.connect_tcp("127.0.0.1", self._ports[index])
        async with client, server, anyio.create_task_group() as group:

            async def copy(source: SocketStream, target: SocketStream) -> None:
                with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                    async for chunk in source:
                        await target.send(chunk)
                group.cancel_scope.cancel()

            group.start_soon(copy, client, server)
            group.start_soon(copy, server, client)


@asynccontextmanager
async def connected(
    servers: list[HttpServer], era: str, questions: list[str]
) -> AsyncIterator[tuple[Client, Balancer]]:
    """A client of the balancer, which can put questions to a person, each request on a connection of its own."""

    async def agree(context: Any, params: mcp_types.ElicitRequestParams) -> mcp_types.ElicitResult:
        questions.append(params.message)
        return mcp_types.ElicitResult(action="accept", content={"confirm": True})

    balancer = Balancer(servers)
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as group,
    ):
        group.start_soon(listener.serve, balancer.serve)
        port = listener.extra(SocketAttribute.local_port)
        limits = httpx2.Limits(max_keepalive_connections=0)
        async with (
            httpx2.AsyncClient(limits=limits) as http_client,
            Client(
                streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=http_client),
                mode=era,
                elicitation_callback=agree,
            ) as client,
        ):
            yield client, balancer
        group.cancel_scope.cancel()


async def answer_of(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    return "".join(part.text for part in result.content if isinstance(part, mcp_types.TextContent))


@pytest.mark.parametrize("era", ERAS)
async def test_reads_work_whichever_server_gets_them(servers: list[HttpServer], era: str) -> None:
    async with connected(servers, era, []) as (client, balancer):
        before = list(balancer.connections)
        answers = [await answer_of(client, "get_lists") for _ in range(6)]
    assert len(set(answers)) == 1
    assert "complete" in answers[0]
    assert [after - count >= 3 for after, count in zip(balancer.connections, before, strict=True)] == [True, True]


@pytest.mark.parametrize("era", ERAS)
async def test_a_code_of_one_server_is_good_at_the_other_and_nobody_is_asked(
    servers: list[HttpServer], era: str
) -> None:
    questions: list[str] = []
    async with connected(servers, era, questions) as (client, balancer):
        creation = await answer_of(client, "create_list", name=f"For {era}")
        list_id = re.search(r'"id":"(\w+)"', creation)[1]  # type: ignore[index]
        await client.list_tools()
        index_of_code = sum(balancer.connections) % 2
        preview = await answer_of(client, "delete_list", list_id=list_id)
        if sum(balancer.connections) % 2 == index_of_code:
            await client.list_tools()
        deletion = await answer_of(client, "delete_list", list_id=list_id, confirmation=confirmation_code(preview))
        again = await answer_of(client, "delete_list", list_id=list_id, confirmation=confirmation_code(preview))
    assert deletion.startswith("Done"), deletion
    assert not again.startswith("Done")
    assert questions == []
