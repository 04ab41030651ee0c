"""An embedded Klaviyo and Maton to try, demo and test against, as an ASGI application.

`create_sandbox()` builds a `Sandbox` with a populated account: mount it in `httpx.ASGITransport`, or serve it on a
port. Klaviyo answers behind Maton's gateway at `/klaviyo/api/…`, and to its own clients directly at `/api/…`.

The package imports nothing of `klaviyo_tools` or of the server, so that it can catch their mistakes. Its parts, each of
which imports only from the lines below its own:

    app                          Maton's gateway in front of Klaviyo, and the control endpoints under /_sandbox/
    behaviour | faults | seed    what single operations do; failures on demand and rate limits; the seeded account
    api | life | reporting       requests answered by the shape of their path; parts of the seeded account; reports
    state                        records and the relationships between them
    contract | segments          what Klaviyo's OpenAPI documents say; who belongs to a segment by its definition
    filters | http               the filter language; requests and responses
    errors | timestamps
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from anyio import sleep
from anyio.lowlevel import checkpoint
from pydantic_core import to_json

from klaviyo_mcp.sandbox.api.connections import Connections
from klaviyo_mcp.sandbox.api.handlers import answer
from klaviyo_mcp.sandbox.api.query import read_query
from klaviyo_mcp.sandbox.api.request import ApiRequest
from klaviyo_mcp.sandbox.api.revision import Revision
from klaviyo_mcp.sandbox.behaviour.handlers import HANDLERS
from klaviyo_mcp.sandbox.contract.contract import READ_REVISIONS, Operation, load_contract
from klaviyo_mcp.sandbox.errors import KlaviyoError, MatonError, not_found
from klaviyo_mcp.sandbox.faults import Fault, Faults, RateLimits
from klaviyo_mcp.sandbox.http import (
    JSON,
    HttpRequest,
    HttpResponse,
    Receive,
    Scope,
    Send,
    read_request,
    run_lifespan,
    send_response,
)
from klaviyo_mcp.sandbox.state.campaign_tree import CampaignTree
from klaviyo_mcp.sandbox.state.store import Store

KLAVIYO = "https://a.klaviyo.com"
"""Klaviyo's own URL. Links in answers begin with it behind the gateway too, and clients must not follow them."""

MAX_RECORDED_REQUESTS = 10_000
_RECORDED_HEADERS = ("accept", "content-type", "revision", "maton-connection", "user-agent", "content-length")
_MAX_SHOWN_REVISION_CHARACTERS = 40


@dataclass(frozen=True)
class RecordedRequest:
    """A request that the sandbox has answered, with the status of the answer. The headers leave the key out."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    status: int


class Sandbox:
    """Klaviyo and Maton in one process, as an ASGI application.

    `store` holds the account, `requests` the requests so far, `faults` what to fail with; `connections` are Maton's.
    """

    def __init__(self, store: Store, *, key: str, faults: Faults, rate_limits: RateLimits | None, seed: int) -> None:
        self.store = store
        self.key = key
        self.faults = faults
        self.rate_limits = rate_limits
        self.requests: deque[RecordedRequest] = deque(maxlen=MAX_RECORDED_REQUESTS)
        self.connections = Connections(now=store.timestamp(), seed=seed)
        self._revisions: dict[str, Revision] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await run_lifespan(receive, send)
        elif scope["type"] == "http":
            await send_response(await self.respond(await read_request(scope, receive)), send)

    async def respond(self, request: HttpRequest) -> HttpResponse:
        """Answer a request, and record it with the status of the answer."""
        if request.path.startswith("/_sandbox/"):
            return self._control(request)
        fault = self.faults.take(request.method, request.path)
        if fault is not None and fault.delay:
            await sleep(fault.delay)
        # In process nothing else waits, so a scan of many pages would keep the event loop from reading a cancellation.
        await checkpoint()
        response = _fault_response(fault) if fault is not None and fault.status else self._answer(request)
        headers = {name: value for name, value in request.headers.items() if name in _RECORDED_HEADERS}
        self.requests.append(
            RecordedRequest(
                request.method, unquote(request.path), request.parameters, headers, request.body, response.status
            )
        )
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            if request.path.startswith("/api/"):
                self._check_klaviyo_key(request.headers.get("authorization", ""))
                return self._answer_klaviyo(request, request.path, request.origin)
            self._check_key(request.headers.get("authorization", ""))
            if request.path == "/connections" or request.path.startswith("/connections/"):
                status, document = self.connections.answer(
                    request.method, request.path, request.parameters, request.body, self.store.timestamp()
                )
                return HttpResponse(status, to_json(document), JSON)
            if not request.path.startswith("/klaviyo/"):
                raise MatonError(404, f"Unknown app: {request.path.split('/')[1]}.")
            self.connections.select(request.headers.get("maton-connection"))
            return self._answer_klaviyo(request, request.path.removeprefix("/klaviyo"), KLAVIYO)
        except MatonError as error:
            return HttpResponse(error.status, to_json(error.document()), JSON)
        except KlaviyoError as error:
            return HttpResponse(error.status, to_json(error.document()), headers=error.headers)

    def _check_key(self, authorization: str) -> None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise MatonError(401, "Missing Maton API key.")
        if not self._is_key(key):
            raise MatonError(401, "Invalid Maton API key.")

    def _check_klaviyo_key(self, authorization: str) -> None:
        """Accept the sandbox's key as Klaviyo's private key or OAuth access token. Raises KlaviyoError (401)."""
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() not in ("klaviyo-api-key", "bearer") or not key.strip():
            detail = "Authentication credentials were not provided."
            raise KlaviyoError(401, "not_authenticated", detail, detail, "/data/")
        if not self._is_key(key):
            detail = "Incorrect authentication credentials."
            raise KlaviyoError(401, "authentication_failed", detail, detail, "/data/")

    def _is_key(self, key: str) -> bool:
        return hmac.compare_digest(key.strip().encode(), self.key.encode())

    def _answer_klaviyo(self, request: HttpRequest, path: str, origin: str) -> HttpResponse:
        """Answer as Klaviyo at `origin` would at this path. Raises KlaviyoError."""
        revision = self._revision(request.headers.get("revision"))
        route = revision.contract.route(path)
        if route is None:
            raise KlaviyoError(404, "not_found", "Not found.", f"The path {unquote(path)} could not be found.")
        operations, id_ = route
        operation = operations.get(request.method)
        if operation is None:
            detail = f'Method "{request.method}" not allowed.'
            raise KlaviyoError(405, "method_not_allowed", "Method not allowed.", detail)
        if "{" in operation.path and not id_:
            raise not_found("resource", id_)
        if revision.contract.revision in READ_REVISIONS and not _is_read(operation):
            detail = f"Reads alone are answered here at revision {revision.contract.revision}."
            raise KlaviyoError(501, "not_implemented", "Not implemented.", detail)
        parameters = _with_cursor_of_link(request.parameters, origin)
        headers = self.rate_limits.admit(operation, parameters) if self.rate_limits is not None else {}
        if operation.body is not None:
            request.check_media_type(operation.media_type)
        status, document = answer(
            ApiRequest(
                revision=revision,
                operation=operation,
                path=path,
                id=id_,
                parameters=parameters,
                query=read_query(revision.contract, operation, parameters),
                body=request.body,
                origin=origin,
            ),
            HANDLERS,
        )
        return HttpResponse(status, b"" if document is None else to_json(document), headers=headers)

    def _revision(self, name: str | None) -> Revision:
        if name is None:
            raise KlaviyoError(400, "missing_revision", "Missing revision.", "The header 'revision' is required.")
        if name not in self._revisions:
            contract = load_contract(name)
            if contract is None:
                detail = f"The revision {name[:_MAX_SHOWN_REVISION_CHARACTERS]!r} does not exist."
                raise KlaviyoError(400, "invalid_revision", "Invalid revision.", detail)
            # The newest revision tells campaigns as a tree.
            store = CampaignTree(self.store) if name in READ_REVISIONS else self.store
            self._revisions[name] = Revision(store, contract)
        return self._revisions[name]

    def _control(self, request: HttpRequest) -> HttpResponse:
        """Answer the control endpoints: over a port, they offer what `requests` and `faults` are in process."""
        match request.method, request.path:
            case "GET", "/_sandbox/requests":
                rows = [asdict(recorded) for recorded in self.requests]
                return HttpResponse(200, to_json(rows, bytes_mode="base64"), JSON)
            case "DELETE", "/_sandbox/requests":
                self.requests.clear()
                return HttpResponse(204, b"")
            case "POST", "/_sandbox/faults":
                try:
                    self.faults.add(**json.loads(request.content))
                except (TypeError, ValueError) as error:
                    return HttpResponse(400, to_json({"error": str(error)}), JSON)
            case "DELETE", "/_sandbox/faults":
                self.faults.clear()
            case "GET", "/_sandbox/faults":
                pass
            case _:
                return HttpResponse(404, b"{}", JSON)
        return HttpResponse(200, to_json([asdict(fault) for fault in self.faults.active]), JSON)


def create_sandbox(
    profiles: int = 250,
    *,
    seed: int = 2026,
    key: str = "sandbox",
    faults: Faults | None = None,
    rate_limits: bool | RateLimits = False,
    now: datetime | None = None,
) -> Sandbox:
    """A sandbox whose account has a year of plausible activity.

    Args:
        profiles: How many profiles the account has, up to 100,000.
        seed: The same seed and day make the same account.
        key: The Maton API key that requests must carry.
        faults: The faults to begin with.
        rate_limits: Whether to keep Klaviyo's rate limits, or how.
        now: The time at which the sandbox's clock stands; by default it runs with the real one.
    """
    from klaviyo_mcp.sandbox.seed import populate

    store = Store(seed=seed, now=now)
    populate(store, profiles=profiles, seed=seed, now=now)
    limits = RateLimits() if rate_limits is True else rate_limits or None
    return Sandbox(store, key=key, faults=faults or Faults(), rate_limits=limits, seed=seed)


def _is_read(operation: Operation) -> bool:
    return operation.method == "GET" or operation.name.startswith("query_") or operation.name == "render_template"


def _with_cursor_of_link(parameters: Mapping[str, str], origin: str) -> Mapping[str, str]:
    """Take the cursor out of a link of ours that a client gives back whole.

    Klaviyo's SDKs do that themselves, but only where the link begins with https.
    """
    link = parameters.get("page[cursor]", "")
    if not link.startswith(f"{origin}/"):
        return parameters
    return {**parameters, "page[cursor]": parse_qs(urlsplit(link).query).get("page[cursor]", [""])[0]}


def _fault_response(fault: Fault) -> HttpResponse:
    text = fault.body
    if text is None:
        error = KlaviyoError(
            fault.status, "sandbox_fault", "Fault on demand.", f"The sandbox was set to answer {fault.status}."
        )
        text = json.dumps(error.document()) if fault.status >= 400 else ""
    return HttpResponse(fault.status, text.encode(), fault.content_type, fault.headers)
