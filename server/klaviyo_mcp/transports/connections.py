"""The connections that clients hold open: how many, and how long each may take, from accept to the last byte."""

from __future__ import annotations

import asyncio
import collections
import itertools
import logging
import sys
import time
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal

import anyio
import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

logger = logging.getLogger(__name__)

HEADERS_SECONDS = 10.0
"""From accept, or from the first byte of a later request, to the end of its headers."""
BODY_SECONDS = 30.0
"""From the end of the headers to the end of the body."""
WRITE_SECONDS = 30.0
"""Longest time for which bytes wait to be sent; a client that reads nothing is closed then."""
SWEEP_SECONDS = 1.0
RESERVED_DESCRIPTORS = 160
"""Descriptors kept for the gateway's connections, files, and connections that are accepted but not counted yet."""
MAX_HELD_BYTES = 65_536
"""Most bytes of a body that are held back; with as many unread, uvicorn stops reading."""
BEGUN_IN_TURN = 2
"""New connections whose first request is parsed in one turn of the event loop, after those that were accepted in it."""
CHUNKED_END = b"\r\n\r\n"
IPV6_NETWORK_BITS = 64
"""One client has a whole network of this prefix: its addresses share one share."""
TIMEOUT_ANSWER = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"

Phase = Literal["idle", "headers", "body", "answer"]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of all connections; times in seconds."""

    max_connections: int = 1_000
    keep_alive: int = 120
    headers: float = HEADERS_SECONDS
    body: float = BODY_SECONDS
    write: float = WRITE_SECONDS
    sweep: float = SWEEP_SECONDS
    urgent: tuple[bytes, ...] = ()
    """Beginnings of requests that wait for no others, such as health checks."""


class HeldBytes:
    """Bytes of one connection that have arrived and were not parsed yet.

    To parse a part of a body and to wake the application for it takes ten times as long as to receive it. Applications
    read bodies whole, so that they miss nothing; a body that arrives byte by byte would cost that for every byte.

    Args:
        missing_bytes: How much of a body is still to come; None where its length was not announced.
    """

    def __init__(self, missing_bytes: int | None = None) -> None:
        self._missing_bytes = missing_bytes
        self._parts = bytearray()

    def add(self, part: bytes) -> None:
        """Hold one more part."""
        self._parts += part
        if self._missing_bytes is not None:
            self._missing_bytes -= len(part)

    @property
    def is_full(self) -> bool:
        """Whether these are as many bytes as may be held."""
        return len(self._parts) >= MAX_HELD_BYTES

    def may_end_body(self) -> bool:
        """Whether these bytes may be the end of the body, or are as many as may be held."""
        if self.is_full:
            return True
        return self._parts.endswith(CHUNKED_END) if self._missing_bytes is None else self._missing_bytes <= 0

    def take(self) -> bytes:
        """These bytes, which are held no longer."""
        parts, self._parts = self._parts, bytearray()
        return bytes(parts)


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol, which knows how far its client has come with its request."""

    def __init__(self, open_connections: OpenConnections, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._open_connections = open_connections
        self.address = ""
        """The address, or network, whose share of the connections this one takes."""
        self.completed_at = self._since = time.monotonic()
        """When the last request was complete; the time of accept where none was yet."""
        self._phase: Phase = "headers"
        self._unsent_since: float | None = None
        self._noted_cycle = self.cycle
        self._held_bytes = HeldBytes()

    @property
    def answering(self) -> bool:
        """Whether a complete request waits for the end of its answer."""
        return self._phase == "answer" and self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Count the connection, and close another one where there are too many."""
        super().connection_made(transport)
        self.address = client_network(self.client[0] if self.client else "")
        self._open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no longer."""
        self._open_connections.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and note what part of the request is still to come."""
        if self._phase == "body":
            self._held_bytes.add(data)
            if self._held_bytes.may_end_body():
                self.parse()
        elif self.cycle is None and not self._open_connections.may_begin(self, data):
            self._held_bytes.add(data)
            if self._held_bytes.is_full:
                self.flow.pause_reading()
        else:
            self.parse(data)

    def on_response_complete(self) -> None:
        """Go on to the next request, which may have arrived already."""
        super().on_response_complete()
        self._note_progress()

    def begin(self) -> None:
        """Parse what arrived while this connection waited for its turn."""
        self.flow.resume_reading()
        self.parse()

    def parse(self, data: bytes = b"") -> None:
        """Parse the bytes that were held back, and these."""
        data = self._held_bytes.take() + data
        if data and not self.transport.is_closing():
            super().data_received(data)
            self._note_progress()

    def close_if_late(self, now: float, limits: ConnectionLimits) -> None:
        """Close the connection where its client exceeds a limit at the time `now`."""
        if not self.transport.get_write_buffer_size():
            self._unsent_since = None
        elif self._unsent_since is None:
            self._unsent_since = now
        elif now - self._unsent_since > limits.write:
            self.abort()
            return
        if self.transport.is_closing():
            return
        waited = now - self._since
        if self._phase == "body":
            self.parse()  # the end of a body without a length need not have been recognized
        if self._phase == "headers" and waited > limits.headers:
            self._refuse_late_request()
        elif self._phase == "body" and waited > limits.body:
            if self.conn.our_state is h11.SEND_RESPONSE:
                self._refuse_late_request()
            else:
                self.abort()

    def abort(self) -> None:
        """Close the connection at once; what was not sent yet is dropped."""
        self._unset_keepalive_if_required()
        self.transport.abort()

    def _refuse_late_request(self) -> None:
        self._unset_keepalive_if_required()
        if self.cycle is not None:
            self.cycle.disconnected = True  # the application must not answer after the 408
            self.cycle.message_event.set()
        self.transport.write(TIMEOUT_ANSWER)
        self.transport.close()

    def _note_progress(self) -> None:
        phase = self._current_phase()
        if phase == self._phase and self.cycle is self._noted_cycle:
            return
        self._phase = phase
        self._noted_cycle = self.cycle
        self._since = time.monotonic()
        if phase == "answer":
            self.completed_at = self._since
        elif phase == "body":
            self._held_bytes = HeldBytes(self._missing_bytes())

    def _missing_bytes(self) -> int | None:
        """How much of the body that has just begun is still to come; None where its length was not announced."""
        length = next((value for name, value in self.headers or () if name == b"content-length"), None)
        return None if length is None or self.cycle is None else int(length) - len(self.cycle.body)

    def _current_phase(self) -> Phase:
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            return "body"
        if state is h11.IDLE:
            return "headers" if self.conn.trailing_data[0] or self.cycle is None else "idle"
        return "answer"


class OpenConnections:
    """All connections of one server: at most as many as the limits and the process's descriptors allow.

    At that number, a new connection closes another one: of the address that holds most, the one that has gone longest
    without a complete request. A connection whose request is being answered is closed only where that address holds
    no other.

    Of new connections, few begin their first request in one turn of the event loop. So a burst of them is accepted
    soon, and a health check that comes last does not wait for the requests of all others.
    """

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.max_connections = min(limits.max_connections, descriptors_for_connections())
        self._connections: set[BoundedProtocol] = set()
        self._count_by_address: collections.Counter[str] = collections.Counter()
        self._waiting: dict[BoundedProtocol, None] = {}
        self._begun_in_turn = 0

    def protocol_factory(self) -> Any:
        """The callable with which uvicorn creates the protocol of a connection."""
        return partial(BoundedProtocol, self)

    def add(self, connection: BoundedProtocol) -> None:
        """Count a connection; where there are too many, close one."""
        self._connections.add(connection)
        self._count_by_address[connection.address] += 1
        if len(self._connections) > self.max_connections:
            others = (other for other in self._connections if other is not connection)
            longest_waiting = min(others, key=self._closing_order, default=connection)
            self.discard(longest_waiting)
            longest_waiting.abort()
            logger.warning("too many connections", extra={"facts": {"max_connections": self.max_connections}})

    def discard(self, connection: BoundedProtocol) -> None:
        """Count a connection no longer."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self._waiting.pop(connection, None)
        self._count_by_address[connection.address] -= 1
        if not self._count_by_address[connection.address]:
            del self._count_by_address[connection.address]

    def may_begin(self, connection: BoundedProtocol, data: bytes) -> bool:
        """Whether a new connection's bytes are parsed in this turn of the event loop; else it waits for a later one."""
        if data.startswith(self.limits.urgent):
            return True
        if self._begun_in_turn < BEGUN_IN_TURN and not self._waiting:
            self._count_begun()
            return True
        self._waiting[connection] = None
        return False

    def _count_begun(self) -> None:
        if not self._begun_in_turn:
            asyncio.get_running_loop().call_soon(self._next_turn)
        self._begun_in_turn += 1

    def _next_turn(self) -> None:
        self._begun_in_turn = 0
        for connection in tuple(itertools.islice(self._waiting, BEGUN_IN_TURN)):
            del self._waiting[connection]
            self._count_begun()
            connection.begin()

    async def enforce_times(self) -> None:
        """Close the connections that exceed a time limit, until cancelled."""
        while True:
            await anyio.sleep(self.limits.sweep)
            now = time.monotonic()
            for connection in tuple(self._connections):
                connection.close_if_late(now, self.limits)

    def _closing_order(self, connection: BoundedProtocol) -> tuple[int, bool, float]:
        return -self._count_by_address[connection.address], connection.answering, connection.completed_at


def client_network(host: str) -> str:
    """The address of a client; of IPv6, its network."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Address(int(address) >> IPV6_NETWORK_BITS << IPV6_NETWORK_BITS))


def descriptors_for_connections() -> int:
    """How many connections the process may hold under its limit of open files."""
    if sys.platform == "win32":
        return sys.maxsize  # sockets are no descriptors there
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(soft - RESERVED_DESCRIPTORS, soft // 4, 1)
