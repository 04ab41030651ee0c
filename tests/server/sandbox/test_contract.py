"""The sandbox is Klaviyo as its document describes it: its contract comes from it, its answers validate against it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest

import klaviyo_mcp.sandbox
from klaviyo_mcp.sandbox.app import Sandbox, create_sandbox
from klaviyo_mcp.sandbox.contract.contract import CONTRACT_REVISIONS, Contract, Operation, load_contract
from klaviyo_mcp.sandbox.contract.distil import distil
from klaviyo_mcp.sandbox.faults import Faults
from klaviyo_mcp.sandbox.state.store import Store

PACKAGE = Path(klaviyo_mcp.sandbox.__file__).parent


@pytest.mark.parametrize("revision", CONTRACT_REVISIONS)
def test_shipped_contract_is_what_the_document_distils_to(revision: str, klaviyo: Path) -> None:
    document = json.loads((klaviyo / f"openapi-{revision}.json").read_text("utf-8"))
    operations = json.loads((klaviyo / "operations.json").read_text("utf-8"))
    shipped = (PACKAGE / "contract" / f"contract-{revision}.json").read_text("utf-8")
    assert distil(document, operations) == shipped
    assert len(shipped.encode()) < 300_000


def test_filters_of_the_contract_are_those_of_the_operations_table(klaviyo: Path) -> None:
    known = load_contract("2026-01-15")
    assert known is not None
    rows = json.loads((klaviyo / "operations.json").read_text("utf-8"))
    told = {row["operation"]: row["filter"]["fields"] for row in rows if "filter" in row}
    for operation in known.operations.values():
        held = {field: sorted(names) for field, names in operation.query.get("filter", {}).items()}
        assert held == {field: sorted(names) for field, names in told.get(operation.name, {}).items()}, operation.name


def test_revisions_between_know_the_operations_of_their_time() -> None:
    older, between, newer = (load_contract(revision) for revision in ("2026-01-15", "2026-04-15", "2026-07-15"))
    assert older is not None
    assert between is not None
    assert newer is not None
    assert "delete_flow_action" not in older.operations
    assert "delete_flow_action" in between.operations
    assert "get_object_types" not in between.operations
    assert len(newer.operations) == 333
    assert load_contract("2020-01-01") is None


def _as_json_schema(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON Schema, with oneOf read as anyOf: Klaviyo's branches overlap."""
    if isinstance(schema, list):
        return [_as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {("anyOf" if key == "oneOf" else key): _as_json_schema(part) for key, part in schema.items()}
    if result.pop("nullable", False) is True:
        return {"anyOf": [result, {"type": "null"}]}
    return result


class Document:
    """Klaviyo's document of a revision, as a judge of answers."""

    def __init__(self, path: Path) -> None:
        self.raw = json.loads(path.read_text("utf-8"))
        self.components = _as_json_schema(self.raw["components"])
        self.responses = {
            operation["operationId"]: operation["responses"]
            for methods in self.raw["paths"].values()
            for operation in methods.values()
            if isinstance(operation, dict)
        }

    def check(self, operation: str, status: int, document: Any) -> None:
        response = self.responses[operation].get(str(status)) or self.responses[operation][f"{status // 100}XX"]
        if "$ref" in response:
            response = self.raw["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        if "content" not in response:
            assert document is None, f"{operation} answers {status} without a body"
            return
        schema = next(iter(response["content"].values()))["schema"]
        judge = {**_as_json_schema(schema), "components": self.components}
        errors = list(jsonschema.Draft202012Validator(judge).iter_errors(document))
        assert not errors, f"{operation} {status}: {jsonschema.exceptions.best_match(iter(errors))}"
        if status < 300:
            for resource in (*_listed(document["data"]), *document.get("included", ())):
                self._check_attributes(operation, schema, resource)

    def _check_attributes(self, operation: str, schema: Any, resource: Mapping[str, Any]) -> None:
        """Only attributes that the document knows of for this operation."""
        known = {name for type_, names in self._attributes(schema) if type_ == resource["type"] for name in names}
        strange = set(resource.get("attributes", ())) - known
        assert not strange, f"{operation}: {resource['type']} has no {strange}"

    def _attributes(self, schema: Any) -> Iterator[tuple[str, set[str]]]:
        top = self._resolve(schema)["properties"]
        for part in (top["data"], top.get("included", {"items": {}})["items"]):
            part = self._resolve(part)
            part = self._resolve(part.get("items", part))
            for branch in part.get("oneOf", [part]):
                pieces = [self._resolve(piece) for piece in self._resolve(branch).get("allOf", [self._resolve(branch)])]
                types = [
                    self._resolve(piece["properties"]["type"])
                    for piece in pieces
                    if "type" in piece.get("properties", {})
                ]
                for piece in pieces:
                    attributes = self._resolve(piece.get("properties", {}).get("attributes", {}))
                    if types:
                        yield types[0]["enum"][0], set(attributes.get("properties", {}))

    def _resolve(self, schema: Any) -> Any:
        while "$ref" in schema:
            target = self.raw
            for part in schema["$ref"][2:].split("/"):
                target = target[part]
            schema = target
        return schema


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


@pytest.fixture(scope="module")
def documents(klaviyo: Path) -> dict[str, Document]:
    return {revision: Document(klaviyo / f"openapi-{revision}.json") for revision in CONTRACT_REVISIONS}


SEGMENT = {
    "condition_groups": [
        {"conditions": [{"type": "profile-group-membership", "is_member": True, "group_ids": ["list-1"]}]}
    ]
}
DEFINITIONS: Mapping[str, Any] = {
    "create_flow": {"triggers": [{"type": "list", "id": "list-1"}], "actions": [], "entry_action_id": None},
    "update_flow_action": {"type": "time-delay", "data": {"unit": "days", "value": 3}},
    "create_segment": SEGMENT,
    "update_segment": SEGMENT,
    "create_form": {"versions": [{"steps": [], "type": "popup", "name": "First"}]},
}
"""The definitions that the contract leaves open, or checks to their outer shape only."""

IDS = {"profile-merge": "profile-2", "mapped-metric": "revenue", "campaign-send-job": "campaign-1"}


_ALWAYS = ("data", "email", "metric", "profile", "profiles", "relationships")
"""What Klaviyo's document calls optional although a request without it says nothing."""

LEFT_OUT = ("_kx", "meta", "custom-metric", "page_cursor")

_RANGE = ["greater-or-equal(datetime,2026-01-01)", "less-than(datetime,2026-05-01)"]


class Bodies:
    """A request body for any operation: what is required, or everything; ids are those of records in the store."""

    def __init__(self, known: Contract, operation: Operation, everything: bool) -> None:
        self.known = known
        self.operation = operation
        self.everything = everything

    def body(self) -> Any:
        return self.value(self.operation.body, "")

    def value(self, shape: Any, name: str) -> Any:
        if name == "timeframe":
            return {"key": "last_7_days"}
        shape, _ = self.known.resolve(shape)
        if isinstance(shape, str):
            return self.scalar(shape, name)
        if "enum" in shape:
            return shape["enum"][0]
        if "of" in shape:
            return [self.value(shape["of"], name)]
        if "anyOf" in shape:
            return self.value(shape["anyOf"][0], name)
        if name == "definition" and self.operation.name in DEFINITIONS:
            return DEFINITIONS[self.operation.name]
        if self.operation.name == "query_metric_aggregates" and "measurements" in shape["props"]:
            return {"metric_id": "metric-1", "measurements": ["count"], "filter": _RANGE, "timezone": "UTC"}
        props, required = shape["props"], {*shape.get("required", ()), *_ALWAYS}
        wanted = [one for one in props if one in required or (self.everything and one not in LEFT_OUT)]
        if "bulk_" in self.operation.name and "suppress_" in self.operation.name:
            wanted = [one for one in wanted if one != "relationships"]
        if self.operation.name in ("create_template", "update_template"):
            wanted = [one for one in wanted if one != "definition"]
        if self.operation.name.startswith("query_"):
            wanted = [one for one in wanted if one not in ("filter", "group_by")]
        made = {one: self.value(props[one], one) for one in wanted}
        if "type" in made and "id" in made and isinstance(made["id"], str):
            made["id"] = self.target(made["type"])
        return made

    def target(self, type_: str) -> str:
        if type_ == "campaign-recipient-estimation-job":
            return "campaign-1"
        return IDS.get(type_, f"{type_}-1")

    def scalar(self, kind: str, name: str) -> Any:
        values = {
            "integer": 3,
            "number": 3.5,
            "boolean": False,
            "date-time": "2026-05-01T00:00:00+00:00",
            "date": "2000-01-01",
        }
        if kind == "object":
            return DEFINITIONS.get(self.operation.name, {"note": "kept"})
        if name in ("included", "excluded"):
            return "list-1"
        texts = {
            "email": "new@example.com", "phone_number": "+15555550100", "editor_type": "CODE", "status": "live",
            "endpoint_url": "https://example.com/hook", "import_from_url": "https://example.com/a.png",
            "metric_id": "metric-1",
            "conversion_metric_id": "metric-1",
        }  # fmt: skip
        return values.get(kind, texts.get(name, f"{name}_9"))


COMPUTED = all(find_spec(f"klaviyo_mcp.sandbox.reporting.{name}") for name in ("reports", "aggregates"))


def _cases() -> list[tuple[str, str, bool]]:
    """Each operation with what it requires, and again with everything where there is more to ask."""
    return [
        (revision, name, everything)
        for revision in CONTRACT_REVISIONS
        for name, operation in getattr(load_contract(revision), "operations", {}).items()
        if COMPUTED or not name.startswith("query_")
        for everything in ((False, True) if operation.body is not None or operation.query else (False,))
    ]


@pytest.mark.anyio
@pytest.mark.parametrize(("revision", "name", "everything"), _cases())
async def test_every_answer_validates_against_klaviyos_document(
    revision: str, name: str, everything: bool, one_of_each: Callable[[str], Store], documents: Mapping[str, Document]
) -> None:
    known = load_contract(revision)
    assert known is not None
    operation = known.operations[name]
    status, document = await _call(_prepared(one_of_each(revision), operation), known, operation, everything)
    assert status in operation.status, json.dumps(document)
    documents[revision].check(name, status, document)


def _prepared(store: Store, operation: Operation) -> Sandbox:
    """What some operations need beside one record of each type."""
    campaign = store.get("campaign", "campaign-1")
    assert campaign is not None
    campaign.attributes |= {"status": "Draft", "audiences": {"included": ["list-1"], "excluded": []}}
    if operation.name == "merge_profiles":
        store.add(
            type(campaign)("profile", "profile-2", {"email": "two@example.com", "location": {}, "properties": {}})
        )
    return Sandbox(store, key="sandbox", faults=Faults(), rate_limits=None, seed=1)


async def _call(sandbox: Sandbox, known: Contract, operation: Operation, everything: bool) -> tuple[int, Any]:
    home = next(
        (r.type for r in known.resource_types.values() if r.path == f"/api/{operation.segments[0]}"),
        operation.segments[0],
    )
    path = "/klaviyo" + re.sub(r"\{\w+\}", IDS.get(home, f"{home}-1"), operation.path)
    query: dict[str, str] = {}
    if everything:
        for name, allowed in operation.query.items():
            if name == "include" or name.startswith("additional-fields"):
                query[name] = ",".join(allowed)
            elif name == "sort":
                query[name] = allowed[-1]
            elif name.startswith("fields["):
                query[name] = ",".join(known.fields[allowed])
    if "filter" in operation.required:
        query["filter"] = (
            'equals(coupon.id,"coupon-1")' if "coupon" in operation.name else 'equals(messages.channel,"email")'
        )
    request: dict[str, Any] = {"params": query}
    if operation.media_type == "multipart/form-data":
        request["files"] = {"file": ("a.png", b"\x89PNG\r\n\x1a\n" + b"0" * 64, "image/png")}
    elif operation.body is not None:
        request["content"] = json.dumps(Bodies(known, operation, everything).body())
    headers = {"authorization": "Bearer sandbox", "revision": known.revision}
    if "content" in request:
        headers["content-type"] = "application/vnd.api+json"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox), base_url="http://sandbox") as client:
        response = await client.request(operation.method, path, headers=headers, **request)
    return response.status_code, response.json() if response.content else None


@pytest.fixture(scope="module")
def seeded() -> Sandbox:
    return create_sandbox(40, now=datetime(2026, 6, 1, tzinfo=UTC))


READS = [one.name for one in getattr(load_contract("2026-01-15"), "operations", {}).values() if one.method == "GET"]


@pytest.mark.anyio
@pytest.mark.parametrize("name", READS)
async def test_every_read_of_the_seeded_life_validates(
    name: str, seeded: Sandbox, documents: Mapping[str, Document]
) -> None:
    known = load_contract("2026-01-15")
    assert known is not None
    operation = known.operations[name]
    home = next((r.type for r in known.resource_types.values() if r.path == f"/api/{operation.segments[0]}"), "")
    record = next(seeded.store.all(home), None)
    if "{" in operation.path and record is None:
        pytest.skip(f"the seeded life has no {home}")
    path = "/klaviyo" + re.sub(r"\{\w+\}", quote(record.id, safe="") if record else "", operation.path)
    params = {"include": ",".join(operation.query["include"])} if operation.query.get("include") else {}
    if "filter" in operation.required:
        coupon = next((one.id for one in seeded.store.all("coupon")), "none")
        params["filter"] = f'equals(coupon.id,"{coupon}")' if "coupon" in name else 'equals(messages.channel,"email")'
    headers = {"authorization": "Bearer sandbox", "revision": "2026-01-15"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=seeded), base_url="http://sandbox") as client:
        response = await client.get(path, params=params, headers=headers)
    if response.status_code != 404 or operation.answers_many:
        assert response.status_code == 200, response.text
        documents["2026-01-15"].check(name, 200, response.json())
