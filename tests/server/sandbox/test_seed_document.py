"""Every record of the seeded life against Klaviyo's own document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from tests.contract.openapi import openapi_documents

from klaviyo_mcp.sandbox.contract.contract import load_contract
from klaviyo_mcp.sandbox.seed import populate
from klaviyo_mcp.sandbox.state.store import Record, Store

_ELSEWHERE = {
    "attribution": None,
    "import-error": ("get_errors_for_bulk_import_profiles_job", True),
    "webhook-topic": ("get_webhook_topic", False),
    "template-universal-content": ("get_universal_content", False),
    "profile-bulk-import-job": ("get_bulk_import_profiles_job", False),
    "profile-suppression-bulk-create-job": ("get_bulk_suppress_profiles_job", False),
}
"""Types whose read is not named after them."""


def _everything(store: Store) -> Iterator[Record]:
    known = load_contract("2026-01-15")
    assert known is not None
    for type_ in known.resource_types:
        yield from store.all(type_)


@pytest.mark.parametrize("source", openapi_documents("2026-01-15"))
def test_every_record_validates_against_klaviyos_document(source: str) -> None:
    life = Store()
    populate(life, now=datetime(2026, 6, 1, tzinfo=UTC))
    judges = _Judges(openapi_documents("2026-01-15")[source])
    judged = Counter(record.type for record in _everything(life) if judges.check(record))
    counts = Counter(record.type for record in _everything(life) if record.type != "attribution")
    assert judged == counts


class _Judges:
    """A validator of attributes for each resource type, from the answer of the read of one."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.components = _relaxed(document["components"])
        operations = (one for path in document["paths"].values() for one in path.values() if isinstance(one, dict))
        self.operations = {one["operationId"]: one for one in operations}
        self.held: dict[str, jsonschema.Draft202012Validator] = {}

    def check(self, record: Record) -> bool:
        read = _ELSEWHERE.get(record.type, (f"get_{record.type.replace('-', '_')}", False))
        if read is None:
            return False
        if record.type not in self.held:
            self.held[record.type] = self._judge(*read)
        errors = list(self.held[record.type].iter_errors({"attributes": record.attributes}))
        assert not errors, f"{record.type} {record.attributes.get('name')}: {jsonschema.exceptions.best_match(errors)}"
        return True

    def _judge(self, operation: str, many: bool) -> jsonschema.Draft202012Validator:
        answer = self.operations[operation]["responses"]["200"]["content"]["application/vnd.api+json"]["schema"]
        data = self._resolved(self._resolved(answer)["properties"]["data"])
        data = self._resolved(data["items"]) if many else data
        parts = [self._resolved(part) for part in data.get("allOf", [data])]
        attributes = [part["properties"]["attributes"] for part in parts if "attributes" in part.get("properties", {})]
        schema = {"properties": {"attributes": {"allOf": _relaxed(attributes)}}, "components": self.components}
        return jsonschema.Draft202012Validator(schema if attributes else {})

    def _resolved(self, schema: Any) -> Any:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema


def _relaxed(schema: Any) -> Any:
    """As JSON Schema, oneOf read as anyOf since Klaviyo's branches overlap."""
    if isinstance(schema, list):
        return [_relaxed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {("anyOf" if key == "oneOf" else key): _relaxed(part) for key, part in schema.items()}
    return {"anyOf": [result, {"type": "null"}]} if result.pop("nullable", False) is True else result
