"""An OpenAPI document of Klaviyo's: its operations, the schemas of their bodies, and the errors of a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

_MAX_DEPTH = 40
_MAX_ERROR_CHARACTERS = 160


class Document:
    """One document; references in it are resolved when they are read."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.revision = re.sub(r"\.pre$", "", str(content["info"]["version"]))
        self.operations: dict[str, tuple[str, str, Mapping[str, Any]]] = {
            body["operationId"]: (method.upper(), path, body)
            for path, methods in content["paths"].items()
            for method, body in methods.items()
            if isinstance(body, dict) and "operationId" in body
        }

    def resolve(self, node: Any) -> Any:
        """The node to which a reference leads, or the node itself."""
        while isinstance(node, dict) and "$ref" in node:
            target: Any = self.content
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def body_schema(self, name: str) -> tuple[str, Mapping[str, Any]] | None:
        """Media type and schema of an operation's request."""
        content = self.operations[name][2].get("requestBody", {}).get("content")
        if not content:
            return None
        media, described = next(iter(content.items()))
        return media, self.resolve(described["schema"])

    def leaves(self, schema: Any, path: str = "", depth: int = 0) -> Iterator[str]:
        """Dotted paths of all values in a schema; `[]` stands for the members of an array."""
        schema = self.resolve(schema)
        branches = [*schema.get("oneOf", ()), *schema.get("anyOf", ()), *schema.get("allOf", ())]
        for branch in branches:
            yield from self.leaves(branch, path, depth + 1)
        for name, inner in schema.get("properties", {}).items():
            if depth < _MAX_DEPTH:
                yield from self.leaves(inner, f"{path}.{name}" if path else name, depth + 1)
        if schema.get("type") == "array":
            yield from self.leaves(schema["items"], f"{path}[]", depth + 1)
        elif not schema.get("properties") and not branches:
            yield path

    def portable(self, schema: Any) -> Any:
        """The schema as JSON Schema: `nullable` becomes a null type, and `oneOf`, whose branches overlap, `anyOf`."""
        if isinstance(schema, list):
            return [self.portable(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return {"$ref": schema["$ref"]}
        plain = {
            "anyOf" if key == "oneOf" else key: self.portable(value)
            for key, value in schema.items()
            if key not in ("nullable", "example", "description", "discriminator")
        }
        return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain

    @cache  # noqa: B019 - a document lives as long as the command
    def definitions(self) -> Mapping[str, Any]:
        """All schemas of the document, portable, under `components`."""
        return {"schemas": self.portable(self.content["components"]["schemas"])}

    def validate(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        """The errors that a JSON Schema validator finds in a value."""
        from jsonschema import Draft202012Validator

        whole = {**self.portable(schema), "components": self.definitions()}
        errors = Draft202012Validator(whole).iter_errors(value)
        return [f"{error.json_path}: {error.message[:_MAX_ERROR_CHARACTERS]}" for error in errors]
