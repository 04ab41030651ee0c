"""Images: how they are filtered and copied into the library."""

from __future__ import annotations

from collections.abc import Callable

from klaviyo_tools.areas.images import area
from klaviyo_tools.arguments.checking import check_arguments
from klaviyo_tools.operation.request import Request, Upload

Render = Callable[..., Request]
Refuse = Callable[..., str]


def test_an_image_needs_a_source(refusal_of: Refuse) -> None:
    assert refusal_of("upload_image_from_url", name="Logo") == (
        "import_from_url is required (https or data URI; jpeg, png, gif up to 5 MB)"
    )
    assert refusal_of("upload_image_from_url", import_from_url="") == "import_from_url: is empty"


def test_an_image_is_copied_from_the_web(request_of: Render) -> None:
    assert request_of(
        "upload_image_from_url", import_from_url="https://example.com/image.jpg", name="Product Image"
    ) == Request(
        "POST",
        "/api/images",
        body={
            "data": {
                "type": "image",
                "attributes": {"import_from_url": "https://example.com/image.jpg", "name": "Product Image"},
            }
        },
    )


def test_an_image_from_a_data_uri_can_be_hidden_from_the_library(request_of: Render) -> None:
    body = request_of("upload_image_from_url", import_from_url="data:image/png;base64,iVBORw0KGgo=", hidden="true").body
    assert body["data"]["attributes"] == {"import_from_url": "data:image/png;base64,iVBORw0KGgo=", "hidden": True}


def test_images_are_filtered_by_name_and_size(request_of: Render) -> None:
    text = 'and(contains(name,"logo"),less-than(size,100000))'
    assert request_of("get_images", filter=text, sort="-updated_at").query["sort"] == "-updated_at"
    assert request_of("get_image", image_id=7) == Request("GET", "/api/images/7")


def test_an_image_file_is_a_part_of_a_multipart_form() -> None:
    operation = area.operations["upload_image_from_file"]
    given = check_arguments(operation.arguments, {"file": "/tmp/logo.png", "name": "Logo", "hidden": True})
    logo = Upload("logo.png", b"\x89PNG", "image/png")
    assert operation.request(given.model_copy(update={"file": logo})) == Request(
        "POST", "/api/image-upload", body={"name": "Logo", "hidden": True}, upload=logo
    )


def test_an_image_is_renamed_and_hidden(request_of: Render) -> None:
    assert request_of("update_image", image_id="7", name="Logo", hidden=True).body == {
        "data": {"type": "image", "id": "7", "attributes": {"name": "Logo", "hidden": True}}
    }
