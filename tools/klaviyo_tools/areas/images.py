"""Images: the pictures that templates and messages use."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klaviyo_tools.arguments.places import Part
from klaviyo_tools.arguments.types import Arguments, Text
from klaviyo_tools.arguments.web_address import PictureUrl
from klaviyo_tools.operation.area import Area, M
from klaviyo_tools.operation.facts import AnswerKind, Rate, RecordAddress

area = Area("images")

UPLOAD_RATE = Rate(3, 100, 100)
TIME_OPERATORS = "greater-or-equal greater-than less-or-equal less-than"


class ImageByUrl(Arguments):
    import_from_url: PictureUrl = Field(description="https or data URI; jpeg, png, gif up to 5 MB")
    name: Text | None = None
    hidden: bool | None = None


class ImageByFile(Arguments):
    file: Annotated[Text, Part("file")] = Field(description="path of a jpeg, png or gif up to 5 MB")
    name: Annotated[Text | None, Part("name")] = None
    hidden: Annotated[bool | None, Part("hidden")] = Field(None, description="hide from the library")


class ImageChanges(Arguments):
    name: Text | None = None
    hidden: bool | None = None


area.resource_type(
    "image",
    "name format size hidden image_url updated_at",
    "format hidden image_url name size updated_at",
    label="name",
    facet="format",
    date="updated_at",
    stable_attributes="updated_at",
)
area.collection(
    "get_images",
    "/api/images",
    "image",
    "Images in the library.",
    rate=M,
    filter={
        "name": "any contains ends-with equals starts-with",
        "format": "any equals",
        "updated_at": TIME_OPERATORS,
        "size": TIME_OPERATORS,
        "hidden": "any equals",
        "id": "any equals",
    },
    sort=("updated_at", "name", "size", "format", "id"),
    max_page_size=100,
)
area.create(
    "upload_image_from_url",
    "/api/images",
    "image",
    ImageByUrl,
    "Copy an image from the web into the library.",
    rate=UPLOAD_RATE,
    aliases="create_image",
)
area.record(
    "get_image",
    "/api/images/{image_id}",
    "image",
    "One image with its URL.",
    rate=M,
    address=RecordAddress("A picture of the library."),
)
area.custom(
    "upload_image_from_file",
    "POST",
    "/api/image-upload",
    "image",
    "Copy an image from this machine into the library.",
    attributes=ImageByFile,
    answer=AnswerKind.RECORD,
    rate=UPLOAD_RATE,
    aliases="create_image_upload",
    verify_with="get_images",
)
area.update(
    "update_image",
    "/api/images/{image_id}",
    "image",
    ImageChanges,
    "Rename an image, or hide it from the library.",
    rate=M,
)
