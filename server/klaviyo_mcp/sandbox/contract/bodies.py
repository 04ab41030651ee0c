"""Request bodies held against the contract, refused in Klaviyo's words."""

from __future__ import annotations

from typing import Any

from klaviyo_mcp.sandbox.contract.contract import Contract, Operation
from klaviyo_mcp.sandbox.errors import KlaviyoError, invalid
from klaviyo_mcp.sandbox.timestamps import parse_timestamp

JSON = Any

_SCALARS: dict[str, tuple[type, ...]] = {
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
    """Raise KlaviyoError (400) for what the operation's schema does not allow, or an id that is not the path's."""
    if not isinstance(body, dict):
        raise KlaviyoError(400, "parse_error", "Malformed request.", "The body is not a JSON object.", "/")
    _check(contract, operation.body, body, "", "document")
    data = body["data"]
    if id_ and operation.method == "PATCH" and "relationships" not in operation.parts and data.get("id") != id_:
        raise invalid(f"The id {data.get('id')!r} is not the id in the path.", pointer="/data/id")


def _check(contract: Contract, shape: JSON, value: JSON, pointer: str, resource: str) -> None:
    shape, nullable = contract.shape(shape)
    if value is None:
        if not nullable and shape != "any":
            raise invalid(f"{_name(pointer)} may not be null.", pointer=pointer)
    elif isinstance(shape, str):
        _check_scalar(shape, value, pointer)
    elif "enum" in shape:
        if value not in shape["enum"]:
            wanted = ", ".join(map(str, shape["enum"]))
            raise invalid(f"{value!r} is not a valid value for {_name(pointer)}; allowed: {wanted}.", pointer=pointer)
    elif "of" in shape:
        if not isinstance(value, list):
            raise invalid(f"{_name(pointer)} must be a list.", pointer=pointer)
        for number, item in enumerate(value):
            _check(contract, shape["of"], item, f"{pointer}/{number}", resource)
    elif "anyOf" in shape:
        _check_any(contract, shape["anyOf"], value, pointer, resource)
    else:
        _check_object(contract, shape, value, pointer, resource)


def _check_any(contract: Contract, choices: list[JSON], value: JSON, pointer: str, resource: str) -> None:
    errors = []
    meant = [choice for choice in choices if _discriminated(contract, choice, value)]
    for choice in meant or choices:
        try:
            return _check(contract, choice, value, pointer, resource)
        except KlaviyoError as error:
            errors.append(error)
    raise max(errors, key=lambda error: len(error.pointer or ""))


def _discriminated(contract: Contract, choice: JSON, value: JSON) -> bool:
    """Whether the words that tell a union's branches apart (`channel`, `type`, `method`) are this branch's."""
    shape, _ = contract.shape(choice)
    if not isinstance(shape, dict) or "props" not in shape or not isinstance(value, dict):
        return False
    told = [(name, contract.shape(part)[0]) for name, part in shape["props"].items() if name in value]
    return all(value[name] in part["enum"] for name, part in told if isinstance(part, dict) and "enum" in part)


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
            _check(contract, properties[name], part, f"{pointer}/{name}", resource)
        elif name != "meta" or pointer != "/data":
            raise invalid(f"'{name}' is not a valid field for the resource '{resource}'.", pointer=f"{pointer}/{name}")


def _check_scalar(kind: str, value: JSON, pointer: str) -> None:
    wanted = _SCALARS.get(kind)
    if wanted is None:
        return
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind in ("integer", "number")):
        raise invalid(f"{_name(pointer)} must be a {kind}, not {type(value).__name__}.", pointer=pointer)
    if kind in ("date-time", "date") and parse_timestamp(value) is None:
        raise invalid(f"{_name(pointer)} must be an ISO 8601 {kind}.", pointer=pointer)


def _name(pointer: str) -> str:
    return f"'{pointer.rsplit('/', 1)[-1]}'" if pointer else "The body"
