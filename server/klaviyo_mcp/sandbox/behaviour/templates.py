"""Templates and universal content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from klaviyo_mcp.sandbox.api.handlers import update
from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import invalid
from klaviyo_mcp.sandbox.state.store import Record

_VARIABLE = re.compile(r"\{\{\s*([\w.$]+)\s*(?:\|\s*default:\s*(?:'([^']*)'|\"([^\"]*)\")\s*)?\}\}")


def fill_variables(text: str, context: Mapping[str, Any]) -> str:
    """Replace the `{{ variables }}` of a template's text.

    A variable is a dotted path into the context, with or without `|default:'…'`; an unknown one becomes empty. Other
    template language stays as it is.
    """

    def value_of(variable: re.Match[str]) -> str:
        value: Any = context
        for part in variable[1].split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        default = variable[2] if variable[2] is not None else variable[3]
        return str(value) if value not in (None, "") else default or ""

    return _VARIABLE.sub(value_of, text)


def _render_template(request: ApiRequest) -> Answer:
    template = request.record("template", request.data["id"])
    context = request.attributes["context"]
    attributes = dict(template.attributes)
    for name in ("html", "text", "amp"):
        if attributes.get(name):
            attributes[name] = fill_variables(attributes[name], context)
    return request.answer_record(Record("template", template.id, attributes))


def _clone_template(request: ApiRequest) -> Answer:
    original = request.record("template", request.data["id"]).attributes
    name = request.attributes.get("name") or f"Clone of {original['name']}"
    attributes = {key: value for key, value in original.items() if key not in ("created", "updated")}
    return request.answer_record(
        create_record(request, {"type": "template", "attributes": attributes | {"name": name}})
    )


def _create_template(request: ApiRequest) -> Answer:
    allowed = ("CODE", "USER_DRAGGABLE", *(("SYSTEM_DRAGGABLE",) if "definition" in request.attributes else ()))
    if request.attributes["editor_type"] not in allowed:
        raise invalid(f"editor_type must be one of {', '.join(allowed)}.", pointer="/data/attributes/editor_type")
    attributes = {"html": "", "text": None, "amp": None, **request.attributes}
    return request.answer_record(create_record(request, {**request.data, "attributes": attributes}))


def _update_template(request: ApiRequest) -> Answer:
    """Refuse the content of another editor, as the document of 2026-07-15 says of html, amp and definition."""
    editor = request.record("template").attributes.get("editor_type")
    refused = ("html", "amp") if editor == "SYSTEM_DRAGGABLE" else ("definition",)
    for name in refused:
        if request.attributes.get(name) is not None:
            raise invalid(f"{name} is not allowed for {editor} templates.", pointer=f"/data/attributes/{name}")
    return update(request)


def _create_universal_content(request: ApiRequest) -> Answer:
    record = create_record(request, request.data)
    record.attributes |= {
        "screenshot_status": "completed",
        "screenshot_url": f"https://images.example.com/universal-content/{record.id}.png",
    }
    return request.answer_record(record)


HANDLERS: Mapping[str, Handler] = {
    "render_template": _render_template,
    "clone_template": _clone_template,
    "create_template": _create_template,
    "update_template": _update_template,
    "create_universal_content": _create_universal_content,
}
