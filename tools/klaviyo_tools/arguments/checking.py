"""Checking the arguments of a call against their model; errors say in words what to change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import ValidationError, WithJsonSchema
from pydantic.fields import FieldInfo

from klaviyo_tools.arguments.annotations import marks_of
from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.marks import since_of, values_by_revision_of
from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.arguments.types import Arguments, argument_names, models_in

Model = TypeVar("Model", bound=Arguments)

_MAX_ERRORS = 4
_MAX_LISTED_NAMES = 14
_MAX_PATH_CHARACTERS = 80
_MAX_VALUE_CHARACTERS = 60
_MAX_HINT_CHARACTERS = 160


def check_arguments(model: type[Model], values: Mapping[str, Any], revision: str | None = None) -> Model:
    """The arguments that a model wrote, validated.

    Raises ArgumentsError with each error in words and the nearest valid names. With a revision, it also refuses
    arguments and values that the revision does not take, wherever they stand.
    """
    try:
        arguments = model.model_validate(values)
    except ValidationError as error:
        errors = [_describe(model, dict(detail)) for detail in error.errors(include_url=False)[:_MAX_ERRORS]]
        raise ArgumentsError("; ".join(dict.fromkeys(errors))) from None
    if revision is not None:
        _check_revision(arguments, revision)
    return arguments


def _check_revision(arguments: Arguments, revision: str, parent: str = "") -> None:
    for name, field in type(arguments).model_fields.items():
        if name not in arguments.model_fields_set:
            continue
        path, value, since = f"{parent}{field.alias or name}", getattr(arguments, name), since_of(field)
        if since and since > revision:
            raise ArgumentsError(f"{path} exists from revision {since} on (KLAVIYO_REVISION)")
        if values := values_by_revision_of(field):
            values.check(path, value, revision)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, Arguments):
                _check_revision(inner, revision, f"{path}.")


def _describe(model: type[Arguments], detail: dict[str, Any]) -> str:
    """One error of pydantic's in words."""
    location = tuple(part for part in detail["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    path = ".".join(str(part) for part in location) or "arguments"
    kind = detail["type"]
    if kind == "extra_forbidden":
        names = _names_at(model, location[:-1])
        close = nearest(str(location[-1]), names)
        listed = ", ".join(sorted(names)[:_MAX_LISTED_NAMES]) or "none"
        hint = f"did you mean {' or '.join(close)}?" if close else f"it takes {listed}"
        return f"unknown argument {path[:_MAX_PATH_CHARACTERS]!r}: {hint}"
    if kind == "missing":
        return f"{path} is required{_hint(_field_at(model, location))}"
    if kind == "value_error":
        return f"{path}: {detail['ctx']['error']}"
    if kind == "string_pattern_mismatch":
        return f"{path}: {_value_text(detail['input'])} {_pattern_error(detail['ctx']['pattern'])}"
    return f"{path}: {_expectation(kind, detail)}"


_TYPES = {
    "bool": "true or false",
    "dataclass": "an object",
    "dict": "an object",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "mapping": "an object",
    "model": "an object",
    "string": "a text",
}
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _expectation(kind: str, detail: dict[str, Any]) -> str:
    """The value that was expected and the value that came, without pydantic's terms."""
    value, facts = detail["input"], detail.get("ctx", {})
    match kind:
        case "too_long":
            limit, count = facts["max_length"], facts.get("actual_length") or len(value)
            return f"at most {limit:,}, not {count:,}: split the call in {-(-count // limit)}"
        case "too_short" if not facts.get("actual_length"):
            return f"is empty: give at least {facts['min_length']}"
        case "too_short":
            return f"at least {facts['min_length']}, not {facts['actual_length']}"
        case "string_too_long":
            return f"at most {facts['max_length']} characters, not {len(str(value))}"
        case "string_too_short":
            return f"at least {facts['min_length']} characters, not {len(str(value))}"
        case "literal_error" | "enum":
            return f"should be {facts['expected']}, not {_value_text(value)}"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        bound = int(facts[name]) if facts[name] == int(facts[name]) else facts[name]
        return f"should be {words} {bound}, not {_value_text(value)}"
    if expected := _TYPES.get(kind.partition("_")[0]):
        return f"should be {expected}, not {_value_text(value)}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, not {_value_text(value)}"


def _pattern_error(pattern: str) -> str:
    if pattern.startswith(r"^\+"):
        return "is not a phone number in E.164 form such as +14155550123"
    if "@" in pattern:
        return "is not an e-mail address"
    return f"does not match {pattern}"


def _value_text(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else f"{text[: _MAX_VALUE_CHARACTERS - 3]}…"


def _hint(field: FieldInfo | None) -> str:
    """What a missing argument looks like: an example, its description, or the keys that it takes."""
    if field is None:
        return ""
    if field.examples:
        return f", such as {_example_text(field.examples[0])}"
    text = _description(field)
    if len(text) > _MAX_HINT_CHARACTERS:
        text = f"{text[: _MAX_HINT_CHARACTERS - 1]}…"
    return f" ({text})" if text else ""


def _example_text(example: Any) -> str:
    if isinstance(example, str):
        return example
    short = example[:3] if isinstance(example, list) and len(example) > 5 else example
    return json.dumps(short, ensure_ascii=False)


def _description(field: FieldInfo) -> str:
    if field.description:
        return field.description
    schemas = [mark.json_schema or {} for mark in marks_of(field) if isinstance(mark, WithJsonSchema)]
    if described := next((str(schema["description"]) for schema in schemas if "description" in schema), ""):
        return described
    if (inner := next(models_in(field.annotation), None)) is not None:
        return f"{'objects' if get_origin(field.annotation) is list else 'an object'} of {argument_names(inner)}"
    if get_origin(field.annotation) is Literal:
        return " or ".join(map(str, get_args(field.annotation)))
    return ""


def _field_at(model: type[Arguments], path: tuple[int | str, ...]) -> FieldInfo | None:
    names = [part for part in path if not isinstance(part, int)]
    for part in names:
        field = _field(model, part)
        if field is None or part == names[-1]:
            return field
        inner = next(models_in(field.annotation), None)
        if inner is None:
            return None
        model = inner
    return None


def _names_at(model: type[Arguments], path: tuple[int | str, ...]) -> list[str]:
    for part in path:
        if isinstance(part, int):
            continue
        field = _field(model, part)
        inner = next(models_in(field.annotation), None) if field else None
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]


def _field(model: type[Arguments], name: str) -> FieldInfo | None:
    return next((field for key, field in model.model_fields.items() if name in (key, field.alias)), None)
