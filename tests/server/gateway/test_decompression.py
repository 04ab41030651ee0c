"""One content coding is read, in bounded steps; everything else is refused as unreadable."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klaviyo_mcp.gateway.decompression import STEP_BYTES, UnreadableCodingError, body_reader


def raw_deflate(content: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(content) + encoder.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}


def read(coding: str, *chunks: bytes) -> bytes:
    reader = body_reader(coding)
    content = b"".join(step for chunk in chunks for step in reader.feed(chunk))
    reader.finish()
    return content


@given(st.binary(max_size=3_000), st.sampled_from(sorted(ENCODERS)), st.integers(1, 200))
def test_a_body_is_read_however_its_chunks_are_cut(content: bytes, coding: str, length: int) -> None:
    body = ENCODERS[coding](content)
    assert read(coding, *(body[start : start + length] for start in range(0, len(body), length))) == content


@pytest.mark.parametrize("size", [STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 2 * STEP_BYTES])
def test_a_body_that_fills_whole_steps_is_read_to_its_end(size: int) -> None:
    assert read("gzip", gzip.compress(b"x" * size)) == b"x" * size


@pytest.mark.parametrize("coding", ["", "identity", "identity, identity", " IDENTITY "])
def test_a_body_without_a_coding_stays_as_it_is(coding: str) -> None:
    assert read(coding, b"{}") == b"{}"


def test_a_body_that_is_announced_as_compressed_may_be_empty() -> None:
    assert read("gzip") == b""


@pytest.mark.parametrize(
    ("coding", "problem"),
    [
        ("gzip, gzip", "more than once"),
        ("gzip,deflate", "more than once"),
        ("identity, gzip, gzip", "more than once"),
        ("br", "not asked for"),
        ("zstd", "not asked for"),
    ],
)
def test_more_than_one_coding_or_another_one_is_refused_before_a_byte_is_read(coding: str, problem: str) -> None:
    with pytest.raises(UnreadableCodingError, match=problem):
        body_reader(coding)


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"{}")[:-1], gzip.compress(b"{}") + b"{}", gzip.compress(b"{}") * 2],
    ids=["no gzip", "ends early", "goes on", "two members"],
)
def test_damaged_data_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableCodingError, match="could not be decompressed"):
        read("gzip", body)


def test_a_bomb_takes_no_more_memory_than_a_step() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    reader = body_reader("gzip")
    tracemalloc.start()
    try:
        step = next(iter(reader.feed(bomb)))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(step) == STEP_BYTES
    assert most < 4 * STEP_BYTES
