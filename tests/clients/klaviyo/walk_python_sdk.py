"""Call every read of Klaviyo's Python SDK against the sandbox; run by an interpreter that has the SDK, not by pytest.

    python walk_python_sdk.py FACTS.json

FACTS.json holds the address (`url`), the id to put into each path (`ids`), what each query parameter may be (`queries`)
and the bodies of reads by POST (`bodies`). Prints a JSON object: for each read the number of calls, and the calls that
failed with their errors. The SDK validates each answer by its own pydantic models, so a call that returns is an answer
that Klaviyo could give.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FILTER_FIELD = re.compile(r"`([^`]+)`:((?:\s*`[a-z-]+`,?)+)")
DATES = re.compile(r"created|updated|scheduled_at|datetime|joined_group_at|expires_at|\.timestamp$")
BOOLEANS = {
    "archived", "published", "hidden", "verified", "is_active", "is_starred", "default", "exclusive", "ab_test",
}  # fmt: skip
NUMBERS = {"size", "rating", "timestamp"}
CHANNEL = "equals(messages.channel,'email')"


def main() -> None:
    facts = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    sdk = importlib.import_module("klaviyo_api").KlaviyoAPI("sandbox", test_host=facts["url"], max_retries=1)
    report: dict[str, Any] = {}
    for group in sorted(name for name, one in vars(type(sdk)).items() if isinstance(one, property)):
        api = getattr(sdk, group)
        for name, method in sorted(vars(type(api)).items()):
            route = _route(method, type(api), name)
            if route is None or not route[1].startswith("/api/"):
                continue
            if route[0] == "GET":
                report[name] = _walk(getattr(api, name), method, route[1], facts)
            elif route[1] in facts["bodies"]:
                failure = _failure(getattr(api, name), [facts["bodies"][route[1]]], {})
                report[name] = {"calls": 1, "failures": {"": failure} if failure else {}}
    sys.stdout.write(json.dumps(report))


def _route(method: Any, api: type, name: str) -> tuple[str, str] | None:
    """The HTTP method and path of an operation; None for an alias and for what is no operation."""
    serialize = getattr(api, f"_{name}_serialize", None)
    if serialize is None or not callable(method) or getattr(method, "__name__", name) != name:
        return None
    source = inspect.getsource(serialize)
    found = [re.search(rf"{key}='([^']+)'", source) for key in ("method", "resource_path")]
    return (found[0][1], found[1][1]) if found[0] and found[1] else None


def _walk(call: Any, method: Any, path: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(method).parameters
    descriptions = {name: _description(parameter) for name, parameter in parameters.items()}
    queries = facts["queries"].get(path)
    if queries is None:
        return {"calls": 0, "failures": {"": f"the sandbox does not know {path}"}}
    required: dict[str, Any] = {}
    if "{" in path:
        if path not in facts["ids"]:
            return {"calls": 0, "failures": {"": f"no id for {path}"}}
        required[next(name for name in parameters if name.endswith("id"))] = facts["ids"][path]
    if "filter" in queries["required"]:
        required["filter"] = CHANNEL if "campaigns" in path else f"equals(coupon.id,'{facts['coupon']}')"
    failures = {}
    variants = list(_variants(parameters, descriptions, queries, path))
    for variant in variants:
        arguments = {**required, **variant}
        if "filter" in variant and "filter" in required:
            arguments["filter"] = ",".join(dict.fromkeys((required["filter"], variant["filter"])))
        if failure := _failure(call, [], arguments):
            failures[json.dumps(variant)] = failure
    return {"calls": len(variants), "failures": failures}


def _failure(call: Any, positional: list[Any], arguments: Mapping[str, Any]) -> str:
    try:
        call(*positional, **arguments)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:600]
    return ""


def _description(parameter: inspect.Parameter) -> str:
    """What the SDK says of a parameter, which holds the fields and operators of a filter."""
    return str(parameter.annotation)


def _variants(
    parameters: Mapping[str, Any], descriptions: Mapping[str, str], queries: Mapping[str, Any], path: str
) -> Iterator[dict[str, Any]]:
    """The arguments of each call: none, includes and additional fields, sparse fields, each sort, each filter."""
    yield {}
    whole: dict[str, Any] = {}
    for name, values in queries["lists"].items():
        argument = re.sub(r"[\[\]-]+", "_", name).strip("_")
        if argument in parameters and values:
            whole[argument] = values
            if not argument.startswith("fields"):
                yield {argument: values}
    if whole:
        yield whole
    if queries["page_size"] and "page_size" in parameters:
        yield {"page_size": queries["page_size"]}
    for sort in queries["sort"]:
        yield {"sort": sort}
    for field, operators in FILTER_FIELD.findall(descriptions.get("filter", "")):
        for operator in re.findall(r"`([a-z-]+)`", operators):
            yield {"filter": _filter(field, operator, path)}


def _filter(field: str, operator: str, path: str) -> str:
    """A filter as Klaviyo's own server writes it: strings as Python's `repr` does. Events count time in seconds."""
    if operator == "has":
        return f"has({field})"
    value: Any = "email" if field == "messages.channel" else "x"
    text = repr([value, "it's"] if operator in ("any", "contains-any", "contains-all") else value)
    if DATES.search(field) or (field == "timestamp" and "events" not in path):
        text = "2026-01-01T00:00:00+00:00"
    elif field in BOOLEANS:
        text = "true"
    elif field in NUMBERS:
        text = "5"
    if operator in ("any", "contains-any", "contains-all") and not text.startswith("["):
        text = f"[{text}]"
    return f"{operator}({field},{text})"


main()
