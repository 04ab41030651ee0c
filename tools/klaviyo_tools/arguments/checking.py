"""Checking what a caller hands in against a model of arguments, and telling its faults in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import (
    ValidationError,
    WithJsonSchema,
)
from pydantic.fields import FieldInfo

from klaviyo_tools.arguments.errors import ArgumentsError
from klaviyo_tools.arguments.places import _marks, since_of, varies_of
from klaviyo_tools.arguments.spelling import nearest
from klaviyo_tools.arguments.types import Arguments, argument_names, models_in

# Checking a call.

Model = TypeVar("Model", bound=Arguments)


def check(model: type[Model], given: Mapping[str, Any], revision: str | None = None) -> Model:
    """Validate what a model wrote. Raises ArgumentsError with every fault in words, the nearest names included.

    With a revision, what Klaviyo does not take at it is refused, wherever it stands.
    """
    try:
        arguments = model.model_validate(given)
    except ValidationError as error:
        faults = [_fault(model, dict(detail)) for detail in error.errors(include_url=False)[:4]]
        raise ArgumentsError("; ".join(dict.fromkeys(faults))) from None
    if revision is not None:
        _refuse_other_revisions(arguments, revision)
    return arguments


def _refuse_other_revisions(arguments: Arguments, revision: str, at: str = "") -> None:
    for name, declared in type(arguments).model_fields.items():
        if name not in arguments.model_fields_set:
            continue
        path, value, since = f"{at}{declared.alias or name}", getattr(arguments, name), since_of(declared)
        if since and since > revision:
            raise ArgumentsError(f"{path} exists from revision {since} on (KLAVIYO_REVISION)")
        if varies := varies_of(declared):
            varies.refuse(path, value, revision)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, Arguments):
                _refuse_other_revisions(inner, revision, f"{path}.")


def _fault(model: type[Arguments], detail: dict[str, Any]) -> str:
    loc = tuple(part for part in detail["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    where = ".".join(str(part) for part in loc) or "arguments"
    kind = detail["type"]
    if kind == "extra_forbidden":
        names = _names_at(model, loc[:-1])
        close = nearest(str(loc[-1]), names)
        hint = f"did you mean {' or '.join(close)}?" if close else f"it takes {', '.join(sorted(names)[:14]) or 'none'}"
        return f"unknown argument {where[:80]!r}: {hint}"
    if kind == "missing":
        return f"{where} is required{_hint(_field_at(model, loc))}"
    if kind == "value_error":
        return f"{where}: {detail['ctx']['error']}"
    if kind == "string_pattern_mismatch":
        return f"{where}: {_shown(detail['input'])} {_expected(where, detail['ctx']['pattern'])}"
    return f"{where}: {_should(kind, detail)}"


_KINDS = {
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


def _should(kind: str, detail: dict[str, Any]) -> str:
    """What a value should have been, and what it is, in words that no one needs to know a library for."""
    given, facts = detail["input"], detail.get("ctx", {})
    match kind:
        case "too_long":
            most, count = facts["max_length"], facts.get("actual_length") or len(given)
            return f"at most {most:,}, not {count:,}: split the call in {-(-count // most)}"
        case "too_short" if not facts.get("actual_length"):
            return f"is empty: give at least {facts['min_length']}"
        case "too_short":
            return f"at least {facts['min_length']}, not {facts['actual_length']}"
        case "string_too_long":
            return f"at most {facts['max_length']} characters, not {len(str(given))}"
        case "string_too_short":
            return f"at least {facts['min_length']} characters, not {len(str(given))}"
        case "literal_error" | "enum":
            return f"should be {facts['expected']}, not {_shown(given)}"
    if kind in _BOUNDS:
        words, name = _BOUNDS[kind]
        bound = int(facts[name]) if facts[name] == int(facts[name]) else facts[name]
        return f"should be {words} {bound}, not {_shown(given)}"
    what = _KINDS.get(kind.partition("_")[0])
    if what:
        return f"should be {what}, not {_shown(given)}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, not {_shown(given)}"


def _expected(where: str, pattern: str) -> str:
    if pattern.startswith(r"^\+"):
        return "is not a phone number in E.164 form such as +14155550123"
    if "@" in pattern:
        return "is not an e-mail address"
    return f"does not match {pattern}"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _hint(field: FieldInfo | None) -> str:
    """What a missing argument looks like: an example, its description, or the keys that it takes."""
    if field is None:
        return ""
    if field.examples:
        example = field.examples[0]
        if isinstance(example, str):
            return f", such as {example}"
        short = example[:3] if isinstance(example, list) and len(example) > 5 else example
        return f", such as {json.dumps(short, ensure_ascii=False)}"
    simple = [mark.json_schema or {} for mark in _marks(field) if isinstance(mark, WithJsonSchema)]
    told = field.description or next((str(one["description"]) for one in simple if "description" in one), "")
    inner = next(models_in(field.annotation), None)
    if not told and inner is not None:
        told = f"{'objects' if get_origin(field.annotation) is list else 'an object'} of {argument_names(inner)}"
    if not told and get_origin(field.annotation) is Literal:
        told = " or ".join(map(str, get_args(field.annotation)))
    return f" ({told if len(told) <= 160 else f'{told[:159]}…'})" if told else ""


def _field_at(model: type[Arguments], path: tuple[int | str, ...]) -> FieldInfo | None:
    names = [part for part in path if not isinstance(part, int)]
    for part in names:
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
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
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        inner = next(models_in(field.annotation), None) if field else None
        if inner is None:
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]
