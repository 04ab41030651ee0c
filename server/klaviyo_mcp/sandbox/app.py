"""An embedded Klaviyo and Maton to try, demo and test against, as an ASGI application.

`create_sandbox()` builds a populated `Sandbox`: mount it in `httpx.ASGITransport`, or serve it on a port. The package
imports nothing of `klaviyo_tools` or of the server, so that it can catch their mistakes. Its parts, each importing
only from the lines below its own:

    app                          ASGI, Maton's gateway, the control endpoints under /_sandbox/
    behaviour | seed | faults    what single operations do; the seeded account; failures on demand and rate limits
    api | reporting | life       requests answered by the shape of their path; reports; the parts of the seeded account
    state                        records and their relationships
    contract                     operations, resource types and bodies, distilled from Klaviyo's OpenAPI documents
    filters | timestamps | errors
"""

from __future__ import annotations

import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from pydantic_core import to_json

from klaviyo_mcp.sandbox.api.connections import Connections
from klaviyo_mcp.sandbox.api.engine import Answer, Call, Handler, answer, read_query
from klaviyo_mcp.sandbox.api.query import Collections
from klaviyo_mcp.sandbox.behaviour import consent, content, events, messaging, objects, people, shop
from klaviyo_mcp.sandbox.contract.contract import Contract, load_contract
from klaviyo_mcp.sandbox.errors import KlaviyoError, MatonError, invalid, not_found
from klaviyo_mcp.sandbox.faults import Fault, Faults, RateLimits
from klaviyo_mcp.sandbox.state.relationships import Relationships
from klaviyo_mcp.sandbox.state.store import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

KEPT_REQUESTS = 10_000
_NOTED = ("accept", "content-type", "revision", "maton-connection", "user-agent", "content-length")
_JSON_API = "application/vnd.api+json"
_SPECIAL: Mapping[str, Handler] = {
    **people.HANDLERS,
    **consent.HANDLERS,
    **messaging.HANDLERS,
    **events.HANDLERS,
    **content.HANDLERS,
    **shop.HANDLERS,
    **objects.HANDLERS,
}


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `headers` are those of interest, never the key. `body` is parsed where it is JSON."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    status: int


@dataclass
class _Reply:
    status: int
    body: bytes
    content_type: str = _JSON_API
    headers: Mapping[str, str] | None = None


class Sandbox:
    """Klaviyo and Maton in one process. Call it as an ASGI application; read `store`, `requests`; tell `faults`."""

    def __init__(self, store: Store, *, key: str, faults: Faults, rate_limits: RateLimits | None, seed: int) -> None:
        self.store = store
        self.key = key
        self.faults = faults
        self.rate_limits = rate_limits
        self.requests: deque[Seen] = deque(maxlen=KEPT_REQUESTS)
        self.connections = Connections(now=store.timestamp(), seed=seed)
        self._views: dict[str, tuple[Contract, Relationships, Collections]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http":
            return None
        body = await _read_body(receive)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path = scope.get("raw_path", b"").split(b"?")[0].decode("ascii") or scope["path"]
        given = dict(parse_qsl(scope.get("query_string", b"").decode("ascii", "replace"), keep_blank_values=True))
        reply = await self._reply(scope["method"], path, given, headers, body)
        sent = [(b"content-type", reply.content_type.encode())] if reply.body else []
        if reply.status != 204:
            sent.append((b"content-length", str(len(reply.body)).encode()))
        sent += [(name.encode(), value.encode()) for name, value in (reply.headers or {}).items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        await send({"type": "http.response.body", "body": reply.body})
        return None

    async def _reply(
        self, method: str, path: str, given: Mapping[str, str], headers: Mapping[str, str], body: bytes
    ) -> _Reply:
        if path.startswith("/_sandbox/"):
            return self._door(method, path, body)
        parsed = _parsed(headers.get("content-type", ""), body)
        fault = self.faults.take(method, path)
        if fault is not None and fault.delay:
            import anyio

            await anyio.sleep(fault.delay)
        if fault is not None and fault.status:
            reply = _failed(fault)
        else:
            reply = self._handle(method, path, given, headers, body, parsed)
        noted = {name: value for name, value in headers.items() if name in _NOTED}
        self.requests.append(Seen(method, unquote(path), dict(given), noted, parsed, reply.status))
        return reply

    def _handle(
        self, method: str, path: str, given: Mapping[str, str], headers: Mapping[str, str], body: bytes, parsed: Any
    ) -> _Reply:
        try:
            self._check_key(headers.get("authorization", ""))
            if path == "/connections" or path.startswith("/connections/"):
                status, document = self.connections.answer(method, path, given, parsed, self.store.timestamp())
                return _Reply(status, to_json(document), "application/json")
            if not path.startswith("/klaviyo/"):
                raise MatonError(404, f"Unknown app: {path.split('/')[1]}.")
            self.connections.choose(headers.get("maton-connection"))
            told: dict[str, str] = {}
            status, document = self.klaviyo(method, path.removeprefix("/klaviyo"), given, headers, body, parsed, told)
            return _Reply(status, b"" if document is None else to_json(document), headers=told)
        except MatonError as refused:
            return _Reply(refused.status, to_json(refused.document()), "application/json")
        except KlaviyoError as refused:
            return _Reply(refused.status, to_json(refused.document()), headers=refused.headers)

    def _check_key(self, authorization: str) -> None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise MatonError(401, "Missing Maton API key.")
        if not hmac.compare_digest(key.strip().encode(), self.key.encode()):
            raise MatonError(401, "Invalid Maton API key.")

    def klaviyo(
        self,
        method: str,
        path: str,
        given: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes,
        parsed: Any,
        told: dict[str, str],
    ) -> Answer:
        """Answer as Klaviyo would. Fills `told` with headers of the answer; raises KlaviyoError."""
        view, relations, collections = self._view(headers.get("revision"))
        found = view.route(path)
        if found is None:
            raise KlaviyoError(404, "not_found", "Not found.", f"The path {unquote(path)} could not be found.")
        methods, id_ = found
        operation = methods.get(method)
        if operation is None:
            raise KlaviyoError(405, "method_not_allowed", "Method not allowed.", f'Method "{method}" not allowed.')
        if "{" in operation.path and not id_:
            raise not_found("resource", id_)
        if self.rate_limits is not None:
            told.update(self.rate_limits.admit(operation, given))
        if operation.body is not None:
            _check_media(headers.get("content-type", ""), operation.media_type, body, parsed)
        call = Call(
            contract=view,
            operation=operation,
            store=self.store,
            relations=relations,
            collections=collections,
            path=path,
            id=id_,
            given=given,
            query=read_query(view, operation, given),
            body=parsed,
        )
        return answer(call, _SPECIAL)

    def _view(self, revision: str | None) -> tuple[Contract, Relationships, Collections]:
        if revision is None:
            raise KlaviyoError(400, "missing_revision", "Missing revision.", "The header 'revision' is required.")
        if revision not in self._views:
            known = load_contract(revision)
            if known is None:
                raise KlaviyoError(
                    400, "invalid_revision", "Invalid revision.", f"The revision {revision[:40]!r} does not exist."
                )
            relations = Relationships(self.store, known)
            self._views[revision] = (known, relations, Collections(self.store, relations))
        return self._views[revision]

    def _door(self, method: str, path: str, body: bytes) -> _Reply:
        """What tests over a port reach in process: the log, and the faults in force."""
        if path == "/_sandbox/requests" and method == "GET":
            return _Reply(200, to_json([asdict(seen) for seen in self.requests]), "application/json")
        if path == "/_sandbox/requests" and method == "DELETE":
            self.requests.clear()
            return _Reply(204, b"")
        if path == "/_sandbox/faults" and method == "POST":
            try:
                self.faults.add(**json.loads(body))
            except (TypeError, ValueError) as error:
                return _Reply(400, to_json({"error": str(error)}), "application/json")
        elif path == "/_sandbox/faults" and method == "DELETE":
            self.faults.clear()
        elif path != "/_sandbox/faults" or method != "GET":
            return _Reply(404, b"{}", "application/json")
        return _Reply(200, to_json([asdict(fault) for fault in self.faults.active]), "application/json")


def create_sandbox(
    profiles: int = 250,
    *,
    seed: int = 2026,
    key: str = "sandbox",
    faults: Faults | None = None,
    rate_limits: bool | RateLimits = False,
    now: datetime | None = None,
) -> Sandbox:
    """A sandbox with a year of plausible life for so many profiles. `now` fixes its clock, else it is the real one."""
    from klaviyo_mcp.sandbox.seed import populate

    store = Store(seed=seed, now=now)
    populate(store, profiles=profiles, seed=seed, now=now)
    limits = RateLimits() if rate_limits is True else rate_limits or None
    return Sandbox(store, key=key, faults=faults or Faults(), rate_limits=limits, seed=seed)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _failed(fault: Fault) -> _Reply:
    text = fault.body
    if text is None:
        error = KlaviyoError(fault.status, "sandbox_fault", "Fault on demand.", f"Told to answer {fault.status}.")
        text = json.dumps(error.document()) if fault.status >= 400 else ""
    return _Reply(fault.status, text.encode(), fault.content_type, fault.headers)


_MALFORMED = "(no JSON)"
"""What the log shows of a body that is no JSON; told apart from a body of this text by identity."""


def _parsed(content_type: str, body: bytes) -> Any:
    if not body:
        return None
    if content_type.startswith("multipart/form-data"):
        return _parts(content_type, body)
    try:
        return json.loads(body)
    except ValueError:
        return _MALFORMED


def _check_media(content_type: str, wanted: str, body: bytes, parsed: Any) -> None:
    media = content_type.partition(";")[0].strip().lower()
    allowed = (wanted, "application/json") if wanted == _JSON_API else (wanted,)
    if media not in allowed:
        raise KlaviyoError(
            415, "unsupported_media_type", "Unsupported media type.", f'Unsupported media type "{media}" in request.'
        )
    if wanted == _JSON_API and (not body or parsed is _MALFORMED):
        raise KlaviyoError(400, "parse_error", "Malformed request.", "JSON parse error.", "/data")
    if wanted != _JSON_API and not parsed:
        raise invalid("The form is empty.", pointer="/")


def _parts(content_type: str, body: bytes) -> dict[str, Any]:
    """The parts of a multipart form: a file's name and content, or a field's text."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    found: dict[str, Any] = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        disposition = next(
            (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-disposition")), b""
        )
        told = dict(piece.strip().partition(b"=")[::2] for piece in disposition.split(b";")[1:])
        name = told.get(b"name", b"").strip(b'"').decode()
        filename = told.get(b"filename")
        found[name] = (filename.strip(b'"').decode(), content) if filename is not None else content.decode()
    return found
