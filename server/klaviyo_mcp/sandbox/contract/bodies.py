"""Checks request bodies against the contract and refuses them in Klaviyo's words."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.timestamps import parse_timestamp

JSON = Any

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "date-time": (str,),
    "date": (str,),
    "binary": (bytes,),
}


def check_body(contract: Contract, operation: Operation, body: JSON, id_: str) -> None:
    """Raise KlaviyoError (400) for a body that the operation's schema does not allow.

    `id_` is the id in the path: the body of an update must name the same one.
    """
    if not isinstance(body, dict):
        raise KlaviyoError(400, "parse_error", "Malformed request.", "The body is not a JSON object.", "/")
    _check_shape(contract, operation.body, body, "", "document")
    data = body["data"]
    if id_ and operation.method == "PATCH" and "relationships" not in operation.segments and data.get("id") != id_:
        raise invalid(f"The id {data.get('id')!r} is not the id in the path.", pointer="/data/id")


def _check_shape(contract: Contract, shape: JSON, value: JSON, pointer: str, resource: str) -> None:
    shape, nullable = contract.resolve(shape)
    if value is None:
        if not nullable and shape != "any":
            raise invalid(f"{_name(pointer)} may not be null.", pointer=pointer)
    elif isinstance(shape, str):
        _check_scalar(shape, value, pointer)
    elif "enum" in shape:
        if value not in shape["enum"]:
            allowed = ", ".join(map(str, shape["enum"]))
            raise invalid(f"{value!r} is not a valid value for {_name(pointer)}; allowed: {allowed}.", pointer=pointer)
    elif "of" in shape:
        if not isinstance(value, list):
            raise invalid(f"{_name(pointer)} must be a list.", pointer=pointer)
        for index, item in enumerate(value):
            _check_shape(contract, shape["of"], item, f"{pointer}/{index}", resource)
    elif "anyOf" in shape:
        _check_union(contract, shape["anyOf"], value, pointer, resource)
    else:
        _check_object(contract, shape, value, pointer, resource)


def _check_union(contract: Contract, branches: list[JSON], value: JSON, pointer: str, resource: str) -> None:
    """Accept what one branch accepts; else raise the error that lies deepest, which is of the branch meant."""
    errors = []
    named = [one for one in branches if _is_named_by(contract, one, value)]
    if not named and isinstance(value, dict):
        _check_type(contract, branches, value, pointer, resource)
    for branch in named or branches:
        try:
            return _check_shape(contract, branch, value, pointer, resource)
        except KlaviyoError as error:
            errors.append(error)
    raise max(errors, key=lambda error: len(error.pointer or ""))


def _check_type(contract: Contract, branches: list[JSON], value: JSON, pointer: str, resource: str) -> None:
    """Raise the error of a `type` that no branch has, where every branch is of some type."""
    shapes = [contract.resolve(branch)[0] for branch in branches]
    types = [
        contract.resolve(shape["props"].get("type", "any"))[0]
        for shape in shapes
        if isinstance(shape, dict) and "props" in shape
    ]
    if "type" in value and len(types) == len(shapes) and all(isinstance(one, dict) and "enum" in one for one in types):
        allowed = list(dict.fromkeys(name for one in types for name in one["enum"]))
        _check_shape(contract, {"enum": allowed}, value["type"], f"{pointer}/type", resource)


def _is_named_by(contract: Contract, branch: JSON, value: JSON) -> bool:
    """Whether the value's discriminators (`channel`, `type`, `method`) are those of this branch of a union."""
    shape, _ = contract.resolve(branch)
    if not isinstance(shape, dict) or "props" not in shape or not isinstance(value, dict):
        return False
    parts = [(name, contract.resolve(part)[0]) for name, part in shape["props"].items() if name in value]
    return all(value[name] in part["enum"] for name, part in parts if isinstance(part, dict) and "enum" in part)


def _check_object(contract: Contract, shape: JSON, value: JSON, pointer: str, resource: str) -> None:
    if not isinstance(value, dict):
        raise invalid(f"{_name(pointer)} must be an object.", pointer=pointer or "/")
    properties = shape["props"]
    if pointer.split("/")[-2:-1] == ["relationships"] and "data" not in value:
        raise invalid(f"'data' is required for the relationship {_name(pointer)}.", pointer=f"{pointer}/data")
    if "type" in properties and isinstance(value.get("type"), str) and "attributes" in properties:
        resource = value["type"]
    for name in shape.get("required", ()):
        if name not in value:
            raise invalid(f"'{name}' is a required field for the resource '{resource}'.", pointer=f"{pointer}/{name}")
    for name, part in value.items():
        if name in properties:
            _check_shape(contract, properties[name], part, f"{pointer}/{name}", resource)
        elif name != "meta" or pointer != "/data":
            raise invalid(f"'{name}' is not a valid field for the resource '{resource}'.", pointer=f"{pointer}/{name}")


def _check_scalar(kind: str, value: JSON, pointer: str) -> None:
    types = _PYTHON_TYPES.get(kind)
    if types is None:
        return
    if not isinstance(value, types) or (isinstance(value, bool) and kind in ("integer", "number")):
        raise invalid(f"{_name(pointer)} must be a {kind}, not {type(value).__name__}.", pointer=pointer)
    if kind in ("date-time", "date") and parse_timestamp(value) is None:
        raise invalid(f"{_name(pointer)} must be an ISO 8601 {kind}.", pointer=pointer)


def _name(pointer: str) -> str:
    return f"'{pointer.rsplit('/', 1)[-1]}'" if pointer else "The body"
