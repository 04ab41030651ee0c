"""For maintainers: distil a revision of Klaviyo's OpenAPI document into a contract that the package ships.

    python -m klaviyo_mcp.sandbox.contract.distil OPENAPI.json OPERATIONS.json… > contract-REVISION.json

OPERATIONS.json, or several such files, say in which revision each operation first appeared. The output is
deterministic: one line for each operation, resource type and shape, without descriptions. `contract.py` reads it.

A shape is the distilled form of a schema. It is a string for a scalar (`string`, `integer`, `number`, `boolean`,
`date-time`, `date`, `binary`, `any`, `object` for an open object) or for a shape that has a name (`@Name`); a trailing
`?` says that it may be null. Any other shape is an object with one of the keys `enum`, `of` (an array), `props` (with
`required`) and `anyOf`, and with the key `null` where it may be null.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JSON = Any

MAX_SHAPE_CHARACTERS = 7000
"""A schema whose shape is longer becomes an open object: bodies as deep as flow definitions are not checked here."""

WHOLE_SCHEMAS = frozenset({"ConditionGroup", "ProfileMarketingConsentCondition", "ProfilePermissionsCondition"})
"""Schemas whose shape is kept whatever its length: the sandbox evaluates the definitions of segments."""

MIN_NAMED_SHAPE_CHARACTERS = 60
"""A referenced schema whose shape is at least as long keeps its name and stands in the contract once."""

_FILTER_FIELD = re.compile(r"`([^`]+)`:((?:\s*`[a-z-]+`,?)+)")
_SLOWER_RATE = re.compile(
    r"Rate limits when using the `([^`]+)` parameter in your API request:<br>Burst: `([^`]+)`<br>Steady: `([^`]+)`"
)


class Distillation:
    """Reads one OpenAPI document into a contract."""

    def __init__(self, document: Mapping[str, JSON], since: Mapping[str, str]) -> None:
        self.document = document
        self.since = since
        self.shapes: dict[str, JSON] = {}
        self.resources: dict[str, dict[str, JSON]] = {}
        self.fields: dict[str, list[str]] = {}
        self._shape_by_reference: dict[str, JSON] = {}
        self._open_references: list[str] = []

    def _is_too_long(self, shape: JSON) -> bool:
        return self._characters(shape) > MAX_SHAPE_CHARACTERS and not WHOLE_SCHEMAS & {*self._open_references}

    def contract(self) -> dict[str, JSON]:
        """The whole contract. A type's attributes and relationships are the union over all answers that hold it."""
        described = {}
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if isinstance(operation, dict) and not path.startswith("/client/"):
                    described[operation["operationId"]] = (path, method.upper(), operation)
        answers = {name: self._answer(operation) for name, (_, _, operation) in sorted(described.items())}
        operations = {}
        for name, (path, method, operation) in sorted(described.items()):
            operations[name] = {
                "method": method,
                "path": path,
                "since": self.since.get(name) or self.since[f"{method} {path}"],
                **_limits(operation),
                **self._query(operation),
                **self._body(operation),
                **self._omissions(answers[name]),
            }
        for type_, resource in self.resources.items():
            resource["path"] = _collection_path(type_, operations)
        used = self._used_names([operations, self.resources])
        return {
            "revision": self.document["info"]["version"],
            "operations": operations,
            "resources": dict(sorted(self.resources.items())),
            "shapes": {name: shape for name, shape in sorted(self.shapes.items()) if name in used},
            "fields": dict(sorted(self.fields.items())),
        }

    def _used_names(self, root: JSON) -> set[str]:
        used: set[str] = set()
        queue = set(_shape_names(root))
        while queue:
            name = queue.pop()
            if name in self.shapes and name not in used:
                used.add(name)
                queue |= set(_shape_names(self.shapes[name]))
        return used

    def _resolve(self, schema: Mapping[str, JSON]) -> Mapping[str, JSON]:
        while "$ref" in schema:
            target: JSON = self.document
            for part in schema["$ref"][2:].split("/"):
                target = target[part]
            schema = target
        return schema

    def _query(self, operation: Mapping[str, JSON]) -> dict[str, JSON]:
        query: dict[str, JSON] = {}
        required = []
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "query":
                continue
            name, schema = parameter["name"], parameter["schema"]
            if parameter.get("required"):
                required.append(name)
            if name == "filter":
                query[name] = {
                    field: re.findall(r"`([a-z-]+)`", operators)
                    for field, operators in _FILTER_FIELD.findall(parameter.get("description", ""))
                }
            elif name == "page[size]":
                query[name] = [schema["minimum"], schema["maximum"], schema["default"]]
            elif name.startswith("fields["):
                query[name] = self._fields_key(name[7:-1], schema["items"].get("enum", []))
            else:
                query[name] = schema.get("enum") or schema.get("items", {}).get("enum")
        return {"query": query} | ({"required": required} if required else {})

    def _fields_key(self, type_: str, names: list[str]) -> str:
        """The key under which a list of a type's fields stands in the contract, `profile` or `profile#2`."""
        for number in range(1, 9):
            key = type_ if number == 1 else f"{type_}#{number}"
            if self.fields.setdefault(key, names) == names:
                return key
        raise ValueError(f"too many variants of fields[{type_}]")

    def _body(self, operation: Mapping[str, JSON]) -> dict[str, JSON]:
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            body = {"body": self.shape(self._resolve(content["schema"]))}
            return body if media_type == "application/vnd.api+json" else {"media_type": media_type} | body
        return {}

    def shape(self, schema: Mapping[str, JSON]) -> JSON:
        """The shape of a schema, as the module's docstring describes it."""
        nullable = bool(schema.get("nullable"))
        if "$ref" in schema:
            # Klaviyo writes `nullable` beside a reference, where OpenAPI 3.0 would have it ignored.
            return _nullable(self._referenced_shape(schema), nullable)
        if len(schema.get("allOf", ())) == 1:
            return _nullable(self.shape(schema["allOf"][0]), nullable)
        return _nullable(self._inline_shape(schema), nullable)

    def _referenced_shape(self, schema: Mapping[str, JSON]) -> JSON:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name in self._open_references:
            return "object"
        if name not in self._shape_by_reference:
            self._open_references.append(name)
            self._shape_by_reference[name] = self.shape(self._resolve(schema))
            self._open_references.pop()
        shape = self._shape_by_reference[name]
        if name not in WHOLE_SCHEMAS and self._is_too_long(shape):
            return "object"
        if len(json.dumps(shape)) < MIN_NAMED_SHAPE_CHARACTERS:
            return shape
        self.shapes[name] = shape
        return f"@{name}"

    def _characters(self, shape: JSON) -> int:
        names = {*_shape_names(shape)} - WHOLE_SCHEMAS
        return len(json.dumps(shape)) + sum(self._characters(self.shapes[name]) for name in names)

    def _inline_shape(self, schema: Mapping[str, JSON]) -> JSON:
        if branches := schema.get("oneOf") or schema.get("anyOf"):
            unique = {json.dumps(shape, sort_keys=True): shape for shape in map(self.shape, branches)}
            union = next(iter(unique.values())) if len(unique) == 1 else {"anyOf": list(unique.values())}
            return "object" if self._is_too_long(union) else union
        if "enum" in schema:
            return {"enum": schema["enum"]}
        if schema.get("type") == "array":
            return {"of": self.shape(schema.get("items", {}))}
        if schema.get("properties"):
            shape = {"props": {name: self.shape(part) for name, part in schema["properties"].items()}}
            return shape | ({"required": schema["required"]} if schema.get("required") else {})
        if schema.get("type") == "string":
            return schema["format"] if schema.get("format") in ("date-time", "date", "binary") else "string"
        return schema.get("type", "any")

    def _answer(self, operation: Mapping[str, JSON]) -> dict[str, JSON]:
        """The facts of an operation's success, and for `_omissions` what its records hold (`holds`, `links`)."""
        statuses = [int(status) for status in operation["responses"] if status.startswith("2")]
        answer: dict[str, JSON] = {"status": statuses}
        content = operation["responses"][str(statuses[-1])].get("content")
        if not content:
            return answer
        schema = self._resolve(next(iter(content.values()))["schema"])
        data = self._resolve(schema["properties"]["data"])
        if data.get("type") == "array":
            answer["answers_many"] = True
            data = self._resolve(data["items"])
        included = schema["properties"].get("included", {}).get("items", {})
        others = [self._resource(part) for part in included.get("oneOf", [included] if included else [])]
        branches = [self._resource(part) for part in data.get("oneOf", [data])]
        answer["types"] = [type_ for type_, _, _ in branches]
        if all(attributes is None for _, attributes, _ in branches):
            answer["answers_identifiers"] = True
        else:
            answer["holds"] = {type_: attributes or [] for type_, attributes, _ in (*others, *branches)}
            answer["links"] = {type_: linked for type_, _, linked in (*others, *branches)}
        return answer

    def _resource(self, schema: Mapping[str, JSON]) -> tuple[str, list[str] | None, list[str]]:
        """A resource's type, its attributes (None for an identifier), and its relationships that may hold data."""
        parts = [self._resolve(part) for part in self._resolve(schema).get("allOf", [schema])]
        type_: str = next(self._type(part) for part in parts if "type" in part["properties"])
        if not any({"attributes", "links"} & set(part["properties"]) for part in parts):
            return type_, None, []
        resource = self.resources.setdefault(type_, {"attributes": {}, "required": [], "relationships": {}})
        attributes = [self._resolve(part["properties"].get("attributes", {})) for part in parts]
        schemas = {name: part for group in attributes for name, part in group.get("properties", {}).items()}
        for name, part in schemas.items():
            resource["attributes"].setdefault(name, self.shape(part))
        required = {name for group in attributes for name in group.get("required", [])}
        resource["required"] = sorted({*resource["required"], *required})
        with_data = []
        groups = [self._resolve(part["properties"].get("relationships", {})) for part in parts]
        for name, part in ((n, p) for group in groups for n, p in group.get("properties", {}).items()):
            target = self._target(self._resolve(part).get("properties", {}))
            if target:
                with_data.append(name)
            resource["relationships"][name] = target or resource["relationships"].get(name, [])
        return type_, list(schemas), with_data

    def _target(self, relationship: Mapping[str, JSON]) -> list[str]:
        """The types that a relationship's data may name, then `*` where it is to-many; empty where it holds no data."""
        if "data" not in relationship:
            return []
        data = self._resolve(relationship["data"])
        to_many = data.get("type") == "array"
        identifier = self._resolve(data["items"] if to_many else data)
        return [self._type(part) for part in identifier.get("oneOf", [identifier])] + (["*"] if to_many else [])

    def _type(self, schema: Mapping[str, JSON]) -> str:
        type_: str = self._resolve(self._resolve(schema)["properties"]["type"])["enum"][0]
        return type_

    def _omissions(self, answer: dict[str, JSON]) -> dict[str, JSON]:
        """The answer, with what its records leave out of their type's attributes and of its relationships' data."""
        holds, links = answer.pop("holds", {}), answer.pop("links", {})
        for key, shown_by_type, whole in (
            ("without_attributes", holds, "attributes"),
            ("without_linkage", links, "relationships"),
        ):
            for type_, names in shown_by_type.items():
                if missing := sorted({*self.resources[type_][whole]} - {*names}):
                    answer.setdefault(key, {})[type_] = missing
        return answer


def _limits(operation: Mapping[str, JSON]) -> dict[str, JSON]:
    """Rate limits and scopes; the limits of costly requests stand in the description only."""
    slower = {
        condition: {"burst": burst, "steady": steady}
        for condition, burst, steady in _SLOWER_RATE.findall(operation.get("description", ""))
    }
    limits = {"rate": operation.get("x-klaviyo-ratelimit") or {}, "scopes": operation.get("x-klaviyo-scopes") or []}
    return limits | ({"slower": slower} if slower else {})


def _shape_names(shape: JSON) -> list[str]:
    return re.findall(r'"@(\w+)\??"', json.dumps(shape))


def _nullable(shape: JSON, nullable: bool) -> JSON:
    if not nullable or (isinstance(shape, str) and shape.endswith("?")):
        return shape
    return f"{shape}?" if isinstance(shape, str) else shape | {"null": True}


def _collection_path(type_: str, operations: Mapping[str, Mapping[str, JSON]]) -> str | None:
    """The path below which a resource of this type is read by its id."""
    for operation in operations.values():
        path = operation["path"]
        if operation["method"] == "GET" and operation.get("types") == [type_] and re.fullmatch(r"[^{]+/\{\w+\}", path):
            collection: str = path[: path.rindex("/")]
            return collection
    return None


def contract_text(contract: Mapping[str, JSON]) -> str:
    """The contract's text: one line for each operation, resource type, shape and list of fields."""
    lines = []
    for name, part in contract.items():
        if isinstance(part, dict):
            rows = (
                f"{json.dumps(key)}:{json.dumps(row, separators=(',', ':'), sort_keys=True)}"
                for key, row in part.items()
            )
            lines.append(f"{json.dumps(name)}:{{\n" + ",\n".join(rows) + "\n}")
        else:
            lines.append(f"{json.dumps(name)}:{json.dumps(part)}")
    return "{" + ",\n".join(lines) + "}\n"


def distil(document: Mapping[str, JSON], operations: list[Mapping[str, JSON]]) -> str:
    """The text of the contract of one OpenAPI document. An operation that got another name is found by its path."""
    since = {row["operation"]: row["since"] for row in operations}
    since |= {f"{row['method']} {row['path']}": row["since"] for row in operations if "path" in row}
    return contract_text(Distillation(document, since).contract())


def main() -> None:
    document, *tables = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:])
    sys.stdout.write(distil(document, [row for table in tables for row in table]))


if __name__ == "__main__":
    main()
