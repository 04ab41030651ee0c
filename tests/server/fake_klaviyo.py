"""A minimal Klaviyo for tests of reports: it answers by path, records its requests, and its clock can be set."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from tests.server.sandbox_server import UnattendedContext

from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.settings import Settings

METRICS = {
    "PLACE1": ("Placed Order", "Shopify"),
    "OPENE2": ("Opened Email", "Klaviyo"),
    "VIEWE3": ("Viewed Product", "API"),
    "VIEWE4": ("Viewed Product", "Shopify"),
}
HEADERS = {"content-type": "application/vnd.api+json"}


class FakeKlaviyo:
    """`report` holds the attributes of the next report, `next_cursor` its cursor, `names` the names of ids by path."""

    def __init__(self, names: Mapping[str, Mapping[str, str]] | None = None, zone: str = "Europe/Oslo") -> None:
        self.report: dict[str, Any] = {"results": []}
        self.next_cursor: str | None = None
        self.names = dict(names or {})
        self.zone = zone
        self.broken: set[str] = set()
        self._new_requests: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.queries: list[dict[str, str]] = []
        self.now = 1_000.0
        settings = Settings(toolsets=("all",), connection="conn-1")
        maton = GatewayClient(
            key="key-for-tests-only",
            connection="conn-1",
            transport=httpx.MockTransport(self.respond),
            pacer=Pacer(enabled=False),
            max_attempts=1,
        )
        self.calls = CallService(settings, lambda: maton)
        self.calls.reports.cache.clock = self.calls.accounts.directory.clock = lambda: self.now

    async def call(self, tool: str, **arguments: Any) -> str:
        """The text of an answer or of an error."""
        return (await self.calls.call(tool, arguments, UnattendedContext())).text

    def new_requests(self) -> list[str]:
        """Method and path of each request since the previous call of this method."""
        requests, self._new_requests = [f"{method} {path}" for method, path in self._new_requests], []
        return requests

    def respond(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/klaviyo/api/")
        self._new_requests.append((request.method, path))
        self.queries.append(dict(request.url.params))
        if path in self.broken:
            return httpx.Response(403, json={"errors": [{"detail": "no"}]}, headers=HEADERS)
        if request.method == "POST":
            self.bodies.append(json.loads(request.content)["data"]["attributes"])
            data: Any = {"type": path.removesuffix("s"), "id": "R", "attributes": self.report}
            links = (
                {"next": f"https://a.klaviyo.com/api/{path}?page_cursor={self.next_cursor}"} if self.next_cursor else {}
            )
            return httpx.Response(200, json={"data": data, "links": links}, headers=HEADERS)
        return httpx.Response(200, json={"data": self._records(path, dict(request.url.params))}, headers=HEADERS)

    def _records(self, path: str, query: Mapping[str, str]) -> Any:
        if path == "accounts":
            return [{"type": "account", "id": "A", "attributes": {"timezone": self.zone, "preferred_currency": "NOK"}}]
        if path == "metrics":
            return [_metric(id_, *facts) for id_, facts in METRICS.items()]
        kind, _, id_ = path.partition("/")
        names = self.names.get(kind, {})
        if id_:
            return _named_record(kind, id_, names.get(id_, ""))
        ids: Sequence[str] = list(names)
        if found := re.search(r"any\(id,(\[.*?\])\)", query.get("filter", "")):
            ids = [id_ for id_ in json.loads(found[1]) if id_ in names]
        if kind == "campaigns":
            channel = re.search(r'channel,"(\w+)"', query["filter"])
            ids = [id_ for id_ in ids if channel and self.channels.get(id_, "email") == channel[1]]
        return [_named_record(kind, id_, names[id_]) for id_ in ids]

    channels: Mapping[str, str] = {}


def _metric(id_: str, name: str, integration: str) -> dict[str, Any]:
    return {"type": "metric", "id": id_, "attributes": {"name": name, "integration": {"name": integration}}}


def _named_record(kind: str, id_: str, name: str) -> dict[str, Any]:
    return {"type": kind.removesuffix("s"), "id": id_, "attributes": {"name": name, "variation_name": name}}
