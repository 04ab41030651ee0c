"""Decompresses the body of an answer while it arrives, never beyond a limit.

A few kilobytes of gzip can stand for gigabytes, and one coding over another for far more. So one coding is read, and
each step yields at most `STEP_BYTES`: between two of them the caller sees the size and can stop.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

STEP_BYTES = 1_000_000
"""The most bytes that one step of decompression yields; it takes a few milliseconds."""


class UnreadableCodingError(Exception):
    """The body is compressed in a way that is not read; the message completes "its answer …"."""


class PlainBody:
    """A body without a content coding."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The chunk as it is."""
        yield chunk

    def finish(self) -> None:
        """Nothing can be missing: the length of the body is checked where it is received."""


class CompressedBody:
    """A body in one content coding: `gzip`, or `deflate` with or without zlib's header (both are in use).

    Raises:
        UnreadableCodingError: From `feed` and `finish`: the data is damaged, ends early or goes on after its end.
    """

    def __init__(self, coding: str) -> None:
        self._decoder = None if coding == "deflate" else zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._beginning = b""
        """The first bytes of `deflate`, until they tell whether they are zlib's header."""
        self._started = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The decompressed bytes of a chunk, in steps."""
        self._started = self._started or bool(chunk)
        if self._decoder is None:
            self._beginning += chunk
            if len(self._beginning) < 2:
                return
            chunk = self._beginning
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS if _has_zlib_header(chunk) else -zlib.MAX_WBITS)
        full = False
        while chunk or full:
            if self._decoder.eof and chunk:
                raise UnreadableCodingError("could not be decompressed")
            try:
                step = self._decoder.decompress(chunk, STEP_BYTES)
            except zlib.error:
                raise UnreadableCodingError("could not be decompressed") from None
            chunk, full = self._decoder.unconsumed_tail or self._decoder.unused_data, len(step) == STEP_BYTES
            if step:
                yield step

    def finish(self) -> None:
        """Check that the compressed data has come to its end."""
        if self._started and (self._decoder is None or not self._decoder.eof):
            raise UnreadableCodingError("could not be decompressed")


def _has_zlib_header(data: bytes) -> bool:
    """Whether data begins with zlib's header: method 8 and a check of both bytes (RFC 1950)."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def body_reader(content_encoding: str) -> PlainBody | CompressedBody:
    """The reader of a body by its header `Content-Encoding`: for one coding that we asked for, or none.

    Raises:
        UnreadableCodingError: There are several, or another one.
    """
    codings = [
        coding for coding in content_encoding.lower().replace(" ", "").split(",") if coding not in ("", "identity")
    ]
    if not codings:
        return PlainBody()
    if len(codings) > 1:
        raise UnreadableCodingError("is compressed more than once, which is not read")
    if codings[0] not in ("gzip", "x-gzip", "deflate"):
        raise UnreadableCodingError("is compressed in a way that was not asked for")
    return CompressedBody(codings[0])
