"""Public documents: JSON objects of the web, and nothing else."""

from __future__ import annotations

from pathlib import Path

import anyio.to_thread
import pytest
from tests.server.fake_gateway import Answer, closed_port, fake_gateway

from klaviyo_mcp.gateway.documents import MAX_DOCUMENT_BYTES, fetch_document

pytestmark = pytest.mark.anyio


async def test_a_json_object_is_read() -> None:
    async with fake_gateway(Answer(200, {"issuer": "x"})) as upstream:
        assert await anyio.to_thread.run_sync(fetch_document, f"{upstream.url}/keys") == {"issuer": "x"}
        (request,) = upstream.requests
    assert (request.method, request.target, request.headers["accept"]) == ("GET", "/keys", "application/json")
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, {"issuer": "x"}),
        Answer(500),
        Answer(200, b"[1]"),
        Answer(200, b"<html>"),
        Answer(200, b'{"x": "' + b"x" * MAX_DOCUMENT_BYTES + b'"}'),
    ],
    ids=["not found", "broken", "a list", "a web page", "too large"],
)
async def test_anything_else_raises(answer: Answer) -> None:
    async with fake_gateway(answer) as upstream:
        with pytest.raises((OSError, ValueError)):
            await anyio.to_thread.run_sync(fetch_document, upstream.url)


async def test_a_closed_port_is_an_oserror() -> None:
    with pytest.raises(OSError, match="refused"):
        await anyio.to_thread.run_sync(fetch_document, f"http://127.0.0.1:{closed_port()}")


def test_a_file_of_this_machine_is_no_document(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("{}")
    with pytest.raises(ValueError, match="not a web address"):
        fetch_document(file.as_uri())
