"""The client of the gateway: one request, within a deadline, retried where safe, paced, and sent.

Each of these is one stage of `GatewayClient.send`, which the next one is nested in. Whether a request is sent again is
decided in `retry`, what an answer means in `responses`; the network is known to `transport` alone.
"""

from __future__ import annotations

import random
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from klaviyo_mcp.errors import InDoubtError, KeyMissingError, KlaviyoMcpError, RateLimitError
from klaviyo_mcp.gateway.options import Reply, RequestContext, RequestOptions
from klaviyo_mcp.gateway.pacing import REPORTED_WAIT_SECONDS, Credential, LimitKey, Pacer
from klaviyo_mcp.gateway.request import MATON, GatewayScheme, RenderedRequest, header_value, render_request
from klaviyo_mcp.gateway.responses import HttpAnswer, Outcome, interpret, timeout_outcome
from klaviyo_mcp.gateway.retry import RetryPolicy, decide
from klaviyo_mcp.gateway.state import RequestState
from klaviyo_mcp.telemetry import tracing
from klaviyo_mcp.threads import run_sized
from klaviyo_mcp.urls import MATON_URL, gateway_url
from klaviyo_tools.operation.facts import OLDEST_REVISION
from klaviyo_tools.operation.request import Request

if TYPE_CHECKING:
    import httpx

    from klaviyo_mcp.gateway.transport import HttpTransport

DEADLINE_SECONDS = 50.0
MAX_ANSWER_BYTES = 50_000_000
MAX_CONNECTIONS = 100


class GatewayClient:
    """A gateway to Klaviyo, with pooled connections for the process; safe to use from many tasks at once.

    Args:
        key: The API key; without one every request raises KeyMissingError.
        base_url: Where the gateway is.
        revision: Klaviyo's API revision.
        connection: Id of the connection to use where a request names none.
        transport: Takes the place of the network: the sandbox, tests.
        pacer: Keeps Klaviyo's rate limits; share it among clients of one account.
        deadline_seconds: How long a request may take, with all its waiting.
        max_answer_bytes: A success is read no further.
        max_connections: Connections open at once.
        max_attempts: How often a read is sent.
        backoff_seconds: The first of the doubling waits, where the gateway names none.
        scheme: How the gateway takes the key and the connection.

    Raises:
        SettingError: The base URL, the key, the revision or the connection cannot be used.
    """

    def __init__(
        self,
        *,
        key: str | None,
        base_url: str = MATON_URL,
        revision: str = OLDEST_REVISION,
        connection: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pacer: Pacer | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        max_connections: int = MAX_CONNECTIONS,
        max_attempts: int = 4,
        backoff_seconds: float = 0.5,
        scheme: GatewayScheme = MATON,
    ) -> None:
        self.base_url = gateway_url(base_url)
        self.revision = header_value("KLAVIYO_REVISION", revision) or OLDEST_REVISION
        self.connection = header_value("MATON_CONNECTION", connection)
        self.pacer = pacer or Pacer()
        self._key = header_value("MATON_API_KEY", key)
        self._host = urlsplit(self.base_url).hostname or ""
        self._deadline_seconds = deadline_seconds
        self._policy = RetryPolicy(max_attempts, backoff_seconds)
        self._scheme = scheme
        self._credential = _credential(self._key, scheme)
        self._max_answer_bytes, self._max_connections = max_answer_bytes, max_connections
        self._replacement = transport
        self._transport: HttpTransport | None = None
        self._building = anyio.Lock()

    def __repr__(self) -> str:
        return f"GatewayClient({self.base_url!r}, key={'set' if self._key else 'missing'})"

    async def warm(self) -> None:
        """Import httpx and prepare the connections, in a thread; the first request does it otherwise."""
        await self._built_transport()

    async def aclose(self) -> None:
        """Close the pooled connections; a later request opens new ones."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def send(self, request: Request, options: RequestOptions) -> Reply:
        """Send a request and return its success. Raises KlaviyoMcpError: its class says why there is none."""
        if self._key is None:
            raise KeyMissingError
        connection = header_value("MATON_CONNECTION", options.connection) or self.connection
        rendered = render_request(
            request,
            base=self.base_url,
            key=self._key,
            revision=self.revision,
            connection=connection,
            scheme=self._scheme,
        )
        now = anyio.current_time()
        deadline = now + self._deadline_seconds
        state = RequestState(
            RequestContext(
                options,
                request.service,
                names_connection=connection is not None,
                connection_is_set=connection == self.connection,
                secrets=(self._key,),
                revision=self.revision,
            ),
            # A client serves one account: requests that name its connection share the limits of those that do not.
            LimitKey(self.connection or "", options.operation, options.rate, self._credential),
            started_at=now,
            deadline=deadline if options.deadline is None else min(deadline, options.deadline),
            has_rest_only=options.deadline is not None and options.deadline < deadline - 1,
        )
        return await self._send_within_deadline(rendered, state)

    async def _send_within_deadline(self, rendered: RenderedRequest, state: RequestState) -> Reply:
        """End the request at its deadline. After an attempt in doubt, any end without success is in doubt."""
        try:
            with anyio.CancelScope(deadline=state.deadline):
                return await self._send_with_retries(rendered, state)
        except KlaviyoMcpError as error:
            raise (state.doubt or error) from None
        raise state.doubt or _deadline_error(state)

    async def _send_with_retries(self, rendered: RenderedRequest, state: RequestState) -> Reply:
        """Send until there is a reply, or a failure after which the request may not be sent again."""
        transport = await self._built_transport()
        while True:
            await self._wait_for_limit(state)
            outcome = await self._send_traced(transport, rendered, state)
            if isinstance(outcome, Reply):
                return outcome
            await self._wait_for_retry(outcome, state)

    async def _wait_for_limit(self, state: RequestState) -> None:
        """Wait until Klaviyo's rate limit has room. Raises RateLimitError where that takes too long."""
        state.waits_for_limit, state.sent = True, False
        state.add_wait(
            await self.pacer.acquire(state.limit_key, seconds_left=state.seconds_left, on_wait=state.options.on_wait)
        )
        state.waits_for_limit = False

    async def _send_traced(
        self, transport: HttpTransport, rendered: RenderedRequest, state: RequestState
    ) -> Reply | Outcome:
        """Send once, inside a span, and interpret the answer."""
        state.attempts += 1
        operation, resent = state.options.operation, state.attempts - 1
        with tracing.trace_attempt(operation, rendered.method, self._host, resent) as span:
            result: HttpAnswer | Reply | Outcome = await transport.send_once(rendered, state)
            if isinstance(result, HttpAnswer):
                span.record_answer(result.status, len(result.content))
                self._observe_limit(state, result)
                size, attempts, waited = len(result.content), state.attempts, state.waited_seconds
                result = await run_sized(size, partial(interpret, result, state.context, attempts, waited))
            if isinstance(result, Outcome):
                span.record_failure(result.error)
            return result

    def _observe_limit(self, state: RequestState, answer: HttpAnswer) -> None:
        """Pass Klaviyo's own count on to the pacer; its headers speak of the steady window."""
        if answer.status != 429:
            self.pacer.end_trial(state.limit_key)
        headers = answer.headers
        remaining, reset = headers.get("ratelimit-remaining"), headers.get("ratelimit-reset")
        if remaining is not None and reset is not None and remaining.isdecimal() and reset.isdecimal():
            self.pacer.observe(state.limit_key, int(remaining[:9]), float(reset[:9]))

    async def _wait_for_retry(self, outcome: Outcome, state: RequestState) -> None:
        """Wait until the request may be sent again. Raises the outcome's error where it may not, or not in time."""
        decision = decide(
            outcome.failure,
            state.options.kind,
            attempts=state.attempts,
            seconds_left=state.seconds_left,
            retry_after=outcome.retry_after,
            policy=self._policy,
            jitter=random.uniform(0.75, 1.25),
        )
        seconds = decision.wait_seconds
        by = outcome.error.by if isinstance(outcome.error, RateLimitError) else None
        if by is not None:
            self.pacer.back_off(state.limit_key, seconds, by_gateway=by == "Maton")
        if isinstance(outcome.error, InDoubtError):
            state.doubt = outcome.error
        if not decision.retry:
            raise outcome.error
        if state.options.on_wait is not None and seconds > REPORTED_WAIT_SECONDS:
            await state.options.on_wait(seconds, f"{by}'s rate limit" if by else "a retry")
        state.sent = False
        await anyio.sleep(seconds)
        state.add_wait(seconds)

    async def _built_transport(self) -> HttpTransport:
        if self._transport is None:
            async with self._building:
                if self._transport is None:
                    self._transport = await anyio.to_thread.run_sync(self._build_transport)
        return self._transport

    def _build_transport(self) -> HttpTransport:
        from klaviyo_mcp.gateway.transport import HttpTransport

        self.pacer.prepare()
        return HttpTransport(
            self.base_url,
            deadline_seconds=self._deadline_seconds,
            max_answer_bytes=self._max_answer_bytes,
            max_connections=self._max_connections,
            replacement=self._replacement,
        )


def _credential(key: str | None, scheme: GatewayScheme) -> Credential | None:
    """The unit of the gateway's rate limit: all requests with this key. None where the gateway has no such limit."""
    if key is None or scheme.requests_per_second is None:
        return None
    return Credential(sha256(key.encode()).hexdigest()[:16], scheme.requests_per_second)


def _deadline_error(state: RequestState) -> KlaviyoMcpError:
    """The error of a request that its deadline ended."""
    if state.waits_for_limit:
        return RateLimitError(state.options.operation, None)
    seconds = max(0.0, state.deadline - state.started_at)
    return timeout_outcome(
        state.context, None if state.has_rest_only else seconds, sent=state.sent, attempts=state.attempts
    ).error
