"""Answers that a client missed when its stream broke: with `Last-Event-ID` it gets the answer of its call."""

from __future__ import annotations

import collections
import weakref
from urllib.parse import quote, unquote

import anyio
from mcp.server.streamable_http import GET_STREAM_KEY, EventCallback, EventMessage, EventStore
from mcp_types import JSONRPCError, JSONRPCMessage, JSONRPCNotification, JSONRPCResponse

MAX_KEPT_MESSAGES = 500
"""Messages kept for all sessions together; answers have 24 kB at most, lists of tools 130 kB."""
MAX_KEPT_PER_SESSION = 32
FOLLOW_SECONDS = 120.0
"""How long a stream that was resumed waits for an answer; its client may come back again."""
RETRY_MILLISECONDS = 1_000
"""After which a client whose stream broke comes back."""


class KeptMessages:
    """How many messages all sessions keep together: the oldest goes first, whosesoever it is."""

    def __init__(self, max_messages: int = MAX_KEPT_MESSAGES) -> None:
        self._max_messages = max_messages
        self._oldest_first: collections.deque[tuple[weakref.ref[SessionEvents], str]] = collections.deque()

    def add(self, events: SessionEvents, event_id: str) -> None:
        """Count a message that a session keeps."""
        self._oldest_first.append((weakref.ref(events), event_id))
        if len(self._oldest_first) > self._max_messages:
            owner, oldest = self._oldest_first.popleft()
            if (session := owner()) is not None:
                session.forget(oldest)


class SessionEvents(EventStore):
    """Names the events of one session, and keeps its newest answers and questions.

    Each session has events of its own: the library hands over no session, and request ids are the same in all of them.
    Notifications are kept only where a client that came back reads their stream: old progress tells nothing.
    """

    def __init__(
        self,
        kept_messages: KeptMessages,
        max_messages: int = MAX_KEPT_PER_SESSION,
        follow_seconds: float = FOLLOW_SECONDS,
    ) -> None:
        self._kept_messages = kept_messages
        self._max_messages = max_messages
        self._follow_seconds = follow_seconds
        self._last_number = 0
        self._messages: dict[str, JSONRPCMessage] = {}
        self._followers: collections.Counter[str] = collections.Counter()
        self._next_event = anyio.Event()

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """The id of a new event: its number and its stream."""
        self._last_number += 1
        stream = quote(stream_id, safe="")
        event_id = f"{self._last_number}-{stream}"
        if message is not None and (stream in self._followers or not isinstance(message, JSONRPCNotification)):
            self._messages[event_id] = message
            self._kept_messages.add(self, event_id)
            if len(self._messages) > self._max_messages:
                self.forget(next(iter(self._messages)))
            self._next_event.set()
            self._next_event = anyio.Event()
        return event_id

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what the stream of an event carried after it, up to the answer, for which it waits.

        The library would go on with the stream by itself, but not end it with the answer. An id that this session has
        not given out stands for the stream of messages that belong to no request, whose id is returned.
        """
        number, _, stream = last_event_id.partition("-")
        if not (number.isascii() and number.isdecimal() and stream) or unquote(stream) == GET_STREAM_KEY:
            return GET_STREAM_KEY
        self._followers[stream] += 1
        try:
            with anyio.move_on_after(self._follow_seconds):
                await self._follow(stream, int(number), send_callback)
        finally:
            self._followers[stream] -= 1
            if not self._followers[stream]:
                del self._followers[stream]
        return None

    async def _follow(self, stream: str, last_number: int, send_callback: EventCallback) -> None:
        while True:
            next_event = self._next_event
            for event_id, message in tuple(self._messages.items()):
                number, _, event_stream = event_id.partition("-")
                if event_stream == stream and int(number) > last_number:
                    last_number = int(number)
                    await send_callback(EventMessage(message, event_id))
                    if isinstance(message, JSONRPCResponse | JSONRPCError):
                        return
            await next_event.wait()

    def forget(self, event_id: str) -> None:
        """Keep a message no longer."""
        self._messages.pop(event_id, None)
