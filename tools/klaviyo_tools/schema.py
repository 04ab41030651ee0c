"""pydantic model -> the JSON Schema that every MCP client accepts.

No `$ref`, no `anyOf` with null, no titles, no type arrays, closed objects, one order: path ids first, then the model's.
Lengths and patterns stay out: a breach is answered in words.
"""

from __future__ import annotations

from typing import Any

from .arguments import Arguments, PathId, place_of, since_of
from .shape import shape


def input_schema(model: type[Arguments], revision: str | None = None) -> dict[str, Any]:
    """The input schema of a tool. With a revision, arguments that Klaviyo only takes from a later one are left out."""
    simple = shape(model)
    properties = simple.get("properties", {})
    for name, field in model.model_fields.items():
        since = since_of(field)
        if revision and since and since > revision:
            properties.pop(name, None)
    ids = [name for name, field in model.model_fields.items() if isinstance(place_of(field), PathId)]
    simple["properties"] = {name: properties[name] for name in [*ids, *(n for n in properties if n not in ids)]}
    if "required" in simple:
        simple["required"] = [name for name in simple["properties"] if name in simple["required"]]
    return simple
