"""A picture leaves this machine only from the directory that the operator allows, and only if it is a picture."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from mcp.client.client import Client
from tests.server.fake_gateway import Answer, FakeGateway, fake_gateway

from klaviyo_mcp.cli.composition import create_service
from klaviyo_mcp.errors import ArgumentError
from klaviyo_mcp.protocol import server as app
from klaviyo_mcp.safety import uploads
from klaviyo_mcp.settings import load_settings
from klaviyo_tools.operation.request import Upload
from klaviyo_tools.registry import registry

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 40
GIF = b"GIF89a" + b"\x00" * 40
IMAGE = {
    "data": {
        "type": "image",
        "id": "7",
        "attributes": {"name": "logo", "image_url": "https://images.example.com/7.png", "format": "png", "size": 48},
    }
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The allowed directory, beside two others."""
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "passport.png").write_bytes(PNG)
    (tmp_path / "pictures-of-others").mkdir()
    (tmp_path / "pictures-of-others" / "a.png").write_bytes(PNG)
    allowed = tmp_path / "pictures"
    (allowed / "spring").mkdir(parents=True)
    (allowed / "logo.png").write_bytes(PNG)
    return allowed


async def read(directory: Path | None, path: str) -> Upload:
    operation = registry()["upload_image_from_file"]
    arguments = operation.arguments.model_validate({"file": path})
    loaded = await uploads.load_upload(operation, arguments, directory)
    upload = operation.request(loaded).upload
    assert upload is not None
    return upload


async def refusal(directory: Path | None, path: str) -> str:
    with pytest.raises(ArgumentError) as raised:
        await read(directory, path)
    text = str(raised.value)
    assert text.startswith("upload_image_from_file was not sent: ")
    assert len(text.encode()) <= 600
    return text.removeprefix("upload_image_from_file was not sent: ")


async def test_nothing_is_read_unless_the_operator_allows_a_directory(pictures: Path) -> None:
    assert await refusal(None, str(pictures / "logo.png")) == (
        "this server sends no files from its machine. The operator allows a directory by setting "
        "KLAVIYO_MCP_UPLOAD_DIR to it and restarting this server; upload_image_from_url takes a picture from the web."
    )


@pytest.mark.parametrize(
    "outside",
    [
        "../private/passport.png",
        "../private/nothing-here.png",
        "spring/../../private/passport.png",
        "/etc/passwd",
        "/etc/no-such-file",
        "../pictures-of-others/a.png",
        "..",
        "/",
        "/proc/self/environ",
        "~/passport.png\0.png",
    ],
)
async def test_a_file_outside_is_refused_alike_whether_or_not_it_exists(pictures: Path, outside: str) -> None:
    assert await refusal(pictures, outside) == (
        f"{outside!r} is not in the directory that KLAVIYO_MCP_UPLOAD_DIR allows. Name a file in {pictures}, by its "
        "full path or relative to that directory."
    )


async def test_a_symbolic_link_counts_as_its_target(pictures: Path) -> None:
    (pictures / "innocent.png").symlink_to("../private/passport.png")
    (pictures / "others").symlink_to(pictures.parent / "private")
    (pictures / "loop.png").symlink_to("loop.png")
    (pictures / "alias.png").symlink_to("logo.png")
    assert "is not in the directory" in await refusal(pictures, "innocent.png")
    assert "is not in the directory" in await refusal(pictures, "others/passport.png")
    assert (await refusal(pictures, "loop.png")).startswith("'loop.png' ")
    assert await read(pictures, "alias.png") == Upload("logo.png", PNG, "image/png")


async def test_the_directory_itself_may_be_a_link(pictures: Path) -> None:
    link = pictures.parent / "link"
    link.symlink_to(pictures)
    assert (await read(link, "logo.png")).content == PNG
    assert (await read(link, str(link / "logo.png"))).content == PNG


async def test_a_link_put_in_place_of_a_file_after_it_was_checked_is_not_followed(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = uploads._resolve

    def swap(*arguments: object) -> tuple[Path, Path]:
        resolved = resolve(*arguments)  # type: ignore[arg-type]
        (pictures / "logo.png").unlink()
        (pictures / "logo.png").symlink_to("../private/passport.png")
        return resolved

    monkeypatch.setattr(uploads, "_resolve", swap)
    assert await refusal(pictures, "logo.png") == "'logo.png' cannot be read."


async def test_a_link_put_in_place_of_a_directory_after_it_was_checked_is_not_followed(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (pictures / "spring" / "passport.png").write_bytes(PNG)
    resolve = uploads._resolve

    def swap(*arguments: object) -> tuple[Path, Path]:
        resolved = resolve(*arguments)  # type: ignore[arg-type]
        (pictures / "spring" / "passport.png").unlink()
        (pictures / "spring").rmdir()
        (pictures / "spring").symlink_to(pictures.parent / "private")
        return resolved

    monkeypatch.setattr(uploads, "_resolve", swap)
    assert await refusal(pictures, "spring/passport.png") == "'spring/passport.png' cannot be read."


async def test_only_regular_files_are_read_and_a_pipe_does_not_block(pictures: Path) -> None:
    os.mkfifo(pictures / "pipe.png")
    for other in ("pipe.png", "spring", "."):
        assert await refusal(pictures, other) == f"{other!r} is not a file."
    assert await refusal(pictures, "nothing.png") == "'nothing.png' does not exist in KLAVIYO_MCP_UPLOAD_DIR."
    assert await refusal(pictures, "logo.png/x") == "'logo.png/x' cannot be read."
    assert await refusal(pictures / "nowhere", "logo.png") == (
        "the directory set in KLAVIYO_MCP_UPLOAD_DIR does not exist. Tell the operator."
    )


@pytest.mark.parametrize(
    ("name", "content", "sent"),
    [
        ("logo.png", PNG, ("logo.png", "image/png")),
        ("photo.JPEG", JPEG, ("photo.JPEG", "image/jpeg")),
        ("really-a-gif.png", GIF, ("really-a-gif.gif", "image/gif")),
        ("noending", JPEG, ("noending.jpg", "image/jpeg")),
        (".png", PNG, ("png.png", "image/png")),
        ('qu"o\nte.png', PNG, ("quote.png", "image/png")),
        ("grüße 🌲.gif", GIF, ("grüße 🌲.gif", "image/gif")),
    ],
)
async def test_the_content_tells_the_type_and_the_name_follows(
    pictures: Path, name: str, content: bytes, sent: tuple[str, str]
) -> None:
    (pictures / name).write_bytes(content)
    upload = await read(pictures, name)
    assert (upload.filename, upload.media_type, upload.content) == (*sent, content)


@pytest.mark.parametrize("content", [b"", b"secret=1", b"%PDF-1.7", b"<svg></svg>", b"RIFF0000WEBP", PNG[1:], b"GIF8"])
async def test_a_file_that_is_no_picture_is_not_sent_whatever_its_name(pictures: Path, content: bytes) -> None:
    (pictures / "logo.png").write_bytes(content)
    assert await refusal(pictures, "logo.png") == (
        "'logo.png' is not a picture: its content is neither JPEG, PNG nor GIF."
    )


async def test_five_megabytes_are_sent_and_not_a_byte_more(pictures: Path) -> None:
    (pictures / "logo.png").write_bytes(PNG.ljust(5_000_000, b"\0"))
    assert len((await read(pictures, "logo.png")).content) == 5_000_000
    (pictures / "logo.png").write_bytes(PNG.ljust(5_000_001, b"\0"))
    assert await refusal(pictures, "logo.png") == (
        "'logo.png' is larger than 5 MB. Make it smaller; Klaviyo takes up to 5 MB."
    )


@asynccontextmanager
async def server(upstream: FakeGateway, **variables: str) -> AsyncIterator[Client]:
    environment = {
        "MATON_API_KEY": "mtn_invented",
        "MATON_BASE_URL": upstream.url,
        "MATON_CONNECTION": "c1",
        **variables,
    }
    calls = create_service(load_settings({"toolsets": "all"}, environment))
    try:
        async with Client(app.create_server(calls)) as client:
            yield client
    finally:
        await calls.aclose()


async def test_a_picture_is_sent_as_a_form(pictures: Path) -> None:
    async with fake_gateway(Answer(201, IMAGE)) as upstream:
        async with server(upstream, KLAVIYO_MCP_UPLOAD_DIR=str(pictures)) as client:
            result = await client.call_tool("upload_image_from_file", {"file": "logo.png", "name": "Logo"})
        assert not result.is_error
        posted = next(request for request in upstream.requests if request.method == "POST")
    assert posted.path == "/klaviyo/api/image-upload"
    assert posted.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="logo.png"\r\nContent-Type: image/png\r\n\r\n' + PNG in posted.body
    assert b'name="name"\r\n\r\nLogo\r\n' in posted.body
    assert str(pictures).encode() not in posted.body


async def test_a_refused_file_is_not_sent(pictures: Path) -> None:
    async with fake_gateway(Answer(201, IMAGE)) as upstream:
        async with server(upstream, KLAVIYO_MCP_UPLOAD_DIR=str(pictures)) as client:
            result = await client.call_tool("upload_image_from_file", {"file": "../private/passport.png"})
        assert result.is_error
        assert upstream.requests == []
