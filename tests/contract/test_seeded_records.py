"""Every record of the seeded account is valid by Klaviyo's document."""

from __future__ import annotations

from collections import Counter
from typing import Any

import jsonschema
import pytest
from tests.contract.answers import as_json_schema
from tests.contract.openapi import openapi_documents
from tests.server.sandbox.life.seeded import all_records, seeded_store

from klaviyo_mcp.sandbox.state.store import Record

READS = {
    "import-error": "get_errors_for_bulk_import_profiles_job",
    "webhook-topic": "get_webhook_topic",
    "template-universal-content": "get_universal_content",
    "profile-bulk-import-job": "get_bulk_import_profiles_job",
    "profile-suppression-bulk-create-job": "get_bulk_suppress_profiles_job",
}
"""Operations that answer with a type and are not named after it."""
NOT_READ = "attribution"
"""A type that no operation answers with by itself."""


@pytest.mark.parametrize("source", openapi_documents("2026-01-15"))
def test_every_record_is_valid(source: str) -> None:
    store = seeded_store()
    schemas = AttributeSchemas(openapi_documents("2026-01-15")[source])
    checked: Counter[str] = Counter()
    for record in all_records(store):
        if record.type != NOT_READ:
            schemas.check(record)
            checked[record.type] += 1
    assert checked == Counter(record.type for record in all_records(store) if record.type != NOT_READ)


class AttributeSchemas:
    """The schema of each resource type's attributes, taken from the answer of its read."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.components = as_json_schema(document["components"])
        operations = (one for path in document["paths"].values() for one in path.values() if isinstance(one, dict))
        self.operations = {one["operationId"]: one for one in operations}
        self.validators: dict[str, jsonschema.Draft202012Validator] = {}

    def check(self, record: Record) -> None:
        if record.type not in self.validators:
            self.validators[record.type] = self._validator(record.type)
        errors = list(self.validators[record.type].iter_errors({"attributes": record.attributes}))
        assert not errors, f"{record.type} {record.attributes.get('name')}: {jsonschema.exceptions.best_match(errors)}"

    def _validator(self, type_: str) -> jsonschema.Draft202012Validator:
        operation = self.operations[READS.get(type_, f"get_{type_.replace('-', '_')}")]
        answer = operation["responses"]["200"]["content"]["application/vnd.api+json"]["schema"]
        data = self._resolve(self._resolve(answer)["properties"]["data"])
        data = self._resolve(data["items"]) if data.get("type") == "array" else data
        parts = [self._resolve(part) for part in data.get("allOf", [data])]
        attributes = [part["properties"]["attributes"] for part in parts if "attributes" in part.get("properties", {})]
        schema = {"properties": {"attributes": {"allOf": as_json_schema(attributes)}}, "components": self.components}
        return jsonschema.Draft202012Validator(schema if attributes else {})

    def _resolve(self, schema: Any) -> Any:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema
