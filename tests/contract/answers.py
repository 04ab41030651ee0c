"""Answers checked against the schemas of a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema

JSON = Any


def as_json_schema(schema: JSON) -> JSON:
    """An OpenAPI 3.0 schema as JSON Schema. `oneOf` is read as `anyOf`, because Klaviyo's branches overlap."""
    if isinstance(schema, list):
        return [as_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {("anyOf" if key == "oneOf" else key): as_json_schema(part) for key, part in schema.items()}
    if result.pop("nullable", False) is True:
        return {"anyOf": [result, {"type": "null"}]}
    return result


class AnswerSchemas:
    """The schemas of a document's answers."""

    def __init__(self, document: Mapping[str, JSON]) -> None:
        self.document = document
        self.components = as_json_schema(document["components"])
        self.responses: Mapping[str, Mapping[str, JSON]] = {
            operation["operationId"]: operation["responses"]
            for methods in document["paths"].values()
            for operation in methods.values()
            if isinstance(operation, dict)
        }

    def check(self, operation: str, status: int, answer: JSON) -> None:
        """Assert that an answer is what the document says: its schema, and no attribute that the schema lacks."""
        schema = self._schema(operation, status)
        if schema is None:
            assert answer is None, f"{operation} answers {status} without a body"
            return
        errors = list(self._validator(operation, status).iter_errors(answer))
        assert not errors, f"{operation} {status}: {jsonschema.exceptions.best_match(iter(errors))}"
        if status < 300:
            attributes = self._attributes(operation, status)
            data = answer["data"] if isinstance(answer["data"], list) else [answer["data"]]
            for resource in (*data, *answer.get("included", ())):
                unknown = set(resource.get("attributes", ())) - attributes.get(resource["type"], set())
                assert not unknown, f"{operation}: {resource['type']} has no {unknown}"

    def _schema(self, operation: str, status: int) -> JSON:
        responses = self.responses[operation]
        response = self.resolve(responses.get(str(status)) or responses[f"{status // 100}XX"])
        return next(iter(response["content"].values()))["schema"] if "content" in response else None

    @cache  # noqa: B019 - the schemas of a document live as long as the tests
    def _validator(self, operation: str, status: int) -> jsonschema.Draft202012Validator:
        schema = as_json_schema(self._schema(operation, status))
        return jsonschema.Draft202012Validator({**schema, "components": self.components})

    @cache  # noqa: B019 - the schemas of a document live as long as the tests
    def _attributes(self, operation: str, status: int) -> Mapping[str, set[str]]:
        """The attributes of each resource type in an answer."""
        attributes: dict[str, set[str]] = {}
        top = self.resolve(self._schema(operation, status))["properties"]
        for part in (top["data"], top.get("included", {"items": {}})["items"]):
            for type_, names in self._attributes_of(part):
                attributes.setdefault(type_, set()).update(names)
        return attributes

    def _attributes_of(self, schema: JSON) -> Iterator[tuple[str, set[str]]]:
        schema = self.resolve(schema)
        schema = self.resolve(schema.get("items", schema))
        for branch in schema.get("oneOf", [schema]):
            parts = [self.resolve(part) for part in self.resolve(branch).get("allOf", [self.resolve(branch)])]
            types = [self.resolve(p["properties"]["type"]) for p in parts if "type" in p.get("properties", {})]
            for part in parts if types else ():
                attributes = self.resolve(part.get("properties", {}).get("attributes", {}))
                yield types[0]["enum"][0], set(attributes.get("properties", {}))

    def resolve(self, schema: JSON) -> JSON:
        """The schema that a reference stands for."""
        while "$ref" in schema:
            target = self.document
            for part in schema["$ref"][2:].split("/"):
                target = target[part]
            schema = target
        return schema
