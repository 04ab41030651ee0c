"""A sandbox on a port, and what a walk over a client's reads needs to know of it."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn

from klaviyo_mcp.sandbox.api.records import fill_defaults
from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.contract.contract import READ_REVISIONS, Contract, Operation, load_contract
from klaviyo_mcp.sandbox.state.campaign_tree import CampaignTree
from klaviyo_mcp.sandbox.state.store import Record, Store
from klaviyo_mcp.transports.asgi_server import bind

JSON = Any
PROFILES = 60
_MAX_TRIED_RECORDS = 400
_LAST_MONTH = {"timeframe": {"key": "last_30_days"}}


@dataclass
class ServedSandbox:
    """A sandbox, and its address."""

    sandbox: Sandbox
    url: str

    @property
    def store(self) -> Store:
        return self.sandbox.store


@contextmanager
def served_sandbox() -> Iterator[ServedSandbox]:
    """A sandbox of a small account on a port of loopback, served by another thread."""
    sandbox = create_sandbox(PROFILES)
    socket = bind("127.0.0.1", 0)
    config = uvicorn.Config(sandbox, log_config=None, access_log=False, lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[socket])), daemon=True)
    thread.start()
    try:
        yield ServedSandbox(sandbox, f"http://127.0.0.1:{socket.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()


def walk_facts(served: ServedSandbox, revision: str) -> JSON:
    """What `walk_python_sdk.py` and `walk_node_sdk.cjs` read: address, ids by path, and parameters by path."""
    contract = load_contract(revision)
    assert contract is not None
    store = CampaignTree(served.store) if revision in READ_REVISIONS else served.store
    add_missing_records(contract, served.store, store)
    reads = [operation for operation in contract.operations.values() if operation.method == "GET"]
    headers = {"authorization": "Klaviyo-API-Key sandbox", "revision": revision}
    with httpx.Client(base_url=served.url, headers=headers) as client:
        ids = {one.path: _answered_id(client, contract, store, one) for one in reads if "{" in one.path}
    return {
        "url": served.url,
        "ids": {path: id_ for path, id_ in ids.items() if id_},
        "coupon": next(served.store.all("coupon")).id,
        "queries": {operation.path: _query(contract, operation) for operation in reads},
        "bodies": _bodies(served.store),
    }


def _bodies(store: Store) -> Mapping[str, JSON]:
    """The bodies of reads by POST, by path."""
    metric_id = next(one.id for one in store.all("metric") if one.attributes["name"] == "Placed Order")
    conversions = {"conversion_metric_id": metric_id}
    messages = {**conversions, "statistics": ["opens", "open_rate", "conversion_value"], **_LAST_MONTH}
    forms = {"statistics": ["submits", "viewed_form"], **_LAST_MONTH}
    segments = {"statistics": ["total_members", "members_added"], **_LAST_MONTH}
    daily = {"interval": "daily"}
    times = ["greater-or-equal(datetime,2026-01-01T00:00:00)", "less-than(datetime,2026-06-01T00:00:00)"]
    attributes: Mapping[str, JSON] = {
        "campaign-values-report": {**messages, "filter": "equals(send_channel,'email')"},
        "flow-values-report": {**messages, "filter": "contains-any(send_channel,['email','sms'])"},
        "flow-series-report": {**messages, **daily},
        "form-values-report": forms,
        "form-series-report": {**forms, **daily},
        "segment-values-report": segments,
        "segment-series-report": {**segments, **daily},
        "metric-aggregate": {"metric_id": metric_id, "measurements": ["count", "sum_value"], "filter": times},
    }
    bodies = {f"/api/{type_}s": {"data": {"type": type_, "attributes": one}} for type_, one in attributes.items()}
    template = {"type": "template", "id": next(store.all("template")).id, "attributes": {"context": {}}}
    return {**bodies, "/api/template-render": {"data": template}}


def _query(contract: Contract, operation: Operation) -> Mapping[str, Any]:
    lists = {
        name: contract.fields[values] if name.startswith("fields[") else values
        for name, values in operation.query.items()
        if name == "include" or name.startswith(("fields[", "additional-fields["))
    }
    size = operation.query.get("page[size]")
    sort = operation.query.get("sort") or []
    return {"lists": lists, "sort": sort, "required": operation.required, "page_size": size and min(2, size[1])}


def _answered_id(client: httpx.Client, contract: Contract, store: Store, operation: Operation) -> str | None:
    """The id of a record with which a read answers: a read of a relationship needs one that has it."""
    collection = operation.path.partition("/{")[0]
    type_ = next((name for name, one in contract.resource_types.items() if one.path == collection), "")
    for _, record in zip(range(_MAX_TRIED_RECORDS), list(store.all(type_)), strict=False):
        path = re.sub(r"\{\w+\}", quote(record.id, safe=""), operation.path)
        if client.get(path).status_code == 200:
            return record.id
    return None


def add_missing_records(contract: Contract, store: Store, shown: Store) -> None:
    """Add a record of each type that the account lacks, and links to them: jobs, conversations, object types.

    `shown` is the store as the contract's revision shows it.
    """
    missing = [type_ for type_ in contract.resource_types if not shown.count(type_)]
    for type_ in missing:
        record = Record(type_, store.new_id(type_), {})
        fill_defaults(contract, store, record)
        store.add(record)
    for type_, resource_type in contract.resource_types.items():
        record = next(shown.all(type_))
        for name in resource_type.relationships:
            target = next(shown.all(resource_type.target(name)), None)
            if target is not None and (type_ in missing or target.type in (*missing, "custom-metric")):
                store.link(record, name, [target.id] if resource_type.is_to_many(name) else target.id)
