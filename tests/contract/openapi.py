"""Klaviyo's API as OpenAPI documents: Klaviyo's own where they stand beside the checkout, and the shipped contract.

The package ships a contract that was distilled from Klaviyo's documents. `restore` turns it back into an OpenAPI
document, so that every clone can check requests and answers by it. It lacks what distilling drops: descriptions,
formats, and the schemas of the deepest bodies, which become open objects.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from klaviyo_mcp.sandbox.contract.contract import read_contract

JSON = Any
PUBLISHED = Path(__file__).parents[3] / "shared" / "klaviyo"
"""Where Klaviyo's documents are, in a workshop that has them."""

ERROR = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "code", "title", "detail"],
                "properties": {name: {"type": "string"} for name in ("id", "code", "title", "detail")},
            },
        }
    },
}


def published(name: str) -> Any:
    """One of Klaviyo's files. The test is skipped where it is absent, and fails where CI is set."""
    path = PUBLISHED / name
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{name} must be there when CI is set")
        pytest.skip(f"{name} is not beside the checkout")
    return json.loads(path.read_text("utf-8"))


def has_published(revision: str) -> bool:
    """Whether Klaviyo's document of a revision is beside the checkout, as it must be where CI is set."""
    return bool(os.environ.get("CI")) or (PUBLISHED / f"openapi-{revision}.json").exists()


@lru_cache
def openapi_documents(revision: str) -> Mapping[str, JSON]:
    """A revision's documents to check requests and answers by: the shipped one, and Klaviyo's own where it is there."""
    shipped = {"shipped": restore(read_contract(revision))}
    return shipped | ({"published": published(f"openapi-{revision}.json")} if has_published(revision) else {})


def restore(contract: Mapping[str, JSON]) -> dict[str, JSON]:
    """An OpenAPI 3.0 document that distils to this contract."""
    return _Restoration(contract).document()


def restore_attributes(contract: Mapping[str, JSON], type_: str) -> dict[str, JSON]:
    """The schema of all attributes that any answer shows of a resource type."""
    return _Restoration(contract).object_schema(contract["resources"][type_]["attributes"])


class _Restoration:
    def __init__(self, contract: Mapping[str, JSON]) -> None:
        self.contract = contract
        self.resources: Mapping[str, JSON] = contract["resources"]

    def document(self) -> dict[str, JSON]:
        paths: dict[str, dict[str, JSON]] = {}
        for name, row in self.contract["operations"].items():
            paths.setdefault(row["path"], {})[row["method"].lower()] = self._operation(name, row)
        schemas = {name: self.schema(shape) for name, shape in self.contract["shapes"].items()}
        return {
            "openapi": "3.0.2",
            "info": {"title": "Klaviyo API, restored", "version": self.contract["revision"]},
            "paths": paths,
            "components": {"schemas": schemas | {"Errors": ERROR}},
        }

    def schema(self, shape: JSON) -> dict[str, JSON]:
        """The schema of a shape."""
        if isinstance(shape, str):
            return _scalar(shape.removesuffix("?")) | ({"nullable": True} if shape.endswith("?") else {})
        nullable = {"nullable": True} if shape.get("null") else {}
        if "enum" in shape:
            return {"enum": shape["enum"]} | nullable
        if "of" in shape:
            return {"type": "array", "items": self.schema(shape["of"])} | nullable
        if "anyOf" in shape:
            return {"oneOf": [self.schema(branch) for branch in shape["anyOf"]]} | nullable
        return self.object_schema(shape["props"], shape.get("required")) | nullable

    def object_schema(self, properties: Mapping[str, JSON], required: JSON = None) -> dict[str, JSON]:
        schemas = {name: self.schema(part) for name, part in properties.items()}
        return {"type": "object", "properties": schemas} | ({"required": required} if required else {})

    def _operation(self, name: str, row: Mapping[str, JSON]) -> dict[str, JSON]:
        operation = {
            "operationId": name,
            "description": _limits(row),
            "x-klaviyo-ratelimit": row["rate"],
            "x-klaviyo-scopes": row["scopes"],
            "parameters": [self._parameter(parameter, row) for parameter in row["query"]],
            "responses": {str(status): self._response(row) for status in row["status"]},
        }
        operation["responses"] |= {
            status: {"content": {"application/vnd.api+json": {"schema": {"$ref": "#/components/schemas/Errors"}}}}
            for status in ("4XX", "5XX")
        }
        if "body" in row:
            media_type = row.get("media_type", "application/vnd.api+json")
            operation["requestBody"] = {"content": {media_type: {"schema": self.schema(row["body"])}}}
        return operation

    def _parameter(self, name: str, row: Mapping[str, JSON]) -> dict[str, JSON]:
        allowed = row["query"][name]
        parameter: dict[str, JSON] = {"name": name, "in": "query", "required": name in row.get("required", ())}
        if name == "filter":
            fields = (
                f"`{field}`: {', '.join(f'`{one}`' for one in operators)}" for field, operators in allowed.items()
            )
            return parameter | {"schema": {"type": "string"}, "description": "<br>".join(fields)}
        if name == "page[size]":
            least, most, default = allowed
            return parameter | {"schema": {"type": "integer", "minimum": least, "maximum": most, "default": default}}
        if name.startswith("fields["):
            allowed = self.contract["fields"][allowed]
        elif not name.startswith("additional-fields[") and name != "include":
            return parameter | {"schema": {"type": "string"} | ({"enum": allowed} if allowed else {})}
        return parameter | {
            "schema": {"type": "array", "items": {"type": "string"} | ({"enum": allowed} if allowed else {})}
        }

    def _response(self, row: Mapping[str, JSON]) -> dict[str, JSON]:
        if "types" not in row:
            return {"description": "Success without a body"}
        if row.get("answers_identifiers"):
            branches = [_identifier(type_) for type_ in row["types"]]
        else:
            branches = [self._resource(type_, row) for type_ in row["types"]]
        data = branches[0] if len(branches) == 1 else {"oneOf": branches}
        properties = {"data": {"type": "array", "items": data} if row.get("answers_many") else data}
        if included := [self._resource(type_, row) for type_ in self._included_types(row)]:
            properties["included"] = {"type": "array", "items": {"oneOf": included}}
        schema = {"type": "object", "properties": properties, "required": ["data"]}
        return {"content": {"application/vnd.api+json": {"schema": schema}}}

    def _included_types(self, row: Mapping[str, JSON]) -> list[str]:
        """The types that `include` can add, and others of which the contract says what the answer leaves out."""
        linked = {
            type_
            for name in row["query"].get("include") or ()
            for one in row["types"]
            for type_ in self.resources[one]["relationships"].get(name, ())
        }
        described = {*row.get("without_attributes", ()), *row.get("without_linkage", ())}
        return sorted((linked | described) - {"*"} - ({*row["types"]} - linked))

    def _resource(self, type_: str, row: Mapping[str, JSON]) -> dict[str, JSON]:
        resource = self.resources[type_]
        omitted = {*row.get("without_attributes", {}).get(type_, ())}
        attributes = {name: shape for name, shape in resource["attributes"].items() if name not in omitted}
        properties = {
            **_identifier(type_)["properties"],
            "attributes": self.object_schema(attributes, [name for name in resource["required"] if name in attributes]),
            "links": {"type": "object"},
        }
        if resource["relationships"]:
            unlinked = row.get("without_linkage", {}).get(type_, ())
            relationships = {
                name: _relationship([] if name in unlinked else types)
                for name, types in resource["relationships"].items()
            }
            properties["relationships"] = {"type": "object", "properties": relationships}
        return {"type": "object", "properties": properties, "required": ["type", "id"]}


def _scalar(kind: str) -> dict[str, JSON]:
    if kind.startswith("@"):
        return {"$ref": f"#/components/schemas/{kind[1:]}"}
    if kind in ("date-time", "date", "binary"):
        return {"type": "string", "format": kind}
    return {} if kind == "any" else {"type": kind}


def _identifier(type_: str) -> dict[str, JSON]:
    properties = {"type": {"type": "string", "enum": [type_]}, "id": {"type": "string"}}
    return {"type": "object", "properties": properties, "required": ["type", "id"]}


def _relationship(types: list[str]) -> dict[str, JSON]:
    properties: dict[str, JSON] = {"links": {"type": "object"}}
    if branches := [_identifier(type_) for type_ in types if type_ != "*"]:
        one = branches[0] if len(branches) == 1 else {"oneOf": branches}
        properties["data"] = {"type": "array", "items": one} if types[-1] == "*" else one
    return {"type": "object", "properties": properties}


def _limits(row: Mapping[str, JSON]) -> str:
    """The limits as Klaviyo's descriptions word them."""
    words = {"burst": "Burst", "steady": "Steady", "daily": "Daily"}

    def listed(rate: Mapping[str, str]) -> str:
        return "<br>".join(f"{words[name]}: `{limit}`" for name, limit in rate.items())

    slower = (
        f"Rate limits when using the `{condition}` parameter in your API request:<br>{listed(rate)}"
        for condition, rate in row.get("slower", {}).items()
    )
    return "<br><br>".join((f"*Rate limits*:<br>{listed(row['rate'])}", *slower))
