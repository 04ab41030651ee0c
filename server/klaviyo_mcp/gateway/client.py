"""The proxy client: one request to Klaviyo through Maton's gateway, paced, retried where safe, within a deadline.

What may be sent again is decided here and in `refusals`. A read goes again after 429, 5xx, a broken connection or a
timeout; a write only after 429 and where no connection came about: nothing that may have been applied is sent twice.

The retries are a small loop of our own rather than stamina's: whether to go on depends on the wait itself (it must fit
into what is left of the deadline, which pacing shares), the wait holds back other calls and is told to the client
before it begins, and which error ends the call depends on all three. What would be left for a library is the sleep.

httpx is imported by this module and `connections` only, in a thread, when the first request is made: importing it and
building a TLS context take some 400 ms.
"""

from __future__ import annotations

import logging
import random
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import anyio
import anyio.to_thread

from klaviyo_mcp import __version__
from klaviyo_mcp.errors import (
    DeadlineError,
    InDoubtError,
    KeyMissingError,
    KlaviyoMcpError,
    RateLimitError,
    SettingError,
    UnreachableError,
    UpstreamError,
    span,
)
from klaviyo_mcp.gateway.options import Reply, RequestOptions, SentRequest
from klaviyo_mcp.gateway.pacing import REPORTED_WAIT_SECONDS, LimitKey, Pacer
from klaviyo_mcp.gateway.request import RenderedRequest, header_value, parse_json, render_request
from klaviyo_mcp.gateway.responses import Outcome, failure_outcome, unreadable_outcome
from klaviyo_mcp.telemetry import tracing
from klaviyo_mcp.urls import gateway_url
from klaviyo_tools.operation.request import Request

if TYPE_CHECKING:
    import httpx

__all__ = ["BASE_URL", "DEADLINE_SECONDS", "REVISION", "GatewayClient", "Reply", "RequestOptions"]

BASE_URL = "https://api.maton.ai"
REVISION = "2026-01-15"
DEADLINE_SECONDS = 60.0
MAX_ANSWER_BYTES = 50_000_000
MAX_CONNECTIONS = 100
IDLE_SECONDS = 15.0
"""Seconds after which an unused connection is not used again."""

_HEADERS = {
    "User-Agent": f"klaviyo-mcp/{__version__}",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}
_PLAIN_JSON = "application/json"
_ASK_FOR_LESS = "Ask for less: fewer fields, a narrower filter, a smaller max_results."
_BODILESS = frozenset({202, 204, 205})
_ERROR_BYTES = 65_536


@dataclass(slots=True)
class _Trip:
    """One call under way."""

    asked: SentRequest
    lane: LimitKey
    began: float
    ends: float
    attempts: int = 0
    waited: float = 0.0
    pacing: bool = False
    doubt: InDoubtError | None = None
    """Of a repeatable write: an earlier attempt may have been applied, so no later failure can say that nothing was."""
    sent: bool = False
    """Bytes of the present attempt may have reached the gateway."""

    @property
    def call(self) -> RequestOptions:
        return self.asked.call

    @property
    def left(self) -> float:
        return self.ends - anyio.current_time()

    def wait(self, seconds: float) -> None:
        """Count a wait."""
        self.waited += seconds
        tracing.add_wait(seconds)

    async def watch(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace: the request is under way once its headers are written (a proxy's CONNECT is not it)."""
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True


@dataclass(frozen=True, slots=True)
class _Body:
    """What was received of an answer's body; `fault` tells why not all of it."""

    content: bytes
    fault: str = ""
    again: bool = False
    then: str = ""


class GatewayClient:
    """Maton's gateway, with pooled connections for the process; safe to use from many tasks at once.

    Requests are given to httpx's transports, below its client, which would take a sixth of a call to parse each
    address twice and to look for cookies and redirects that are not wanted here.

    `deadline` is in seconds and bounds a call with all its waiting; `largest` is the most bytes of an answer that are
    read; `backoff` the first of the doubling waits, in seconds, where upstream names none; `tries` how often a read is
    sent. `transport` replaces the network (the sandbox, tests). Raises `SettingError` for an unusable address or key.
    """

    def __init__(
        self,
        *,
        key: str | None,
        base_url: str = BASE_URL,
        revision: str = REVISION,
        connection: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pacer: Pacer | None = None,
        deadline: float = DEADLINE_SECONDS,
        largest: int = MAX_ANSWER_BYTES,
        connections: int = MAX_CONNECTIONS,
        backoff: float = 0.5,
        tries: int = 4,
    ) -> None:
        self.base_url = gateway_url(base_url)
        parts = urlsplit(self.base_url)
        self._host = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self.revision = header_value("KLAVIYO_REVISION", revision) or REVISION
        self.connection = header_value("MATON_CONNECTION", connection)
        self.deadline = deadline
        self.pacer = pacer or Pacer()
        self._key = header_value("MATON_API_KEY", key)
        self._transport = transport
        self._largest, self._connections, self._backoff, self._tries = largest, connections, backoff, tries
        self._built: httpx.AsyncBaseTransport | None = None
        self._place: httpx.URL | None = None
        """The origin as httpx knows it, where requests go there directly."""
        self._building = anyio.Lock()

    def __repr__(self) -> str:
        return f"Maton({self.base_url!r}, key={'set' if self._key else 'missing'})"

    async def warm(self) -> None:
        """Import httpx and prepare the connections, in a thread; the first call does it otherwise."""
        await self._ready()

    async def aclose(self) -> None:
        """Close the pooled connections; a later call builds new ones."""
        transport, self._built = self._built, None
        if transport is not None:
            await transport.aclose()

    async def send(self, request: Request, call: RequestOptions) -> Reply:
        """Send a request and return its success; anything else is one of `errors`."""
        if self._key is None:
            raise KeyMissingError
        connection = header_value("MATON_CONNECTION", call.connection) or self.connection
        wire = render_request(request, base=self.base_url, key=self._key, revision=self.revision, connection=connection)
        now = anyio.current_time()
        ends = min(now + self.deadline, call.deadline if call.deadline is not None else float("inf"))
        trip = _Trip(
            SentRequest(call, request.service, connection is not None, (self._key,)),
            LimitKey(connection or "", call.operation, call.rate),
            now,
            ends,
        )
        try:
            with anyio.CancelScope(deadline=ends):
                return await self._persist(wire, trip)
        except KlaviyoMcpError as failure:
            raise (trip.doubt or failure) from None
        raise trip.doubt or self._late(trip)

    async def _persist(self, wire: RenderedRequest, trip: _Trip) -> Reply:
        transport = await self._ready()
        while True:
            trip.pacing, trip.sent = True, False
            trip.wait(await self.pacer.acquire(trip.lane, left=trip.left, on_wait=trip.call.on_wait))
            trip.pacing = False
            trip.attempts += 1
            with tracing.trace_attempt(trip.call.operation, wire.method, self._host, trip.attempts - 1) as attempt:
                outcome = await self._attempt(transport, wire, trip, attempt)
                if isinstance(outcome, Reply):
                    return outcome
                attempt.refused(outcome.error)
            await self._wait(outcome, trip)

    async def _wait(self, verdict: Outcome, trip: _Trip) -> None:
        """Wait until the request may go again, or raise the verdict's error where it may not or not in time."""
        seconds = verdict.wait
        if seconds is None:
            seconds = self._backoff * 2 ** (trip.attempts - 1) * (2 if verdict.limited else random.uniform(0.75, 1.25))
        if verdict.limited:
            self.pacer.back_off(trip.lane, seconds)
        if isinstance(verdict.error, InDoubtError):
            trip.doubt = verdict.error
        tries = 2 * self._tries if verdict.limited else self._tries
        if not verdict.again or trip.attempts >= tries or seconds >= trip.left:
            raise verdict.error
        if trip.call.on_wait is not None and seconds > REPORTED_WAIT_SECONDS:
            await trip.call.on_wait(seconds, "Klaviyo's rate limit" if verdict.limited else "a retry")
        trip.sent = False
        await anyio.sleep(seconds)
        trip.wait(seconds)

    async def _attempt(
        self, transport: httpx.AsyncBaseTransport, wire: RenderedRequest, trip: _Trip, attempt: tracing.AttemptSpan
    ) -> Reply | Outcome:
        """Send once and read the answer."""
        import httpx

        operation = trip.call.operation
        # A transport that is not the network does not trace: what is given to it counts as sent.
        trip.sent = self._transport is not None
        try:
            response = await transport.handle_async_request(self._request(wire, trip))
            try:
                body = await self._read(response)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as failure:
            cause = _connect_failure(failure)
            host = urlsplit(self.base_url).netloc
            again = "certificate" not in cause
            return Outcome(UnreachableError(operation, host, cause, attempts=trip.attempts), again=again)
        except httpx.TimeoutException:
            return self._broken(trip, f"no answer came within {span(anyio.current_time() - trip.began)}", timeout=True)
        except (httpx.HTTPError, ssl.SSLError):  # the latter comes as it is from below httpx
            return self._broken(trip, "the connection broke before the answer came")
        attempt.answered(response.status_code, len(body.content))
        self._listen(trip, response)
        return self._judge(trip, response, body)

    def _broken(self, trip: _Trip, cause: str, *, timeout: bool = False) -> Outcome:
        operation = trip.call.operation
        if not trip.call.safe and trip.sent:
            return Outcome(self._doubt(trip, cause), again=trip.call.repeatable)
        if timeout:
            seconds = anyio.current_time() - trip.began
            return Outcome(DeadlineError(operation, seconds, sent=trip.sent, attempts=trip.attempts), again=True)
        return Outcome(UpstreamError(operation, f"{cause}; nothing was changed."), again=True)

    async def _read(self, response: httpx.Response) -> _Body:
        """The body, read no further than is allowed; a fault while reading does not hide the status."""
        import httpx

        success = response.is_success
        most = self._largest if success else _ERROR_BYTES
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > most:
                    too_large = (
                        f"its answer is larger than {most:,} bytes: ask for less (fewer fields, smaller max_results)"
                    )
                    return _Body(b"".join(chunks)[:most], too_large)
        except httpx.DecodingError:
            return _Body(b"".join(chunks), "its answer could not be decompressed")
        except httpx.TimeoutException:
            return _Body(b"".join(chunks), "its answer stopped halfway", again=True)
        except (httpx.HTTPError, ssl.SSLError):
            return _Body(b"".join(chunks), "its answer broke off halfway", again=True)
        return _Body(b"".join(chunks))

    def _judge(self, trip: _Trip, response: httpx.Response, body: _Body) -> Reply | Outcome:
        status, asked = response.status_code, trip.asked
        if not response.is_success:
            return failure_outcome(asked, status, response.headers, body.content)
        if body.fault:
            return unreadable_outcome(asked, status, body.fault, again=body.again, then=body.then)
        size, date = len(body.content), response.headers.get("date", "")
        if not body.content.strip():
            if trip.call.expects_body and status not in _BODILESS:
                return unreadable_outcome(asked, status, "its answer is empty")
            return Reply(status, None, size, trip.attempts, trip.waited, date)
        media = response.headers.get("content-type", _PLAIN_JSON).partition(";")[0].strip().lower()
        if media != _PLAIN_JSON and not media.endswith("+json"):
            kind = "a web page" if "html" in media else "not JSON"
            return unreadable_outcome(asked, status, f"its answer is {kind}")
        try:
            document = parse_json(body.content)
        except (ValueError, RecursionError):
            return unreadable_outcome(asked, status, "its answer is not valid JSON")
        if not isinstance(document, dict):
            return unreadable_outcome(asked, status, "its answer is not a JSON object")
        return Reply(status, document, size, trip.attempts, trip.waited, date)

    def _listen(self, trip: _Trip, response: httpx.Response) -> None:
        """Let the pacer know what Klaviyo counts; its headers speak of the steady window."""
        remaining, reset = response.headers.get("ratelimit-remaining"), response.headers.get("ratelimit-reset")
        if remaining is not None and reset is not None and remaining.isdecimal() and reset.isdecimal():
            self.pacer.observe(trip.lane, int(remaining[:9]), float(reset[:9]))

    def _late(self, trip: _Trip) -> KlaviyoMcpError:
        """The error for a call that the deadline ended."""
        seconds = max(0.0, trip.ends - trip.began)
        if trip.sent and not trip.call.safe:
            return self._doubt(trip, f"no answer came within {span(seconds)}")
        if trip.pacing:
            return RateLimitError(trip.call.operation, None)
        return DeadlineError(trip.call.operation, seconds, sent=trip.sent, attempts=trip.attempts)

    def _doubt(self, trip: _Trip, cause: str) -> InDoubtError:
        call = trip.call
        return InDoubtError(call.operation, cause, verify_with=call.verify_with or "", repeatable=call.repeatable)

    def _request(self, wire: RenderedRequest, trip: _Trip) -> httpx.Request:
        """The request for httpx. What can be sent again is, halfway through the deadline; other writes are waited for:
        giving up early only brings doubt."""
        import httpx

        patience = self.deadline / 2 if trip.call.safe or trip.call.repeatable else self.deadline
        extensions: dict[str, Any] = {
            "timeout": {"connect": min(10.0, self.deadline / 2), "read": patience, "write": patience, "pool": None},
            "trace": trip.watch,
        }
        url: httpx.URL | str = wire.url
        if self._place is not None:
            # An address that was checked and put together here need not be taken apart again for each request.
            url, extensions["target"] = self._place, wire.url.removeprefix(self._origin).encode()
        return httpx.Request(
            wire.method,
            url,
            headers={**_HEADERS, **wire.headers},
            content=wire.content,
            data=wire.form,
            files=wire.files,
            extensions=extensions,
        )

    async def _ready(self) -> httpx.AsyncBaseTransport:
        if self._built is None:
            async with self._building:
                if self._built is None:
                    self._built = await anyio.to_thread.run_sync(self._build)
        return self._built

    def _build(self) -> httpx.AsyncBaseTransport:
        """The transport.

        Proxies and certificates named by the environment hold for https, where a proxy only passes on what it cannot
        read; plain http goes to this machine and its key must not pass through anyone.
        """
        import httpx

        from klaviyo_mcp.gateway.pool import ConnectionPool, ProxiedPool

        for name in ("httpx", "httpcore"):  # they log addresses with their queries, that is customers' data
            logging.getLogger(name).setLevel(logging.WARNING)
        self.pacer.prepare()
        if self._transport is not None:
            return self._transport
        secure = self.base_url.startswith("https:")
        if secure and getproxies():
            try:
                return ProxiedPool(self._connections, IDLE_SECONDS)
            except (OSError, ValueError, ImportError) as error:
                raise SettingError("HTTPS_PROXY", f"or SSL_CERT_FILE cannot be used: {error}") from None
        self._place = httpx.URL(self._origin)
        try:
            security = httpx.create_ssl_context() if secure else None
        except OSError as error:
            raise SettingError("SSL_CERT_FILE", f"or SSL_CERT_DIR cannot be used: {error}") from None
        return ConnectionPool(self.base_url, self._connections, IDLE_SECONDS, security)


def _connect_failure(failure: Exception) -> str:
    """Why no connection came about, in words of ours: the exception's own text may hold anything."""
    text = str(failure).lower()
    if "certificate" in text:
        return "its TLS certificate could not be verified"
    if "name or service" in text or "nodename" in text or "resolution" in text or "getaddrinfo" in text:
        return "its name could not be resolved"
    if "timeout" in type(failure).__name__.lower():
        return "no answer to the attempt to connect"
    return "the connection was refused or broke off"
