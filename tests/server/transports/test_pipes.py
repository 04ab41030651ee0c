"""Standard input and output are waited for, not handed to threads, wherever they can be."""

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


async def _all(lines: LineReader) -> list[str]:
    return [line async for line in lines]


async def test_lines_come_whole_however_they_arrive(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    found: list[str] = []

    async def read() -> None:
        found.extend(await _all(LineReader(reading)))

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        for part in (b"on", b"e\ntw", "ö".encode()[:1], "ö".encode()[1:], b"\n\nthree\nfo", b"ur\xff"):
            os.write(writing, part)
            await anyio.wait_all_tasks_blocked()
        os.close(writing)
    assert found == ["one", "twö", "", "three", "four\ufffd"]


async def test_a_long_text_waits_for_its_reader_and_holds_nobody_up(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    async with anyio.create_task_group() as group:
        group.start_soon(LineWriter(writing).write, LONG + "\n")
        await anyio.wait_all_tasks_blocked()  # the pipe is full by now, and we are here
        async for line in LineReader(reading):
            assert line == LONG
            break


async def test_sockets_serve_as_well() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        async with anyio.create_task_group() as group:
            group.start_soon(LineWriter(ours.fileno()).write, LONG + "\n")
            await anyio.wait_all_tasks_blocked()
            async for line in LineReader(theirs.fileno()):
                assert line == LONG
                break


async def test_writing_to_nobody_is_an_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with pytest.raises(BrokenPipeError):
            await LineWriter(writing).write("text")
    finally:
        os.close(writing)
