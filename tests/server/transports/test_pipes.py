"""Standard input and output are awaited by the event loop, without threads, wherever it can wait for them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import anyio
import pytest

from klaviyo_mcp.transports.pipes import LineReader, LineWriter

pytestmark = pytest.mark.anyio
LONG = "ø" * 200_000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        try:
            os.close(end)
        except OSError:  # the test closed it
            assert end == writing


async def _all(reader: LineReader) -> list[str]:
    return [line async for line in reader]


async def test_lines_are_whole_however_their_bytes_arrive(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines: list[str] = []

    async def read() -> None:
        lines.extend(await _all(LineReader(reading)))

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        for part in (b"on", b"e\ntw", "ö".encode()[:1], "ö".encode()[1:], b"\n\nthree\nfo", b"ur\xff"):
            os.write(writing, part)
            await anyio.wait_all_tasks_blocked()
        os.close(writing)
    assert lines == ["one", "twö", "", "three", "four\ufffd"]


async def test_a_long_text_waits_for_its_reader_without_blocking_the_loop(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    async with anyio.create_task_group() as group:
        group.start_soon(LineWriter(writing).write, LONG + "\n")
        await anyio.wait_all_tasks_blocked()  # the pipe is full by now, and we are here
        async for line in LineReader(reading):
            assert line == LONG
            break


async def test_sockets_work_like_pipes() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        async with anyio.create_task_group() as group:
            group.start_soon(LineWriter(ours.fileno()).write, LONG + "\n")
            await anyio.wait_all_tasks_blocked()
            async for line in LineReader(theirs.fileno()):
                assert line == LONG
                break


async def test_writing_without_a_reader_raises() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with pytest.raises(BrokenPipeError):
            await LineWriter(writing).write("text")
    finally:
        os.close(writing)
