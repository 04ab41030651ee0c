"""Images, uploaded from a URL or a file."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from klaviyo_mcp.sandbox.api.records import create_record
from klaviyo_mcp.sandbox.api.request import Answer, ApiRequest, Handler
from klaviyo_mcp.sandbox.errors import invalid

MAX_IMAGE_BYTES = 5_000_000
_FORMATS_BY_SIGNATURE = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
_FORMATS_BY_SUFFIX = {"jpg": "jpeg", "jpeg": "jpeg", "gif": "gif"}


def _answer_image(request: ApiRequest, name: str, format_: str, size: int, hidden: bool) -> Answer:
    attributes = {"name": name, "format": format_, "size": size, "hidden": hidden}
    image = create_record(request, {"type": "image", "attributes": attributes})
    image.attributes["image_url"] = f"https://images.example.com/{image.id}.{format_}"
    return request.answer_record(image)


def _upload_from_url(request: ApiRequest) -> Answer:
    """Store an image without fetching it: its format and size are invented from the URL's text."""
    attributes = request.attributes
    url = urlsplit(attributes["import_from_url"])
    is_data_url = url.scheme == "data" and url.path.startswith("image/")
    if not is_data_url and (url.scheme not in ("http", "https") or not url.hostname):
        raise invalid("import_from_url must be a public http or https URL.", pointer="/data/attributes/import_from_url")
    stem, _, suffix = url.path.rpartition("/")[2].rpartition(".")
    format_ = _FORMATS_BY_SUFFIX.get(suffix.lower(), "png")
    size = 10_000 + sum(attributes["import_from_url"].encode()) * 37 % 400_000
    return _answer_image(
        request, attributes.get("name") or stem or "image", format_, size, bool(attributes.get("hidden"))
    )


def _upload_from_file(request: ApiRequest) -> Answer:
    part = request.body.get("file")
    if not isinstance(part, tuple):
        raise invalid("The part 'file' is required.", pointer="/file")
    filename, content = part
    formats = _FORMATS_BY_SIGNATURE.items()
    format_ = next((format_ for signature, format_ in formats if content.startswith(signature)), None)
    if format_ is None:
        raise invalid("The file is not a jpeg, png or gif image.", pointer="/file")
    if len(content) > MAX_IMAGE_BYTES:
        raise invalid("The file is larger than 5 MB.", pointer="/file")
    name = request.body.get("name") or filename.rpartition(".")[0] or filename
    hidden = str(request.body.get("hidden", "")).lower() == "true"
    return _answer_image(request, name, format_, len(content), hidden)


HANDLERS: Mapping[str, Handler] = {
    "upload_image_from_url": _upload_from_url,
    "upload_image_from_file": _upload_from_file,
}
