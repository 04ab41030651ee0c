"""Sends one rendered request over the network, once: certificates, proxies, timeouts, and the bytes of the answer.

Requests are given to httpx's transports, below its client, which would take a sixth of a call to parse each URL twice
and to look for cookies and redirects that are not wanted here.

Importing httpx and building a TLS context take some 400 ms, so this module is imported, in a thread, when the first
request is made.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio.lowlevel
import httpx

from klaviyo_mcp import __version__
from klaviyo_mcp.errors import SettingError
from klaviyo_mcp.gateway.decompression import STEP_BYTES, UnreadableCodingError, body_reader
from klaviyo_mcp.gateway.pool import ConnectionPool, ProxiedPool
from klaviyo_mcp.gateway.problems import MAX_ERROR_BYTES
from klaviyo_mcp.gateway.request import RenderedRequest
from klaviyo_mcp.gateway.responses import (
    HttpAnswer,
    Outcome,
    broken_outcome,
    timeout_outcome,
    unreachable_outcome,
)
from klaviyo_mcp.gateway.retry import RequestKind
from klaviyo_mcp.gateway.state import RequestState

CONNECT_SECONDS = 10.0
"""The most seconds that an attempt to connect may take."""
IDLE_SECONDS = 15.0
"""Seconds after which an unused connection is not used again."""
_HEADERS = {
    "User-Agent": f"klaviyo-mcp/{__version__}",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}


class HttpTransport:
    """The connections to one gateway.

    Args:
        base_url: The gateway's checked base URL.
        deadline_seconds: How long a call may take; timeouts are fractions of it.
        max_answer_bytes: A success is read no further.
        max_connections: Connections open at once.
        replacement: Takes the place of the network: the sandbox, tests.

    Raises:
        SettingError: A proxy or a certificate that the environment names cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        deadline_seconds: float,
        max_answer_bytes: int,
        max_connections: int,
        replacement: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        for name in ("httpx", "httpcore"):  # they log URLs with their queries, that is customers' data
            logging.getLogger(name).setLevel(logging.WARNING)
        parts = urlsplit(base_url)
        self.host = parts.netloc
        self._deadline_seconds, self._max_answer_bytes = deadline_seconds, max_answer_bytes
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._direct_origin: httpx.URL | None = None
        """The origin as httpx knows it, where requests go there without a proxy."""
        self._proxy_variable = ""
        """The variable that names the proxy in use, empty without one."""
        self._traces = replacement is None
        self._connections = replacement or self._connect(base_url, max_connections)

    def _connect(self, base_url: str, max_connections: int) -> httpx.AsyncBaseTransport:
        """The connection pool.

        Proxies and certificates that the environment names hold for https, where a proxy passes on what it cannot read.
        Plain http goes to this machine, and its key must not pass through a proxy.
        """
        secure = base_url.startswith("https:")
        if secure and (proxies := getproxies()):
            if not proxy_bypass(urlsplit(base_url).hostname or ""):
                self._proxy_variable = "HTTPS_PROXY" if "https" in proxies else "ALL_PROXY" if "all" in proxies else ""
            try:
                return ProxiedPool(max_connections, IDLE_SECONDS)
            except (OSError, ValueError, ImportError) as error:
                raise SettingError("HTTPS_PROXY", f"or SSL_CERT_FILE cannot be used: {error}") from None
        self._direct_origin = httpx.URL(self._origin)
        try:
            security = httpx.create_ssl_context() if secure else None
        except OSError as error:
            raise SettingError("SSL_CERT_FILE", f"or SSL_CERT_DIR cannot be used: {error}") from None
        return ConnectionPool(base_url, max_connections, IDLE_SECONDS, security)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connections.aclose()

    async def send_once(self, rendered: RenderedRequest, state: RequestState) -> HttpAnswer | Outcome:
        """Send a request and read its answer; an outcome where none came. Notes in `state` whether it was sent."""
        # Custom transports emit no trace events: treat the request as sent.
        state.sent = not self._traces
        context = state.context
        try:
            response = await self._connections.handle_async_request(self._request(rendered, state))
            try:
                return await self._read(response)
            finally:
                await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            cause, certificate = _connect_failure(error, self._proxy_variable)
            return unreachable_outcome(context, self.host, cause, attempts=state.attempts, certificate=certificate)
        except httpx.TimeoutException:
            return timeout_outcome(context, state.time_given, sent=state.sent, attempts=state.attempts)
        except (httpx.HTTPError, ssl.SSLError):  # httpx lets the errors of TLS pass as they are
            return broken_outcome(context, sent=state.sent)

    def _request(self, rendered: RenderedRequest, state: RequestState) -> httpx.Request:
        """The request for httpx.

        A request that may be sent again has half the call's time for each attempt. Another write has all of it: to give
        up early would only leave it in doubt.
        """
        once = state.options.kind is RequestKind.WRITE
        seconds = self._deadline_seconds if once else self._deadline_seconds / 2
        connect = min(CONNECT_SECONDS, self._deadline_seconds / 2)
        extensions: dict[str, Any] = {
            "timeout": {"connect": connect, "read": seconds, "write": seconds, "pool": None},
            "trace": state.trace,
        }
        url: httpx.URL | str = rendered.url
        if self._direct_origin is not None:
            # The URL was checked when it was rendered: httpx need not parse it for each request.
            url, extensions["target"] = self._direct_origin, rendered.url.removeprefix(self._origin).encode()
        return httpx.Request(
            rendered.method,
            url,
            headers={**_HEADERS, **rendered.headers},
            content=rendered.content,
            data=rendered.form,
            files=rendered.files,
            extensions=extensions,
        )

    async def _read(self, response: httpx.Response) -> HttpAnswer:
        """The answer with its body, read no further than is allowed; a fault while reading does not hide the status."""
        max_bytes = self._max_answer_bytes if response.is_success else MAX_ERROR_BYTES
        chunks: list[bytes] = []
        fault, truncated = "", False
        try:
            await _read_body(response, chunks, max_bytes)
        except _TooLargeError:
            fault = f"its answer is larger than {max_bytes:,} bytes: ask for less (fewer fields, smaller max_results)"
        except UnreadableCodingError as error:
            fault = f"its answer {error}"
        except httpx.TimeoutException:
            fault, truncated = "its answer stopped halfway", True
        except (httpx.HTTPError, ssl.SSLError):
            fault, truncated = "its answer broke off halfway", True
        return HttpAnswer(response.status_code, response.headers, b"".join(chunks)[:max_bytes], fault, truncated)


class _TooLargeError(Exception):
    """The body is larger than an answer may be."""


async def _read_body(response: httpx.Response, chunks: list[bytes], max_bytes: int) -> None:
    """Add the decompressed body to `chunks`, step by step, until one goes beyond `max_bytes`.

    The stream is read directly: httpx decompresses each chunk whole, however large that becomes.
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)
    reader = body_reader(response.headers.get("content-encoding", ""))
    size = 0
    async for chunk in response.stream:
        for step in reader.feed(chunk):
            chunks.append(step)
            size += len(step)
            if size > max_bytes:
                raise _TooLargeError
            if len(step) == STEP_BYTES:
                await anyio.lowlevel.checkpoint()
    reader.finish()


def _connect_failure(error: Exception, proxy_variable: str) -> tuple[str, bool]:
    """Why no connection came about, and whether the certificate is to blame.

    The words are ours: those of the exception may hold anything.
    """
    if isinstance(error, httpx.ProxyError):
        return f"the proxy that {proxy_variable or 'the environment'} names refused to connect", False
    through = f" on the way through the proxy that {proxy_variable} names" if proxy_variable else ""
    text = str(error).lower()
    if "certificate" in text:
        return "its TLS certificate could not be verified", True
    if "name or service" in text or "nodename" in text or "resolution" in text or "getaddrinfo" in text:
        return f"its name could not be resolved{through}", False
    if "timeout" in type(error).__name__.lower():
        return f"no answer to the attempt to connect{through}", False
    return f"the connection was refused or broke off{through}", False
