"""Every operation called once, by the official client over the embedded Klaviyo; every request held to the document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
import pytest
from mcp.client.client import Client
from mcp_types import TextContent

from klaviyo_mcp.calls import jobs
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.composition import SANDBOX_KEY
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server
from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.state.store import Record as Kept
from klaviyo_mcp.settings import Settings
from klaviyo_tools.arguments.places import Linkage, Relationship, Target, place_of
from klaviyo_tools.arguments.types import models_in
from klaviyo_tools.drift.check import Document
from klaviyo_tools.drift.examples import full_example, required_example
from klaviyo_tools.operation.facts import Answer
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import registry

LATE = ("bulk_delete_", "remove_", "request_profile_deletion", "merge_profiles")
"""What takes away comes last, so that there is something to read, and to take away."""
LATER = ("get_bulk_delete_",)


def rank(operation: Operation) -> int:
    if operation.name.startswith(LATER):
        return 6
    if operation.name.startswith(LATE) or operation.method == "DELETE":
        return 5 if operation.method != "DELETE" else 4
    return ("POST", "GET", "PATCH").index(operation.method)


class Recorder(httpx.ASGITransport):
    """Keeps what goes out to Klaviyo."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.sent: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        return await super().handle_async_request(request)


def types_of_paths() -> dict[str, str]:
    """The path of a record -> its type."""
    return {
        re.sub(r"\{\w+\}", "{}", operation.path): operation.resource
        for operation in registry().values()
        if operation.answer is Answer.RECORD and operation.method == "GET" and operation.path.endswith("}")
    }


PATHS = types_of_paths()


NAMED = {
    "metric_id": "metric",
    "conversion_metric_id": "metric",
    "schema_id": "object-schema",
    "object_record_ids": "object-record",
}
"""Arguments that name a record without saying of which type."""


class Ids:
    """Ids that the sandbox knows, by type."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._store = sandbox.store

    def one(self, type_: str) -> str:
        """The newest of a type; of campaigns a draft, which may still be changed, and no empty list."""
        records = list(self._store.all(type_))
        if type_ == "campaign":
            records = [record for record in records if record.attributes["status"] == "Draft"]
        if type_ in ("list", "segment"):
            records = [record for record in records if self._store.members(type_, record.id)]
        return records[-1].id if records else "01HEXAMPLE"

    def first_draft(self) -> str:
        """A campaign of the seeded life that can be sent."""
        return next(r.id for r in self._store.all("campaign") if r.attributes["status"] == "Draft")

    def one_with(self, type_: str, link: str) -> str:
        """One that the relationship leads somewhere from."""
        return next((r.id for r in self._store.all(type_) if r.links.get(link)), self.one(type_))

    def some(self, type_: str) -> list[str]:
        return [record.id for record in self._store.all(type_)]

    def in_path(self, operation: Operation) -> dict[str, str]:
        chosen: dict[str, str] = {}
        for name in operation.path_ids:
            before = operation.path.partition(f"{{{name}}}")[0] + "{}"
            type_ = PATHS.get(re.sub(r"\{\w+\}", "{}", before), "")
            chosen[name] = self.one_with(type_, operation.path.rpartition("/")[2])
        return chosen

    def fill(self, model: Any, arguments: dict[str, Any]) -> None:
        """Put ids that exist where an example has some, in objects inside it as well."""
        for name, field in model.model_fields.items():
            key = field.alias or name
            if key not in arguments or arguments[key] == "profile":
                continue
            place, value = place_of(field), arguments[key]
            if isinstance(place, Relationship | Linkage) and not any(models_in(field.annotation)):
                known = self.one(place.type)
                arguments[key] = [known] if isinstance(value, list) else known
            elif key in NAMED or (isinstance(place, Target) and key.endswith("_id")):
                arguments[key] = self.one(NAMED.get(key) or key.removesuffix("_id").replace("_", "-"))
            elif key in ("included", "excluded"):
                arguments[key] = [self.one("list" if key == "included" else "segment")]
            for inner in models_in(field.annotation):
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, dict):
                        self.fill(inner, item)
                break


def arrange(sandbox: Sandbox) -> None:
    """What no operation makes: a conversation, a picture in a message, a mapped metric of one's own, a record."""
    store = sandbox.store
    newest = {type_: list(store.all(type_))[-1] for type_ in ("campaign-message", "image", "profile", "mapped-metric")}
    store.link(newest["campaign-message"], "image", newest["image"].id)
    # Sent in time, it could no longer be called back.
    draft = next(record for record in store.all("campaign") if record.attributes["status"] == "Draft")
    draft.attributes["send_strategy"] = {"method": "static", "datetime": "2099-01-01T00:00:00+00:00"}
    metric = store.add(Kept("custom-metric", "01CUSTOM", {"name": "Big orders"}, {"metrics": []}))
    store.link(newest["mapped-metric"], "custom-metric", metric.id)
    chat = store.add(Kept("conversation", "01CHAT", {"channel": "sms"}, {"profile": newest["profile"].id}))
    store.link(newest["profile"], "conversation", chat.id)
    store.link(newest["profile"], "conversations", [chat.id])
    store.add(Kept("object-record", "01TYPE:::1", {"record_properties": {"name": "Rex"}}))


PUBLISHED = {"properties": [{"id": 1, "name": "name", "type": "string"}], "status": "active"}


def mended(name: str, arguments: dict[str, Any], ids: Ids, directory: Path) -> dict[str, Any]:
    """What an example cannot know."""
    match name:
        case "merge_profiles":
            return {**arguments, "profile_ids": [ids.some("profile")[0]]}
        case "send_campaign":
            return {"campaign_id": ids.first_draft()}
        case "query_metric_aggregates":
            return {
                key: value for key, value in arguments.items() if key not in ("cursor", "page_cursor", "return_fields")
            }
        case "create_object_type":
            return {**arguments, "object_schema": PUBLISHED}
        case "upload_image_from_file":
            (directory / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
            return {"file": str(directory / "a.png")}
    return arguments


def arguments_of(operation: Operation, ids: Ids, revision: str) -> dict[str, Any]:
    reads = operation.method == "GET" or operation.body_type is None
    example = required_example(operation, revision) if reads else next(full_example(operation, revision))
    arguments: dict[str, Any] = json.loads(json.dumps(example))
    ids.fill(operation.arguments, arguments)
    return {**arguments, **ids.in_path(operation)}


def path_of(request: httpx.Request) -> str:
    return unquote(request.url.path).removeprefix("/klaviyo")


def faults_of(document: Document, operation_name: str, request: httpx.Request) -> Iterator[str]:
    described = document.operations[operation_name][2]
    known = {p["name"]: document.resolve(p["schema"]) for p in described.get("parameters", ()) if p["in"] == "query"}
    for name, value in parse_qsl(request.url.query.decode()):
        enum = known.get(name, {}).get("enum") or document.resolve(known.get(name, {}).get("items", {})).get("enum")
        if name not in known:
            yield f"sent {name}"
        elif enum and (unknown := set(value.split(",")) - set(enum)):
            yield f"sent {name}={unknown}"
    schema = document.body_schema(operation_name)
    if schema is not None and schema[0] != "multipart/form-data":
        yield from document.faults(schema[1], json.loads(request.content))


@pytest.mark.anyio
async def test_every_operation_is_sent_as_klaviyo_takes_it_and_answered(
    document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jobs, "FIRST_WAIT_SECONDS", 0.0)
    revision = document.revision
    sandbox = create_sandbox(profiles=30, key=SANDBOX_KEY)
    arrange(sandbox)
    recorder, ids = Recorder(sandbox), Ids(sandbox)
    maton = GatewayClient(
        key=SANDBOX_KEY,
        base_url="http://127.0.0.1",
        revision=revision,
        transport=recorder,
        pacer=Pacer(enabled=False),
    )
    settings = Settings(sandbox=True, toolsets=("all",), confirm="never", revision=revision, upload_dir=tmp_path)
    calls = CallService(settings, lambda: maton)
    wrong: dict[str, str] = {}
    called = set()
    operations = [one for one in registry().at(revision) if one.service is Service.KLAVIYO]
    async with Client(server.create_server(calls)) as client:
        for operation in sorted(operations, key=rank):
            asked: list[tuple[str, dict[str, Any]]] = [(operation.name, {})]
            if operation.reading.ids_operation:
                asked.append((operation.reading.ids_operation, {"ids_only": True}))
            for name, more in asked:
                recorder.sent.clear()
                arguments = mended(name, {**arguments_of(operation, ids, revision), **more}, ids, tmp_path)
                answer = await client.call_tool(operation.name, arguments)
                text = "".join(part.text for part in answer.content if isinstance(part, TextContent))
                path = re.sub(r"\{\w+\}", "[^/]+", document.operations[name][1])
                mine = [r for r in recorder.sent if re.fullmatch(path, path_of(r)) and r.method == operation.method]
                if answer.is_error or not text.strip():
                    wrong[name] = f"{json.dumps(arguments)[:300]} -> {text[:300]}"
                elif not mine:
                    wrong[name] = f"not sent: {[str(r.url) for r in recorder.sent]}"
                elif found := list(faults_of(document, name, mine[-1])):
                    wrong[name] = "; ".join(found)[:400]
                called.add(name)
    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong.items())
    assert called == {name for name, (_, path, _) in document.operations.items() if not path.startswith("/client/")}
