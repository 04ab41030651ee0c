"""Work on large answers leaves the event loop; work on usual ones takes no turn of it."""

from __future__ import annotations

import json
import threading

import anyio
import anyio.lowlevel
import httpx
import pytest
from tests.server.sandbox_server import UnattendedContext

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway import client, responses
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.settings import Settings
from klaviyo_mcp.threads import LARGE_BYTES, run_sized

pytestmark = pytest.mark.anyio


async def test_only_work_on_many_bytes_happens_in_a_thread() -> None:
    here = threading.get_ident()
    assert await run_sized(LARGE_BYTES, threading.get_ident) == here
    assert await run_sized(LARGE_BYTES + 1, threading.get_ident) != here


async def test_an_error_of_the_work_is_raised() -> None:
    for size in (0, LARGE_BYTES + 1):
        with pytest.raises(ZeroDivisionError):
            await run_sized(size, lambda: 1 // 0)


async def test_other_tasks_run_while_a_large_answer_is_made() -> None:
    done = threading.Event()

    async def other() -> None:
        await anyio.lowlevel.checkpoint()
        done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(other)
        assert await run_sized(LARGE_BYTES + 1, lambda: done.wait(30))


@pytest.mark.parametrize("size", [100, LARGE_BYTES])
@pytest.mark.parametrize(
    "call", [("get_lists", {}), ("get_lists", {"detail": "full"}), ("get_list", {"list_id": "L1"})]
)
async def test_a_large_answer_is_decoded_and_shown_off_the_loop(
    size: int, call: tuple[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, int] = {}
    interpret, to_json = responses.interpret, json.dumps

    def watched(*arguments: object) -> object:
        threads["decoded"] = threading.get_ident()
        return interpret(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(client, "interpret", watched)
    record = {"type": "list", "id": "L1", "attributes": {"name": "x" * size}}

    def respond(request: httpx.Request) -> httpx.Response:
        is_one = request.url.path.endswith("/L1")
        headers = {"content-type": "application/json"}
        return httpx.Response(200, content=to_json({"data": record if is_one else [record]}), headers=headers)

    maton = GatewayClient(key="key", connection="c", transport=httpx.MockTransport(respond), pacer=Pacer(enabled=False))
    service = CallService(Settings(connection="c", toolsets=("all",)), lambda: maton)

    from klaviyo_mcp.answers import columns, objects

    for module, name in ((columns.Columns, "grow"), (objects.RecordObjects, "object")):
        method = getattr(module, name)

        def note(self: object, *arguments: object, method: object = method) -> object:
            threads["shown"] = threading.get_ident()
            return method(self, *arguments)  # type: ignore[operator]

        monkeypatch.setattr(module, name, note)
    name, arguments = call
    answer = await service.call(name, arguments, UnattendedContext())
    await service.aclose()
    assert not answer.is_error
    in_thread = size >= LARGE_BYTES
    assert (threads["decoded"] != threading.get_ident()) == in_thread
    assert (threads.get("shown", threads["decoded"]) != threading.get_ident()) == in_thread
