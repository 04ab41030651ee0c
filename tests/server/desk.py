"""A hand-made Klaviyo for tests of reports: it answers by path, notes what it was asked, and its clock can be set."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

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


class Silent:
    """A client that neither asks nor listens."""

    can_ask = False
    can_open = False
    note = ""

    async def report(self, done: float, total: float | None, message: str) -> None:
        return

    async def ask(self, question: str, note: str = "") -> bool:
        return False

    async def open(self, message: str, url: str, note: str = "") -> bool:
        return False


class Desk:
    """`report` is the attributes of the next report, `following` its next cursor; `named` the names of ids by path."""

    def __init__(self, named: Mapping[str, Mapping[str, str]] | None = None, zone: str = "Europe/Oslo") -> None:
        self.report: dict[str, Any] = {"results": []}
        self.following: str | None = None
        self.named = dict(named or {})
        self.zone = zone
        self.broken: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[dict[str, Any]] = []
        self.queries: list[dict[str, str]] = []
        self.now = 1_000.0
        settings = Settings(toolsets=("all",), connection="conn-1")
        maton = GatewayClient(
            key="key-for-tests-only",
            connection="conn-1",
            transport=httpx.MockTransport(self.respond),
            pacer=Pacer(enabled=False),
            tries=1,
        )
        self.calls = CallService(settings, lambda: maton)
        self.calls.reports.clock = self.calls.reports.names.clock = lambda: self.now

    async def ask(self, tool: str, **arguments: Any) -> str:
        """The text of an answer, be it a refusal."""
        result = await self.calls.call(tool, arguments, Silent())
        return str(result.content[0].text)  # type: ignore[union-attr]

    def paths(self) -> list[str]:
        """What was asked for since the last time, method and path."""
        asked, self.asked = [f"{method} {path}" for method, path in self.asked], []
        return asked

    def respond(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/klaviyo/api/")
        self.asked.append((request.method, path))
        self.queries.append(dict(request.url.params))
        if path in self.broken:
            return httpx.Response(403, json={"errors": [{"detail": "no"}]}, headers=HEADERS)
        if request.method == "POST":
            self.bodies.append(json.loads(request.content)["data"]["attributes"])
            data: Any = {"type": path.removesuffix("s"), "id": "R", "attributes": self.report}
            links = {"next": f"https://a.klaviyo.com/api/{path}?page_cursor={self.following}"} if self.following else {}
            return httpx.Response(200, json={"data": data, "links": links}, headers=HEADERS)
        return httpx.Response(200, json={"data": self._records(path, dict(request.url.params))}, headers=HEADERS)

    def _records(self, path: str, query: Mapping[str, str]) -> Any:
        if path == "accounts":
            return [{"type": "account", "id": "A", "attributes": {"timezone": self.zone, "preferred_currency": "NOK"}}]
        if path == "metrics":
            return [_metric(id_, *facts) for id_, facts in METRICS.items()]
        kind, _, id_ = path.partition("/")
        names = self.named.get(kind, {})
        if id_:
            return _thing(kind, id_, names.get(id_, ""))
        ids: Sequence[str] = list(names)
        if found := re.search(r"any\(id,(\[.*?\])\)", query.get("filter", "")):
            ids = [id_ for id_ in json.loads(found[1]) if id_ in names]
        if kind == "campaigns":
            channel = re.search(r'channel,"(\w+)"', query["filter"])
            ids = [id_ for id_ in ids if channel and self.channels.get(id_, "email") == channel[1]]
        return [_thing(kind, id_, names[id_]) for id_ in ids]

    channels: Mapping[str, str] = {}


def _metric(id_: str, name: str, integration: str) -> dict[str, Any]:
    return {"type": "metric", "id": id_, "attributes": {"name": name, "integration": {"name": integration}}}


def _thing(kind: str, id_: str, name: str) -> dict[str, Any]:
    return {"type": kind.removesuffix("s"), "id": id_, "attributes": {"name": name, "variation_name": name}}
