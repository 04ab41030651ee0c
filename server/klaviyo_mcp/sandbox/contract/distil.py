"""For maintainers: distil one revision of Klaviyo's OpenAPI document into the sandbox's contract.

    python -m klaviyo_mcp.sandbox.contract.distil OPENAPI.json OPERATIONS.json > contract-REVISION.json

OPERATIONS.json tells since when an operation exists. The outcome is deterministic, one line for each operation,
resource type and shape, without descriptions; `contract.py` reads it.

A shape is a JSON value: a string for a scalar (`string`, `integer`, `number`, `boolean`, `date-time`, `date`, `binary`,
`any`, `object` for an open object) or `@Name` of a named shape; with a trailing `?` it may be null. Otherwise an object
with one of `enum`, `of` (array), `props` with `required`, `anyOf`; and `null` when it may be null.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

JSON = Any

OPEN_ABOVE = 7000
"""A schema whose distilled text is longer stays an open object: the bodies that nobody checks to their depth."""

NAMED_ABOVE = 60
"""A referenced schema whose distilled text is longer is named and stands once."""

_FILTER_FIELD = re.compile(r"`([^`]+)`:((?:\s*`[a-z-]+`,?)+)")


class Distillation:
    """One document on its way into a contract."""

    def __init__(self, document: Mapping[str, JSON], since: Mapping[str, str]) -> None:
        self.document = document
        self.since = since
        self.shapes: dict[str, JSON] = {}
        self.resources: dict[str, dict[str, JSON]] = {}
        self.fields: dict[str, list[str]] = {}
        self._seen: dict[str, JSON] = {}
        self._depth: list[str] = []

    def contract(self) -> dict[str, JSON]:
        """The whole contract; attributes and relationships of a type are the union over all answers that hold it."""
        found = {}
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                if isinstance(operation, dict) and not path.startswith("/client/"):
                    found[operation["operationId"]] = (path, method.upper(), operation)
        answers = {name: self._answer(operation) for name, (_, _, operation) in sorted(found.items())}
        operations = {}
        for name, (path, method, operation) in sorted(found.items()):
            operations[name] = {
                "method": method,
                "path": path,
                "since": self.since[name],
                "rate": operation.get("x-klaviyo-ratelimit") or {},
                **self._query(operation),
                **self._body(operation),
                **self._lacking(answers[name]),
            }
        for type_, resource in self.resources.items():
            resource["path"] = _home(type_, operations)
        used = self._used([operations, self.resources])
        return {
            "revision": self.document["info"]["version"],
            "operations": operations,
            "resources": dict(sorted(self.resources.items())),
            "shapes": {name: shape for name, shape in sorted(self.shapes.items()) if name in used},
            "fields": dict(sorted(self.fields.items())),
        }

    def _used(self, root: JSON) -> set[str]:
        used: set[str] = set()
        queue = set(_names(root))
        while queue:
            name = queue.pop()
            if name in self.shapes and name not in used:
                used.add(name)
                queue |= set(_names(self.shapes[name]))
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
                query[name] = self._fields(name[7:-1], schema["items"].get("enum", []))
            else:
                query[name] = schema.get("enum") or schema.get("items", {}).get("enum")
        return {"query": query} | ({"required": required} if required else {})

    def _fields(self, type_: str, names: list[str]) -> str:
        for number in range(1, 9):
            key = type_ if number == 1 else f"{type_}#{number}"
            if self.fields.setdefault(key, names) == names:
                return key
        raise ValueError(f"too many variants of fields[{type_}]")

    def _body(self, operation: Mapping[str, JSON]) -> dict[str, JSON]:
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            body = {"body": self.shape(self._resolve(content["schema"]))}
            return body if media_type == "application/vnd.api+json" else {"media": media_type} | body
        return {}

    def shape(self, schema: Mapping[str, JSON]) -> JSON:
        """The shape of a schema; see the module's own description."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if name in self._depth:
                return "object"
            if name not in self._seen:
                self._depth.append(name)
                self._seen[name] = self.shape(self._resolve(schema))
                self._depth.pop()
            shape = self._seen[name]
            if self._weight(shape) > OPEN_ABOVE:
                return "object"
            if len(json.dumps(shape)) < NAMED_ABOVE:
                return shape
            self.shapes[name] = shape
            return f"@{name}"
        if len(schema.get("allOf", ())) == 1:
            return self.shape(schema["allOf"][0])
        return _nullable(self._bare(schema), bool(schema.get("nullable")))

    def _weight(self, shape: JSON) -> int:
        return len(json.dumps(shape)) + sum(self._weight(self.shapes[name]) for name in _names(shape))

    def _bare(self, schema: Mapping[str, JSON]) -> JSON:
        if choices := schema.get("oneOf") or schema.get("anyOf"):
            unique = {json.dumps(shape, sort_keys=True): shape for shape in map(self.shape, choices)}
            union = next(iter(unique.values())) if len(unique) == 1 else {"anyOf": list(unique.values())}
            return "object" if self._weight(union) > OPEN_ABOVE else union
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
        statuses = [int(status) for status in operation["responses"] if status.startswith("2")]
        answer: dict[str, JSON] = {"status": statuses}
        content = operation["responses"][str(statuses[-1])].get("content")
        if not content:
            return answer
        schema = self._resolve(next(iter(content.values()))["schema"])
        data = self._resolve(schema["properties"]["data"])
        if data.get("type") == "array":
            answer["many"] = True
            data = self._resolve(data["items"])
        included = schema["properties"].get("included", {}).get("items", {})
        others = [self._resource(part) for part in included.get("oneOf", [included] if included else [])]
        branches = [self._resource(part) for part in data.get("oneOf", [data])]
        answer["types"] = [type_ for type_, _, _ in branches]
        if all(attributes is None for _, attributes, _ in branches):
            answer["ids"] = True
        else:
            answer["has"] = {type_: attributes or [] for type_, attributes, _ in (*others, *branches)}
            answer["data"] = {type_: links for type_, _, links in (*others, *branches)}
        return answer

    def _resource(self, schema: Mapping[str, JSON]) -> tuple[str, list[str] | None, list[str]]:
        """Its type, its attributes (None for a bare identifier), and which of its relationships may hold data."""
        parts = [self._resolve(part) for part in self._resolve(schema).get("allOf", [schema])]
        type_: str = next(self._type(part) for part in parts if "type" in part["properties"])
        if not any({"attributes", "links"} & set(part["properties"]) for part in parts):
            return type_, None, []
        attributes = [self._resolve(part["properties"].get("attributes", {})) for part in parts]
        links = [self._resolve(part["properties"].get("relationships", {})) for part in parts]
        resource = self.resources.setdefault(type_, {"attributes": {}, "required": [], "relationships": {}})
        held = {name: part for group in attributes for name, part in group.get("properties", {}).items()}
        for name, part in held.items():
            resource["attributes"].setdefault(name, self.shape(part))
        required = {name for group in attributes for name in group.get("required", [])}
        resource["required"] = sorted({*resource["required"], *required})
        with_data = []
        for name, part in ((n, p) for group in links for n, p in group.get("properties", {}).items()):
            target = self._target(self._resolve(part).get("properties", {}))
            if target:
                with_data.append(name)
            resource["relationships"][name] = target or resource["relationships"].get(name, [])
        return type_, list(held), with_data

    def _target(self, relationship: Mapping[str, JSON]) -> list[str]:
        """The types a relationship's data may name, then `*` when there may be many; nothing when it holds no data."""
        if "data" not in relationship:
            return []
        data = self._resolve(relationship["data"])
        many = data.get("type") == "array"
        one = self._resolve(data["items"] if many else data)
        return [self._type(part) for part in one.get("oneOf", [one])] + (["*"] if many else [])

    def _type(self, schema: Mapping[str, JSON]) -> str:
        type_: str = self._resolve(self._resolve(schema)["properties"]["type"])["enum"][0]
        return type_

    def _lacking(self, answer: dict[str, JSON]) -> dict[str, JSON]:
        """An answer with what its records lack of their type's attributes and relationships' data."""
        has, data = answer.pop("has", {}), answer.pop("data", {})
        for key, held, whole in (("lacks", has, "attributes"), ("bare", data, "relationships")):
            for type_, names in held.items():
                if missing := [name for name in self.resources[type_][whole] if name not in names]:
                    answer.setdefault(key, {})[type_] = missing
        return answer


def _names(shape: JSON) -> list[str]:
    return re.findall(r'"@(\w+)\??"', json.dumps(shape))


def _nullable(shape: JSON, nullable: bool) -> JSON:
    if not nullable:
        return shape
    return f"{shape}?" if isinstance(shape, str) else shape | {"null": True}


def _home(type_: str, operations: Mapping[str, Mapping[str, JSON]]) -> str | None:
    """The path under which a resource of this type is read by id."""
    for operation in operations.values():
        path = operation["path"]
        if operation["method"] == "GET" and operation.get("types") == [type_] and re.fullmatch(r"[^{]+/\{\w+\}", path):
            home: str = path[: path.rindex("/")]
            return home
    return None


def written(contract: Mapping[str, JSON]) -> str:
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
    """The text of the contract of one OpenAPI document."""
    since = {row["operation"]: row["since"] for row in operations}
    return written(Distillation(document, since).contract())


def main() -> None:
    document, operations = (json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:3])
    sys.stdout.write(distil(document, operations))


if __name__ == "__main__":
    main()
