"""Images."""

from __future__ import annotations

import pytest
from tests.server.sandbox.sandbox_api import Api

pytestmark = pytest.mark.anyio


async def test_an_image_is_uploaded_from_a_url(api: Api) -> None:
    image = await api.create("image", "images", import_from_url="https://example.com/pic/cat.jpg")
    assert (image["attributes"]["name"], image["attributes"]["format"]) == ("cat", "jpeg")
    await api.post("images", {"data": {"type": "image", "attributes": {"import_from_url": "ftp://example.com"}}}, 400)


async def test_an_image_is_uploaded_from_a_file_whatever_its_bytes(api: Api) -> None:
    content = b"\x89PNG\r\n\x1a\n\r\n--x\r\n" + bytes(range(256))
    files = {"file": ("dog.png", content, "image/png")}
    response = await api.client.post("/klaviyo/api/image-upload", files=files, data={"hidden": "true"})
    assert response.status_code == 201
    image = response.json()["data"]["attributes"]
    assert (image["name"], image["format"], image["size"]) == ("dog", "png", len(content))
    assert image["hidden"] is True


async def test_a_file_that_is_no_image_is_refused(api: Api) -> None:
    files = {"file": ("x.png", b"no image", "image/png")}
    assert (await api.client.post("/klaviyo/api/image-upload", files=files)).status_code == 400
