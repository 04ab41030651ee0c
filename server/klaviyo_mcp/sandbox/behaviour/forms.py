"""Sign-up forms."""

from __future__ import annotations

from collections.abc import Mapping

from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler


def _create_form(request: ApiRequest) -> Answer:
    """Create a form, and a form-version for each version in its definition."""
    form = create_record(request, request.data)
    ids = []
    for number, definition in enumerate(form.attributes["definition"].get("versions") or [], 1):
        attributes = {
            "form_type": definition.get("type") or "popup",
            "variation_name": definition.get("name") or f"Variation {number}",
            "status": form.attributes["status"],
        }
        version = create_record(request, {"type": "form-version", "attributes": attributes})
        request.store.link(version, "form", form.id)
        ids.append(version.id)
    request.store.link(form, "form-versions", ids)
    return request.answer_record(form)


HANDLERS: Mapping[str, Handler] = {"create_form": _create_form}
