"""What the account writes and shows: templates, universal content, images, forms, reviews, webhooks, feeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from klaviyo_mcp.sandbox.api.engine import Answer, Call, Handler, make, update
from klaviyo_mcp.sandbox.errors import conflict, invalid
from klaviyo_mcp.sandbox.state.store import Record

_VARIABLE = re.compile(r"\{\{\s*([\w.$]+)\s*(?:\|\s*default:\s*(?:'([^']*)'|\"([^\"]*)\")\s*)?\}\}")
_FORMATS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
_IMAGE_LIMIT = 5_000_000


def render(text: str, context: Mapping[str, Any]) -> str:
    """A template's text with its `{{ variables }}` filled in: dotted paths, `|default:'…'`, empty when unknown."""

    def fill(found: re.Match[str]) -> str:
        value: Any = context
        for part in found[1].split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        fallback = found[2] if found[2] is not None else found[3]
        return str(value) if value not in (None, "") else fallback or ""

    return _VARIABLE.sub(fill, text)


def _render(call: Call) -> Answer:
    template = call.record("template", call.data["id"])
    context = call.attributes["context"]
    attributes = dict(template.attributes)
    for name in ("html", "text", "amp"):
        if attributes.get(name):
            attributes[name] = render(attributes[name], context)
    return call.one(Record("template", template.id, attributes))


def _clone(call: Call) -> Answer:
    original = call.record("template", call.data["id"])
    name = call.attributes.get("name") or f"Clone of {original.attributes['name']}"
    held = {key: value for key, value in original.attributes.items() if key not in ("created", "updated")}
    return call.one(make(call, {"type": "template", "attributes": held | {"name": name}}))


def _create_template(call: Call) -> Answer:
    allowed = ("CODE", "USER_DRAGGABLE", *(("SYSTEM_DRAGGABLE",) if "definition" in call.attributes else ()))
    if call.attributes["editor_type"] not in allowed:
        raise invalid(f"editor_type must be one of {', '.join(allowed)}.", pointer="/data/attributes/editor_type")
    return call.one(make(call, {**call.data, "attributes": {"html": "", "text": None, "amp": None, **call.attributes}}))


def _create_universal(call: Call) -> Answer:
    made = make(call, call.data)
    made.attributes |= {
        "screenshot_status": "completed",
        "screenshot_url": f"https://images.example.com/universal-content/{made.id}.png",
    }
    return call.one(made)


def _image(call: Call, name: str, format_: str, size: int, hidden: bool) -> Answer:
    attributes = {"name": name, "format": format_, "size": size, "hidden": hidden}
    image = make(call, {"type": "image", "attributes": attributes})
    image.attributes["image_url"] = f"https://images.example.com/{image.id}.{format_}"
    return call.one(image)


def _image_from_url(call: Call) -> Answer:
    """Klaviyo fetches the URL; the sandbox invents what it would have found, from the URL's own text."""
    attributes = call.attributes
    url = urlsplit(attributes["import_from_url"])
    data_url = url.scheme == "data" and url.path.startswith("image/")
    if not data_url and (url.scheme not in ("http", "https") or not url.hostname):
        raise invalid("import_from_url must be a public http or https URL.", pointer="/data/attributes/import_from_url")
    stem, _, suffix = url.path.rpartition("/")[2].rpartition(".")
    format_ = {"jpg": "jpeg", "jpeg": "jpeg", "gif": "gif"}.get(suffix.lower(), "png")
    size = 10_000 + sum(attributes["import_from_url"].encode()) * 37 % 400_000
    return _image(call, attributes.get("name") or stem or "image", format_, size, bool(attributes.get("hidden")))


def _image_from_file(call: Call) -> Answer:
    part = call.body.get("file")
    if not isinstance(part, tuple):
        raise invalid("The part 'file' is required.", pointer="/file")
    filename, content = part
    format_ = next((name for magic, name in _FORMATS.items() if content.startswith(magic)), None)
    if format_ is None:
        raise invalid("The file is not a jpeg, png or gif image.", pointer="/file")
    if len(content) > _IMAGE_LIMIT:
        raise invalid("The file is larger than 5 MB.", pointer="/file")
    name = call.body.get("name") or filename.rpartition(".")[0] or filename
    return _image(call, name, format_, len(content), str(call.body.get("hidden", "")).lower() == "true")


def _create_webhook(call: Call) -> Answer:
    attributes = dict(call.attributes)
    secret = attributes.pop("secret_key")
    _need_https(attributes["endpoint_url"])
    if not secret:
        raise invalid("secret_key may not be empty.", pointer="/data/attributes/secret_key")
    if not call.related("webhook-topics"):
        raise invalid("A webhook needs a topic.", pointer="/data/relationships/webhook-topics/data")
    return call.one(make(call, {**call.data, "attributes": attributes | {"enabled": True}}))


def _update_webhook(call: Call) -> Answer:
    call.data.get("attributes", {}).pop("secret_key", None)
    if url := call.attributes.get("endpoint_url"):
        _need_https(url)
    return update(call)


def _need_https(url: str) -> None:
    if urlsplit(url).scheme != "https" or not urlsplit(url).hostname:
        raise invalid("endpoint_url must be an https URL.", pointer="/data/attributes/endpoint_url")


def _create_form(call: Call) -> Answer:
    """A form's versions follow from its definition."""
    form = make(call, call.data)
    versions = form.attributes["definition"].get("versions") or []
    ids = []
    for number, version in enumerate(versions, 1):
        attributes = {
            "form_type": version.get("type") or "popup",
            "variation_name": version.get("name") or f"Variation {number}",
            "status": form.attributes["status"],
        }
        made = make(call, {"type": "form-version", "attributes": attributes})
        call.store.link(made, "form", form.id)
        ids.append(made.id)
    call.store.link(form, "form-versions", ids)
    return call.one(form)


def _update_mapped_metric(call: Call) -> Answer:
    if len(call.data.get("relationships") or {}) != 1:
        raise invalid("Map either a metric or a custom metric.", pointer="/data/relationships")
    record = call.record("mapped-metric")
    for name in ("metric", "custom-metric"):
        if name in record.links and name not in call.data["relationships"]:
            call.store.link(record, name, None)
    return update(call)


def _create_web_feed(call: Call) -> Answer:
    if any(feed.attributes["name"] == call.attributes["name"] for feed in call.store.all("web-feed")):
        raise conflict("A web feed with this name exists.", "/data/attributes/name")
    return call.one(make(call, call.data))


HANDLERS: Mapping[str, Handler] = {
    "render_template": _render,
    "clone_template": _clone,
    "create_template": _create_template,
    "create_universal_content": _create_universal,
    "upload_image_from_url": _image_from_url,
    "upload_image_from_file": _image_from_file,
    "create_webhook": _create_webhook,
    "update_webhook": _update_webhook,
    "create_form": _create_form,
    "update_mapped_metric": _update_mapped_metric,
    "create_web_feed": _create_web_feed,
}
