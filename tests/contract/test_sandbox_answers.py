"""The sandbox answers every operation as Klaviyo's documents describe it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.contract.answers import AnswerSchemas
from tests.contract.openapi import openapi_documents
from tests.contract.requests import collection_type, request_of, required_filter

from klaviyo_mcp.sandbox.api.records import fill_defaults
from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.contract.contract import CONTRACT_REVISIONS, Contract, Operation, load_contract
from klaviyo_mcp.sandbox.faults import Faults
from klaviyo_mcp.sandbox.state.store import Record, Store

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def schemas() -> Mapping[str, list[AnswerSchemas]]:
    """The answers' schemas by revision, of every document there is."""
    return {one: [AnswerSchemas(content) for content in openapi_documents(one).values()] for one in CONTRACT_REVISIONS}


def contract_of(revision: str) -> Contract:
    contract = load_contract(revision)
    assert contract is not None
    return contract


CASES = [
    (revision, name, everything)
    for revision in CONTRACT_REVISIONS
    for name, operation in contract_of(revision).operations.items()
    for everything in ((False, True) if operation.body is not None or operation.query else (False,))
]
"""Each operation with what it requires, and again with everything where there is more to ask."""


@pytest.mark.parametrize(("revision", "name", "everything"), CASES)
async def test_every_answer_is_valid(
    revision: str, name: str, everything: bool, schemas: Mapping[str, list[AnswerSchemas]]
) -> None:
    contract = contract_of(revision)
    operation = contract.operations[name]
    sandbox = Sandbox(store_for(contract, operation), key="sandbox", faults=Faults(), rate_limits=None, seed=1)
    status, answer = await send(sandbox, request_of(contract, operation, everything))
    assert status in operation.status, json.dumps(answer)
    for one in schemas[revision]:
        one.check(name, status, answer)


async def send(sandbox: Sandbox, request: dict[str, Any]) -> tuple[int, Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox), base_url="http://sandbox") as client:
        response = await client.request(**request)
    return response.status_code, response.json() if response.content else None


IDS = {"mapped-metric": "revenue", "campaign-send-job": "campaign-1", "tracking-setting": "tracking-setting-1"}
ATTRIBUTES: Mapping[str, Mapping[str, Any]] = {
    "event": {"timestamp": 1780272000, "datetime": "2026-06-01T00:00:00+00:00", "event_properties": {}},
    **{type_: {"name": f"A {type_}"} for type_ in ("flow", "list", "metric", "segment")},
}
MEMBERSHIPS = (("list", "profiles"), ("segment", "profiles"), ("profile", "lists"), ("profile", "segments"))


def store_for(contract: Contract, operation: Operation) -> Store:
    """A store with a record of every type, each related to all that its type may be related to."""
    store = Store(now=NOW)
    for type_, resource_type in contract.resource_types.items():
        links: dict[str, Any] = {}
        for name in resource_type.relationships:
            if (type_, name) not in MEMBERSHIPS:
                target = f"{resource_type.target(name)}-1"
                links[name] = [target] if resource_type.is_to_many(name) else target
        if type_ == "form-version":
            links["form"] = "form-1"
        record = Record(type_, IDS.get(type_, f"{type_}-1"), dict(ATTRIBUTES.get(type_, {})), links)
        fill_defaults(contract, store, record)
        store.add(record)
    profile, campaign = store.get("profile", "profile-1"), store.get("campaign", "campaign-1")
    assert profile is not None
    assert campaign is not None
    profile.attributes.pop("joined_group_at")
    profile.attributes["email"] = "one@example.com"
    store.touch(profile)
    for group in ("list", "segment"):
        store.join(group, f"{group}-1", "profile-1")
    campaign.attributes |= {"status": "Draft", "audiences": {"included": ["list-1"], "excluded": []}}
    if operation.name == "merge_profiles":
        store.add(Record("profile", "profile-2", {"email": "two@example.com", "location": {}, "properties": {}}))
    return store


@pytest.fixture(scope="module")
def seeded() -> Sandbox:
    return create_sandbox(40, now=datetime(2026, 6, 1, tzinfo=UTC))


READS = [one.name for one in contract_of("2026-01-15").operations.values() if one.method == "GET"]


@pytest.mark.parametrize("name", READS)
async def test_every_read_of_the_seeded_account_is_valid(
    name: str, seeded: Sandbox, schemas: Mapping[str, list[AnswerSchemas]]
) -> None:
    contract = contract_of("2026-01-15")
    operation = contract.operations[name]
    type_ = collection_type(contract, operation)
    record = next(seeded.store.all(type_), None)
    params = {"include": ",".join(operation.query["include"])} if operation.query.get("include") else {}
    if "filter" in operation.required:
        params["filter"] = required_filter(operation, next(seeded.store.all("coupon")).id)
    request = {
        "method": "GET",
        "url": "/klaviyo" + re.sub(r"\{\w+\}", quote(record.id, safe="") if record else "none", operation.path),
        "params": params,
        "headers": {"authorization": "Bearer sandbox", "revision": "2026-01-15"},
    }
    status, answer = await send(seeded, request)
    if "{" in operation.path and record is None:
        assert status == 404, json.dumps(answer)
    elif status != 404 or operation.answers_many:
        assert status == 200, json.dumps(answer)
        for one in schemas["2026-01-15"]:
            one.check(name, 200, answer)
