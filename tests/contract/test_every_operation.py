"""Every operation, called once by the official client over the sandbox: Klaviyo's documents allow each request."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client.client import Client
from mcp_types import TextContent
from tests.contract.openapi import openapi_documents
from tests.contract.request_checks import is_of_operation, request_faults

from klaviyo_mcp.calls import jobs
from klaviyo_mcp.calls.service import CallService
from klaviyo_mcp.cli.composition import SANDBOX_KEY
from klaviyo_mcp.gateway.client import GatewayClient
from klaviyo_mcp.gateway.pacing import Pacer
from klaviyo_mcp.protocol import server
from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.contract.contract import CONTRACT_REVISIONS
from klaviyo_mcp.sandbox.state.store import Record, Store
from klaviyo_mcp.settings import Settings
from klaviyo_tools.arguments.places import Linkage, Relationship, Target, place_of
from klaviyo_tools.arguments.types import models_in
from klaviyo_tools.drift.examples import full_examples, required_example
from klaviyo_tools.drift.openapi import Document
from klaviyo_tools.operation.facts import AnswerKind
from klaviyo_tools.operation.operation import Operation
from klaviyo_tools.operation.request import Service
from klaviyo_tools.registry import registry

EXAMPLES_WERE_MADE = datetime(2026, 2, 1, tzinfo=UTC)
"""Before the sends in them, and after the consents."""
REMOVING = ("bulk_delete_", "remove_", "request_profile_deletion", "merge_profiles")
"""What removes records is called late, so that the reads before it find some."""
JOBS_OF_REMOVING = ("get_bulk_delete_",)


def rank(operation: Operation) -> int:
    if operation.name.startswith(JOBS_OF_REMOVING):
        return 6
    if operation.name.startswith(REMOVING) or operation.method == "DELETE":
        return 5 if operation.method != "DELETE" else 4
    return ("POST", "GET", "PATCH").index(operation.method)


class RecordingTransport(httpx.ASGITransport):
    """Hands requests to the sandbox and records them."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await super().handle_async_request(request)


TYPES_BY_PATH = {
    re.sub(r"\{\w+\}", "{}", operation.path): operation.resource
    for operation in registry().values()
    if operation.answer is AnswerKind.RECORD and operation.method == "GET" and operation.path.endswith("}")
}
"""The path of a record -> its type."""
TYPES_BY_ARGUMENT = {
    "metric_id": "metric",
    "conversion_metric_id": "metric",
    "schema_id": "object-schema",
    "object_record_ids": "object-record",
}
"""Arguments whose names do not say of which type their ids are."""


class StoredIds:
    """Ids of records in the sandbox's store, to call operations with."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def newest(self, type_: str) -> str:
        """The newest record of a type; of campaigns a draft, which can be changed, and no empty list or segment."""
        records = list(self.store.all(type_))
        if type_ == "campaign":
            records = [record for record in records if record.attributes["status"] == "Draft"]
        if type_ in ("list", "segment"):
            records = [record for record in records if self.store.members(type_, record.id)]
        return records[-1].id if records else "01HEXAMPLE"

    def first_draft(self) -> str:
        """A campaign of the seeded account that can be sent."""
        return next(record.id for record in self.store.all("campaign") if record.attributes["status"] == "Draft")

    def linked(self, type_: str, relationship: str) -> str:
        """A record that the relationship leads on from, or the newest."""
        records = self.store.all(type_)
        return next((record.id for record in records if record.links.get(relationship)), self.newest(type_))

    def path_arguments(self, operation: Operation) -> dict[str, str]:
        arguments: dict[str, str] = {}
        for name in operation.path_ids:
            before = operation.path.partition(f"{{{name}}}")[0] + "{}"
            type_ = TYPES_BY_PATH.get(re.sub(r"\{\w+\}", "{}", before), "")
            arguments[name] = self.linked(type_, operation.path.rpartition("/")[2])
        return arguments

    def fill(self, model: Any, arguments: dict[str, Any]) -> None:
        """Replace the ids of an example by stored ones, in nested objects as well."""
        for name, field in model.model_fields.items():
            key = field.alias or name
            if key not in arguments or arguments[key] == "profile":
                continue
            place, value = place_of(field), arguments[key]
            if isinstance(place, Relationship | Linkage) and not any(models_in(field.annotation)):
                stored = self.newest(place.type)
                arguments[key] = [stored] if isinstance(value, list) else stored
            elif key in TYPES_BY_ARGUMENT or (isinstance(place, Target) and key.endswith("_id")):
                type_ = TYPES_BY_ARGUMENT.get(key) or key.removesuffix("_id").replace("_", "-")
                arguments[key] = self.newest(type_)
            elif key in ("included", "excluded"):
                arguments[key] = [self.newest("list" if key == "included" else "segment")]
            for inner in models_in(field.annotation):
                for item in value if isinstance(value, list) else [value]:
                    if isinstance(item, dict):
                        self.fill(inner, item)
                break


def add_missing_records(store: Store) -> None:
    """Add what no operation creates: a conversation, an image in a message, a custom metric, an object record."""
    newest = {type_: list(store.all(type_))[-1] for type_ in ("campaign-message", "image", "profile", "mapped-metric")}
    store.link(newest["campaign-message"], "image", newest["image"].id)
    # A campaign that is sent at once could not be cancelled any more.
    draft = next(record for record in store.all("campaign") if record.attributes["status"] == "Draft")
    draft.attributes["send_strategy"] = {"method": "static", "datetime": "2099-01-01T00:00:00+00:00"}
    metric = store.add(Record("custom-metric", "01CUSTOM", {"name": "Big orders"}, {"metrics": []}))
    store.link(newest["mapped-metric"], "custom-metric", metric.id)
    chat = store.add(Record("conversation", "01CHAT", {"channel": "sms"}, {"profile": newest["profile"].id}))
    store.link(newest["profile"], "conversation", chat.id)
    store.link(newest["profile"], "conversations", [chat.id])
    store.add(Record("object-record", "01TYPE:::1", {"record_properties": {"name": "Rex"}}))


CURSORS_AND_FIELDS = ("cursor", "page_cursor", "return_fields")
ACTIVE_SCHEMA = {"properties": [{"id": 1, "name": "name", "type": "string"}], "status": "active"}


def arguments_for(operation: Operation, ids: StoredIds, revision: str, directory: Path) -> dict[str, Any]:
    """Arguments that the sandbox accepts: an example with stored ids, and what no example can contain."""
    reads = operation.method == "GET" or operation.body_type is None
    example = required_example(operation, revision) if reads else next(full_examples(operation, revision))
    arguments: dict[str, Any] = json.loads(json.dumps(example))
    ids.fill(operation.arguments, arguments)
    arguments |= ids.path_arguments(operation)
    match operation.name:
        case "merge_profiles":
            return {**arguments, "profile_ids": [next(ids.store.all("profile")).id]}
        case "send_campaign":
            return {"campaign_id": ids.first_draft()}
        case "query_metric_aggregates":
            return {
                name: one for name, one in arguments.items() if name not in ("cursor", "page_cursor", "return_fields")
            }
        case "create_segment" | "update_segment":
            condition = arguments["definition"]["condition_groups"][0]["conditions"][0]
            condition["group_ids"] = [ids.newest("list")]
        case "create_object_type":
            return {**arguments, "object_schema": ACTIVE_SCHEMA}
        case "upload_image_from_file":
            (directory / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
            return {"file": str(directory / "a.png")}
    return arguments


class Caller:
    """Calls operations at one revision, and judges what was sent by the revision's documents."""

    def __init__(self, revision: str, directory: Path) -> None:
        self.revision = revision
        self.directory = directory
        self.documents: Mapping[str, Document] = {
            source: Document(content) for source, content in openapi_documents(revision).items()
        }
        self.sandbox = create_sandbox(profiles=30, key=SANDBOX_KEY)
        add_missing_records(self.sandbox.store)
        self.ids = StoredIds(self.sandbox.store)
        self.transport = RecordingTransport(self.sandbox)

    def service(self) -> CallService:
        client = GatewayClient(
            key=SANDBOX_KEY,
            base_url="http://127.0.0.1",
            revision=self.revision,
            transport=self.transport,
            pacer=Pacer(enabled=False),
        )
        settings = Settings(
            sandbox=True, toolsets=("all",), confirm="never", revision=self.revision, upload_dir=self.directory
        )
        return CallService(settings, lambda: client, clock=EXAMPLES_WERE_MADE.timestamp)

    async def faults(self, client: Client, operation: Operation, name: str) -> str:
        """Call an operation, or under its other name the read of its ids; return its faults, or an empty text."""
        self.transport.requests.clear()
        arguments = arguments_for(operation, self.ids, self.revision, self.directory)
        if name != operation.name:
            arguments["ids_only"] = True
        answer = await client.call_tool(operation.name, arguments)
        text = "".join(part.text for part in answer.content if isinstance(part, TextContent))
        if answer.is_error or not text.strip():
            return f"{json.dumps(arguments)[:300]} -> {text[:300]}"
        shipped = self.documents["shipped"]
        sent = [request for request in self.transport.requests if is_of_operation(shipped, name, request)]
        if not sent:
            return f"not sent: {[str(request.url) for request in self.transport.requests]}"
        faults = (
            f"{source}: {fault}"
            for source, document in self.documents.items()
            for fault in request_faults(document, name, sent[-1])
        )
        return "; ".join(faults)[:400]


@pytest.mark.anyio
@pytest.mark.parametrize("revision", CONTRACT_REVISIONS)
async def test_klaviyo_allows_the_request_of_every_operation_and_its_answer_is_read(
    revision: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(jobs, "FIRST_WAIT_SECONDS", 0.0)
    caller = Caller(revision, tmp_path)
    faults: dict[str, str] = {}
    operations = [one for one in registry().at_revision(revision) if one.service is Service.KLAVIYO]
    async with Client(server.create_server(caller.service())) as client:
        for operation in sorted(operations, key=rank):
            for name in filter(None, (operation.name, operation.reading.ids_operation)):
                faults[name] = await caller.faults(client, operation, name)
    assert not any(faults.values()), "\n".join(f"{name}: {fault}" for name, fault in faults.items() if fault)
    for document in caller.documents.values():
        described = {name for name, (_, path, _) in document.operations.items() if not path.startswith("/client/")}
        assert set(faults) == described
