"""Reads the body of an error: Klaviyo's JSON:API errors, or the gateway's one message."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klaviyo_mcp.errors import cut, quote
from klaviyo_mcp.gateway.options import RequestContext

MAX_ERROR_BYTES = 65_536
"""An error's body is read no further."""
_SHOWN_ERRORS = 3

_RELATIONSHIP = re.compile(r"(?:^|/)relationships/([^/]+)/data(?:/(\d+))?(?:/(?:id|type))?$")
_MEMBER = re.compile(r"/?data/(\d+)(?:/(?:id|type))?")
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_ENVELOPE = frozenset({"", "data", "attributes", "relationships", "meta"})
_PARAMETERS = {"page": "max_results", "page[size]": "max_results", "page[cursor]": "cursor", "page_cursor": "cursor"}


@dataclass(frozen=True, slots=True)
class Problem:
    """The content of an error's body, cleaned so that a model may read it."""

    detail: str = ""
    arguments: tuple[str, ...] = ()
    """Our names of the arguments that Klaviyo blames."""
    duplicate_id: str = ""
    """Id of the profile that exists already."""
    from_klaviyo: bool = False
    """It has the form of Klaviyo's errors; otherwise the gateway wrote it."""
    is_json: bool = False

    @classmethod
    def read(cls, body: bytes, context: RequestContext) -> Problem:
        """The problem that a body tells of; an empty one where it is not a JSON object."""
        try:
            document = json.loads(body[:MAX_ERROR_BYTES])
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(document, dict):
            return cls()
        errors = document.get("errors")
        errors = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
        if not errors:
            return cls(quote(_message(document), context.secrets), is_json=True)
        arguments: list[str] = []
        lines: list[str] = []
        for error in errors:
            name = argument_of(error.get("source"), context.options.argument_names, context.secrets)
            text = quote(str(error.get("detail") or error.get("title") or ""), context.secrets)
            lines.append(f"{name}: {text}" if name and text else name or text)
            if name and name not in arguments:
                arguments.append(name)
        rest = len(errors) - _SHOWN_ERRORS
        more = f" (and {rest} more)" if rest > 0 else ""
        meta = errors[0].get("meta")
        duplicate = meta.get("duplicate_profile_id") if isinstance(meta, dict) else None
        return cls(
            "; ".join(dict.fromkeys(line for line in lines[:_SHOWN_ERRORS] if line)) + more,
            tuple(arguments),
            duplicate if isinstance(duplicate, str) and _ID.fullmatch(duplicate) else "",
            from_klaviyo=True,
            is_json=True,
        )


def argument_of(source: object, names: Mapping[str, str], secrets: Sequence[str] = ()) -> str:
    """Our argument for the `source` of one of Klaviyo's errors, empty where it names none.

    `/data/attributes/email` is `email`. `names` maps Klaviyo's names to ours where they differ.
    """
    if not isinstance(source, Mapping):
        return ""
    if isinstance(parameter := source.get("parameter"), str) and parameter:
        name = _PARAMETERS.get(parameter, parameter.split("[")[0])
    elif isinstance(pointer := source.get("pointer"), str) and pointer:
        name = _argument_at(pointer)
    else:
        return ""
    name = cut(quote(name, secrets), 80).replace("-", "_")
    base = re.split(r"[.\[]", name, maxsplit=1)[0]
    return names.get(base, base) + name[len(base) :]


def _argument_at(pointer: str) -> str:
    """Our argument for a JSON pointer into the body: relationships are `<name>_id` or `<name>_ids`."""
    if match := _RELATIONSHIP.search(pointer):
        name, index = match[1], match[2]
        if index is None:
            return f"{_singular(name)}_ids" if name.endswith("s") else f"{name}_id"
        return f"{_singular(name)}_ids[{index}]"
    if match := _MEMBER.fullmatch(pointer):
        return f"ids[{match[1]}]"
    parts = [part for part in pointer.split("/") if part not in _ENVELOPE]
    return "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts).lstrip(".")


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def _message(document: Mapping[str, Any]) -> str:
    """The gateway's message, under whichever name it stands: Maton's documentation shows no shape of an error."""
    for name in ("message", "detail", "error", "error_description", "title"):
        value = document.get(name)
        if isinstance(value, dict):
            value = value.get("message") or value.get("detail")
        if isinstance(value, str) and value:
            return value
    return ""
